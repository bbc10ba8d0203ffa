"""What people decide about versions, and what forbids it: names, authors, time, and what changed since."""

from datetime import UTC, date, datetime, timedelta

import pytest
import released

from evergreen.base.artifacts.refs import FolderRef, TableRef
from evergreen.base.errors import ConfigError, GateRefused, IntegrityError, LostRace
from evergreen.config.params.approval import ApprovalParams
from evergreen.config.params.ingest import IngestParams
from evergreen.record.ledger.champions import Champion
from evergreen.record.ledger.ledger import Ledger
from evergreen.record.outcomes import VersionFacts
from evergreen.record.registry import people
from evergreen.record.registry.people import person

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
PERIOD = IngestParams(end=date(2026, 4, 1))


@pytest.fixture
def ledger(tmp_path):
    opened = Ledger(f"sqlite:///{tmp_path / 'ledger.db'}")
    yield opened
    opened.close()


def facts(version: int, **changed) -> VersionFacts:
    judged = released.judged("m", version, "d" * 64).model_copy(update={"verdict": "proposed", "rule": "refresh"})
    given = {
        "version": version, "judged": judged, "candidate": f"c{version}", "threshold": 0.5, "run_id": "run",
        "artifact": FolderRef(uri="model", sha256="e"), "bento": "m:1", "data_end": None,
        "train": TableRef(uri="t", rows=1, schema_hash="s", sha256="f"),
    }  # fmt: skip
    return VersionFacts(**{**given, **changed})


def register(ledger: Ledger, version: int, **changed) -> VersionFacts:
    made = facts(version, **changed)
    ledger.record("m", "version", str(version), made.model_dump(mode="json"))
    return made


def promote(ledger: Ledger, version: int, *, epoch: int, kind="promotion") -> None:
    payload = facts(version).promoted(NOW).model_dump(mode="json")
    ledger.promote("m", version, payload, expected_epoch=epoch, kind=kind)


def propose(ledger: Ledger, version: int, *, epoch: int = 0, **policy) -> people.Proposal:
    made = register(ledger, version)
    given = ApprovalParams(required=("refresh",), **policy)
    return people.propose(ledger, made, given, epoch=epoch, period=PERIOD, now=NOW)


def code(kind, decide, *given, **named) -> str:
    with pytest.raises(kind) as caught:
        decide(*given, **named)
    return caught.value.code


@pytest.mark.parametrize(
    ("by", "reason", "what"),
    [
        (None, "why", "by is missing or blank"),
        ("", "why", "by is missing or blank"),
        ("Ada", " \t ", "reason is missing or blank"),
        ("Ada\x1b[31m", "why", "by holds a character that does not print"),
        ("Ada", "one\ntwo", "reason holds a character that does not print"),
        ("Ada", "\u202eyhw", "reason holds a character that does not print"),
        ("A" * 201, "why", "by has 201 characters"),
    ],
)
def test_who_and_why_are_said_in_characters_that_print(by, reason, what):
    with pytest.raises(ConfigError, match=what) as caught:
        person(by, reason)
    assert caught.value.code == "CFG070"


def test_person_is_kept_as_written_without_blanks_around_and_composed():
    said = person(" Zoe\u0308 ", "because", door="git", commit="abc")
    assert said.told(3) == {"version": 3, "by": "Zo\u00eb", "reason": "because", "door": "git", "commit": "abc"}
    assert person("Ada", "b").told(1) == {"version": 1, "by": "Ada", "reason": "b", "door": "cli"}


def test_proposal_keeps_what_it_was_judged_against_until_when_and_whom_the_policy_names(ledger):
    promote(ledger, 1, epoch=0)
    made = propose(ledger, 2, epoch=1, by=("Ada",), not_author=True, within_hours=1.5)
    assert made == people.proposal_of(ledger, "m", 2)
    assert (made.epoch, made.champion, made.by, made.not_author) == (1, 1, ("Ada",), True)
    assert (made.data_digest, made.model_digest, made.period) == ("d", "e", PERIOD)
    assert made.expires == NOW + timedelta(hours=1.5)
    assert propose(ledger, 2, epoch=1) == made  # once
    assert propose(ledger, 3, epoch=1, within_hours=None).expires is None
    assert people.proposal_of(ledger, "m", 4) is None


