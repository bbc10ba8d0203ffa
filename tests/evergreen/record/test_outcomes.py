"""What the ledger keeps of a promoted version, and how it is found again."""

from datetime import UTC, date, datetime

import pytest

from evergreen.base.artifacts.refs import FolderRef, TableRef
from evergreen.base.errors import IntegrityError
from evergreen.decisions.gate.check import Check
from evergreen.record.ledger.ledger import Ledger
from evergreen.record.outcomes import (
    Judgement,
    VersionFacts,
    champion_facts,
    former_facts,
    gates_asked,
    standing,
    version_facts,
)

JUDGED = Judgement(
    model="m", version=1, model_digest="a", data_digest="b", code_digest="c", params_digest="d", verdict="promoted",
    metrics={"roc_auc": 0.75}, baseline_metrics={}, promoted_at=None, reason="", checks=(),
)  # fmt: skip


@pytest.fixture
def ledger(tmp_path):
    opened = Ledger(f"sqlite:///{tmp_path / 'ledger.db'}")
    yield opened
    opened.close()


def facts(version: int, candidate: str) -> VersionFacts:
    return VersionFacts(
        version=version, judged=JUDGED, candidate=candidate, artifact=FolderRef(uri="model", sha256="e"),
        train=TableRef(uri="train", rows=3, schema_hash="s", sha256="f"), data_end=date(2024, 3, 1), threshold=0.5,
        run_id="run", bento="bento",
    )  # fmt: skip


def promote(ledger: Ledger, made: VersionFacts, *, epoch: int, model: str = "m", **more: object) -> None:
    payload = {**made.model_dump(mode="json"), **more}
    ledger.promote(model, made.version, payload, expected_epoch=epoch)


def test_champion_is_known_as_it_was_promoted(ledger):
    promote(ledger, facts(1, "first"), epoch=0)
    assert champion_facts(ledger, "m") == facts(1, "first")


def test_there_is_no_champion_before_the_first_promotion_nor_of_another_model(ledger):
    assert champion_facts(ledger, "m") is None
    promote(ledger, facts(1, "first"), epoch=0, model="other")
    assert champion_facts(ledger, "m") is None
    assert version_facts(ledger, "m", 1) is None


def test_older_version_is_known_beside_the_champion_and_one_never_promoted_is_not(ledger):
    promote(ledger, facts(1, "first"), epoch=0)
    promote(ledger, facts(2, "second"), epoch=1)
    assert champion_facts(ledger, "m") == facts(2, "second")
    assert version_facts(ledger, "m", 1) == facts(1, "first")
    assert version_facts(ledger, "m", 3) is None


def test_version_that_is_promoted_again_is_known_as_it_was_the_last_time(ledger):
    promote(ledger, facts(1, "first"), epoch=0)
    promote(ledger, facts(2, "second"), epoch=1)
    promote(ledger, facts(1, "rolled back to"), epoch=2)
    assert version_facts(ledger, "m", 1) == champion_facts(ledger, "m") == facts(1, "rolled back to")


def test_what_another_release_wrote_beside_the_facts_is_no_obstacle(ledger):
    promote(ledger, facts(1, "first"), epoch=0, something_new=[1])
    entry = ledger.entries("m", "promotion")[0].payload
    assert entry["something_new"] == [1]
    assert champion_facts(ledger, "m") == facts(1, "first")


def test_version_is_known_as_it_was_registered_until_it_comes_into_service(ledger):
    registered = facts(1, "first")
    ledger.record("m", "version", "1", registered.model_dump(mode="json"))
    assert version_facts(ledger, "m", 1) == registered
    assert champion_facts(ledger, "m") is None
    promoted = registered.promoted(datetime(2024, 3, 1, tzinfo=UTC))
    promote(ledger, promoted, epoch=0)
    assert version_facts(ledger, "m", 1) == promoted
    assert (promoted.judged.verdict, promoted.judged.promoted_at.year) == ("promoted", 2024)


def test_entry_that_holds_no_facts_is_damage_and_names_itself(ledger):
    ledger.promote("m", 1, {"judged": "nothing"}, expected_epoch=0)
    with pytest.raises(IntegrityError, match=r"entry 1 of the ledger \(promotion of m\) is no VersionFacts") as caught:
        champion_facts(ledger, "m")
    assert caught.value.code == "INT005"
    ledger.record("m", "gate", "c", {"rule": 7})
    with pytest.raises(IntegrityError, match="entry 2"):
        gates_asked(ledger, "m")


def test_rollback_takes_away_what_was_promoted_after_the_version_that_it_returns_to(ledger):
    for version in (1, 2, 3):
        promote(ledger, gained(version, 0.01), epoch=version - 1)
    assert standing_versions(ledger) == [1, 2, 3]
    ledger.promote("m", 2, gained(2, 0.01).model_dump(mode="json"), expected_epoch=3, kind="rollback")
    assert standing_versions(ledger) == [1, 2]
    assert versions(ledger, 3) == [1]
    promote(ledger, gained(4, 0.01), epoch=4)
    assert standing_versions(ledger) == [1, 2, 4]
    ledger.promote("m", 3, gained(3, 0.01).model_dump(mode="json"), expected_epoch=5, kind="rollback")  # from outside
    assert standing_versions(ledger) == [1, 2, 4, 3]


def standing_versions(ledger: Ledger) -> list[int]:
    return [entry.payload["version"] for entry in standing(ledger.changes("m"))]


def gained(version: int, gain: float | None) -> VersionFacts:
    """Return a version that the gate saw to gain so much over the champion before it."""
    check = Check(name="champion", outcome="passed", text="", code="GT004", evidence={"gain": gain})
    judged, artifact = JUDGED.model_copy(update={"checks": (check,)}), FolderRef(uri="model", sha256=f"{version:064}")
    return facts(version, str(version)).model_copy(update={"judged": judged, "artifact": artifact})


def versions(ledger: Ledger, at_most: int) -> list[int]:
    return [made.version for made in former_facts(ledger, "m", at_most=at_most)]


def test_former_champions_are_the_best_by_all_gains_and_then_the_latest(ledger):
    assert versions(ledger, 3) == []
    for epoch, gain in enumerate([None, 0.02, -0.008, -0.008, -0.008, -0.008]):
        promote(ledger, gained(epoch + 1, gain), epoch=epoch)
    assert versions(ledger, 3) == [2, 5, 4]  # version 6 is champion
    assert versions(ledger, 1) == [2]


def test_former_champions_of_an_older_lineage_are_left_behind(ledger):
    promote(ledger, gained(1, None), epoch=0)
    promote(ledger, gained(2, 0.05), epoch=1)
    ledger.record("m", "lineage", "3", {"reason": "another target"})  # which begins with that candidate
    promote(ledger, gained(3, None), epoch=2)
    promote(ledger, gained(4, 0.01), epoch=3)
    assert versions(ledger, 3) == [3]


def test_versions_of_one_model_count_once_and_the_champions_own_not_at_all(ledger):
    one, other = gained(1, None), gained(2, 0.01)
    for epoch, (version, made) in enumerate([(1, one), (2, other), (3, other), (4, one)]):
        promote(ledger, made.model_copy(update={"version": version}), epoch=epoch)
    assert versions(ledger, 3) == [3]  # the champion, version 4, is the model of version 1


def test_lineage_that_did_not_lead_to_a_promotion_leaves_nobody_behind(ledger):
    promote(ledger, gained(1, None), epoch=0)
    promote(ledger, gained(2, 0.05), epoch=1)
    ledger.record("m", "lineage", "refused", {"reason": "another target"})
    assert versions(ledger, 3) == [1]