def test_proposal_of_a_candidate_that_lost_the_race_is_none(ledger):
    promote(ledger, 1, epoch=0)
    assert code(LostRace, propose, ledger, 2, epoch=0) == "RACE001"
    assert people.proposal_of(ledger, "m", 2) is None


def test_proposal_of_another_shape_is_damage(ledger):
    ledger.record("m", "proposal", "2", {"version": 2})
    with pytest.raises(IntegrityError, match="no Proposal"):
        people.proposal_of(ledger, "m", 2)


def test_those_wait_that_nobody_answered_that_are_neither_late_nor_stale(ledger):
    promote(ledger, 1, epoch=0)
    for version in (2, 3, 4, 5):
        propose(ledger, version, epoch=1, within_hours=version)
    ledger.record("m", "rejection", "3", {})
    ledger.record("m", "approval", "4", {})
    assert [one.version for one in people.waiting(ledger, "m", now=NOW)] == [2, 5]
    assert [one.version for one in people.waiting(ledger, "m", now=NOW + timedelta(hours=2))] == [5]
    promote(ledger, 4, epoch=1)
    assert people.waiting(ledger, "m", now=NOW) == []


def test_version_is_required_to_exist_to_be_no_champion_and_not_rejected(ledger):
    assert code(ConfigError, people.require_version, ledger, "m", 1) == "STA004"
    made = register(ledger, 1)
    assert people.require_version(ledger, "m", 1) == made
    people.require_not_champion(None, 1)
    people.require_not_champion(Champion(model="m", epoch=1, version=2), 1)
    assert code(ConfigError, people.require_not_champion, Champion(model="m", epoch=1, version=1), 1) == "STA010"
    people.require_not_rejected(ledger, "m", 1)
    ledger.record("m", "rejection", "1", person("Ada", "no").told(1))
    with pytest.raises(ConfigError, match=r"rejected by Ada on .* UTC: no") as caught:
        people.require_not_rejected(ledger, "m", 1)
    assert caught.value.code == "STA011"


def test_version_waits_until_it_is_answered_or_late(ledger):
    register(ledger, 1)
    assert code(ConfigError, people.require_waiting, ledger, "m", 1, now=NOW) == "STA013"
    made = propose(ledger, 2, within_hours=1)
    last = NOW + timedelta(minutes=59, seconds=59)
    assert people.require_waiting(ledger, "m", 2, now=last) == made
    assert code(ConfigError, people.require_waiting, ledger, "m", 2, now=NOW + timedelta(hours=1)) == "STA011"
    assert ledger.find("m", "rejection", "2").payload["by"] == people.POLICY
    assert code(ConfigError, people.require_waiting, ledger, "m", 2, now=last) == "STA011"  # and so it stays
    propose(ledger, 3, within_hours=1)
    ledger.record("m", "approval", "3", {})
    assert code(ConfigError, people.require_waiting, ledger, "m", 3, now=NOW + timedelta(days=9)) == "STA013"
    assert ledger.find("m", "rejection", "3") is None  # it was answered in time


def test_policy_names_people_whatever_their_case_and_spelling_in_unicode():
    people.require_allowed(1, person("anybody", "why"), ())
    people.require_allowed(1, person("ZOE\u0308", "why"), ("Ada", " zo\u00eb"))
    assert code(GateRefused, people.require_allowed, 1, person("Zoe", "why"), ("Ada", "Zo\u00eb")) == "GATE003"


@pytest.mark.parametrize("by", ["ada lovelace", "ADA@example.org", "Ada Lovelace <other@x>", "A <ada@example.org>"])
def test_author_is_known_by_name_by_address_and_by_both(by):
    made = facts(1, author="Ada Lovelace <ada@example.org>")
    assert code(GateRefused, people.require_not_author, made, person(by, "why")) == "GATE003"
    people.require_not_author(made, person("Grace", "why"))


def test_author_that_nobody_knows_may_be_anybody():
    assert code(GateRefused, people.require_not_author, facts(1), person("Grace", "why")) == "GATE003"


def test_approval_is_stale_after_any_change_of_the_champion(ledger):
    promote(ledger, 1, epoch=0)
    made = propose(ledger, 2, epoch=1)
    people.require_fresh(made, ledger.champion("m"))
    promote(ledger, 1, epoch=1)
    with pytest.raises(LostRace, match="judged against version 1, and champion is version 1 since") as caught:
        people.require_fresh(made, ledger.champion("m"))
    assert (caught.value.code, caught.value.exit_code) == ("RACE004", 6)
    assert code(LostRace, people.require_fresh, made, None) == "RACE004"


def judgement(ledger: Ledger, candidate: str, version: int, verdict: str = "proposed") -> None:
    told = facts(version).judged.model_copy(update={"verdict": verdict})
    ledger.record("m", "judgement", candidate, told.model_dump(mode="json"))


def test_candidate_is_judged_again_under_another_key_when_its_proposal_is_stale(ledger):
    assert people.key_now(ledger, "m", "c") == "c"
    propose(ledger, 1)
    judgement(ledger, "c", 1)
    assert people.key_now(ledger, "m", "c") == "c"  # it waits
    promote(ledger, 9, epoch=0)
    again = people.key_now(ledger, "m", "c")
    assert again not in ("c", "")
    propose(ledger, 2, epoch=1)
    judgement(ledger, again, 2)
    assert people.key_now(ledger, "m", "c") == again  # it waits in its turn
    ledger.record("m", "approval", "2", {})
    promote(ledger, 2, epoch=1)
    assert people.key_now(ledger, "m", "c") == again  # and was answered


@pytest.mark.parametrize(("verdict", "answered"), [("refused", None), ("promoted", None), ("proposed", "rejection")])
def test_candidate_that_was_answered_is_not_judged_again(verdict, answered, ledger):
    propose(ledger, 1)
    judgement(ledger, "c", 1, verdict)
    if answered:
        ledger.record("m", answered, "1", {})
    promote(ledger, 9, epoch=0)
    assert people.key_now(ledger, "m", "c") == "c"


def test_judgement_that_waited_says_what_came_of_it(ledger):
    judged = facts(1).judged
    assert people.settled(ledger, judged, now=NOW) == judged
    assert people.waits_until(ledger, judged) is None
    made = propose(ledger, 1, within_hours=1)
    assert people.settled(ledger, judged, now=NOW) == judged
    assert people.waits_until(ledger, judged) == made.expires
    late = people.settled(ledger, judged, now=NOW + timedelta(hours=1))
    assert (late.verdict, late.version) == ("refused", 1)
    assert late.reason == "rejected by policy: nobody approved it until 2026-05-01 13:00 UTC"
    promote(ledger, 1, epoch=0)
    promoted = people.settled(ledger, judged, now=NOW)
    assert (promoted.verdict, promoted.promoted_at) == ("promoted", NOW)
    assert people.waits_until(ledger, promoted) is None
    refused = judged.model_copy(update={"verdict": "refused", "version": None})
    assert people.settled(ledger, refused, now=NOW) is refused


def test_judgement_of_a_rejected_version_is_a_refusal_by_that_person(ledger):
    propose(ledger, 1)
    ledger.record("m", "rejection", "1", person("Ada", "no").told(1))
    assert people.settled(ledger, facts(1).judged, now=NOW).reason == "rejected by Ada: no"


def test_rollback_goes_down_what_stands_and_past_what_was_rejected(ledger):
    assert code(ConfigError, people.before, ledger, "m") == "STA012"
    for epoch, version in enumerate([1, 2, 3, 4]):
        promote(ledger, version, epoch=epoch)
    assert people.before(ledger, "m") == 3
    assert people.before(ledger, "m", 1) == 1
    assert code(ConfigError, people.before, ledger, "m", 5) == "STA014"
    ledger.record("m", "rejection", "3", {})
    assert people.before(ledger, "m") == 2
    promote(ledger, 2, epoch=4, kind="rollback")
    assert people.before(ledger, "m") == 1
    assert people.before(ledger, "m", 4) == 4  # which was rolled back
    promote(ledger, 1, epoch=5)
    promote(ledger, 2, epoch=6)
    assert people.before(ledger, "m") == 1
