"""What people decide, on real versions of a small project: who may, what forbids it, and that it is all or nothing."""

import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from direct import PACKAGED, Direct
from exposed import another

from evergreen.adapters.packaging import building
from evergreen.base.errors import ConfigError, GateRefused, IntegrityError, LostRace, Unavailable
from evergreen.project import Project
from evergreen.record import rollouts, traffic
from evergreen.record.outcomes import champion_facts, version_facts
from evergreen.record.registry import history, people
from evergreen.record.registry.people import person
from flows import following, promotion, rollout, settlement, training
from flows.training import train_and_judge
from tasks import mirror

ADA = person("Ada", "the slices look right")
WEEK = "ingest.end='2024-03-08'"
ASKS = "approval.required=[refresh]"


def train(project: Project, version: int, **instead):
    return train_and_judge(project, reason="newer rows", do=Direct(register=lambda *_, **__: version, **instead))


@pytest.fixture(scope="module")
def proposed_folder(visits_trained: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project of visits whose version 2 waits for a person."""
    root = Path(shutil.copytree(visits_trained, tmp_path_factory.mktemp("proposed") / "visits"))
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(root)
        outcome = train(Project.open(overrides=[WEEK, ASKS]), 2)
    assert (outcome.verdict, outcome.version, outcome.promoted_at) == ("proposed", 2, None)
    return root


@pytest.fixture
def shown(monkeypatch) -> list[int]:
    """The champions that MLflow was told, and packages are there."""
    told: list[int] = []
    monkeypatch.setattr(mirror, "follow", lambda ledger, name, **_: told.append(ledger.champion(name).version))
    monkeypatch.setattr(promotion, "follow_beside", following.follow_or_say)  # in this process
    monkeypatch.setattr(building, "build", lambda *_, **__: None)
    return told


@pytest.fixture
def proposed(proposed_folder: Path, shown: list[int], tmp_path: Path, monkeypatch) -> Project:
    root = Path(shutil.copytree(proposed_folder, tmp_path / "proposed"))
    monkeypatch.chdir(root)
    return Project.open(overrides=[ASKS])


def kinds(project: Project) -> list[str]:
    return [
        entry.kind for entry in project.ledger().entries("visits", "approval", "rejection", "promotion", "rollback")
    ]


def refused(kind, code, decide, *given, **named):
    with pytest.raises(kind) as caught:
        decide(*given, **named)
    assert caught.value.code == code, caught.value
    return caught.value


def change(project: Project, **changed) -> None:
    """Let the proposal of version 2 be another one."""
    ledger = project.ledger()
    was = ledger.find("visits", "proposal", "2").payload

    def find(model, kind, key, found=ledger.find):
        entry = found(model, kind, key)
        return entry.model_copy(update={"payload": {**was, **changed}}) if kind == "proposal" and entry else entry

    ledger.find = find
    object.__setattr__(project, "ledger", lambda: ledger)


# -- approve -----------------------------------------------------------------------------------------------------------


def test_version_that_a_person_has_to_approve_waits_and_leaves_the_champion(proposed):
    ledger = proposed.ledger()
    proposal = people.proposal_of(ledger, "visits", 2)
    facts = version_facts(ledger, "visits", 2)
    assert champion_facts(ledger, "visits").version == 1
    assert (facts.version, facts.judged.verdict) == (2, "proposed")
    assert (proposal.epoch, proposal.champion, proposal.by, proposal.not_author) == (1, 1, (), False)
    assert (proposal.data_digest, proposal.model_digest) == (facts.judged.data_digest, facts.artifact.sha256)
    assert timedelta(hours=71) < proposal.expires - datetime.now(UTC) < timedelta(hours=72)
    assert [one.version for one in people.waiting(ledger, "visits", now=datetime.now(UTC))] == [2]


def test_approval_and_promotion_are_recorded_together_with_who_and_why(proposed, shown):
    facts = promotion.approve(proposed, 2, ADA)

    assert (facts.version, facts.judged.verdict) == (2, "promoted")
    assert facts.judged.promoted_at is not None
    assert champion_facts(proposed.ledger(), "visits") == facts
    assert kinds(proposed) == ["promotion", "approval", "promotion"]
    approval, promoted = proposed.ledger().entries("visits", "approval", "promotion")[1:]
    assert (approval.key, approval.payload) == (
        "2",
        {"version": 2, "by": "Ada", "reason": "the slices look right", "door": "cli"},
    )
    assert (promoted.key, promoted.payload["by"], promoted.payload["predecessor"]) == ("2", "Ada", 1)
    assert shown[-1] == 2
    refused(ConfigError, "STA010", promotion.approve, proposed, 2, ADA)
    assert people.waiting(proposed.ledger(), "visits", now=datetime.now(UTC)) == []


def test_same_training_again_says_what_came_of_it_and_is_not_judged_again(proposed):
    again = Project.open(overrides=[WEEK, ASKS])
    waits = train(again, 9)
    assert (waits.verdict, waits.version) == ("proposed", 2)
    assert waits.waits_until == people.proposal_of(proposed.ledger(), "visits", 2).expires
    promotion.approve(proposed, 2, ADA)
    outcome = train(again, 9)
    assert (outcome.verdict, outcome.version, outcome.waits_until) == ("promoted", 2, None)
    assert len(proposed.ledger().entries("visits", "gate")) == 2


def test_version_that_does_not_exist_or_waits_for_nobody_is_not_approved(visited, shown):
    refused(ConfigError, "STA004", promotion.approve, visited, 7, ADA)
    refused(ConfigError, "STA010", promotion.approve, visited, 1, ADA)
    visited.ledger().record("visits", "version", "2", {**champion_dump(visited), "version": 2})
    refused(ConfigError, "STA013", promotion.approve, visited, 2, ADA)
    assert kinds(visited) == ["promotion"]


def champion_dump(project: Project) -> dict:
    return champion_facts(project.ledger(), "visits").model_dump(mode="json")


def test_approval_is_stale_when_another_version_was_promoted_since(proposed):
    facts = champion_dump(proposed)
    proposed.ledger().promote("visits", 1, facts, expected_epoch=1)
    error = refused(LostRace, "RACE004", promotion.approve, proposed, 2, ADA)
    assert "evergreen run" in error.next_step
    assert "approval" not in kinds(proposed)
    again = train(Project.open(overrides=[WEEK, ASKS]), 3)  # which is what it says
    assert (again.verdict, again.version) == ("proposed", 3)
    assert promotion.approve(proposed, 3, ADA).version == 3


def test_approval_is_stale_when_rows_of_its_period_changed_and_not_when_later_ones_came(proposed):
    file = proposed.settings.project / "visits.csv"
    lines = file.read_text().splitlines(keepends=True)
    file.write_text("".join([*lines, "2024-06-01 10:00:00+00:00,999999,0.5,0.5,True\n"]))
    promotion.require_same_data(Project.open(), people.proposal_of(proposed.ledger(), "visits", 2))
    file.write_text("".join([*lines[:100], *lines[101:]]))
    error = refused(LostRace, "RACE004", promotion.approve, proposed, 2, ADA)
    assert "data changed" in error.what
    assert kinds(proposed) == ["promotion"]


def test_nobodys_answer_in_time_is_a_rejection_by_the_policy(proposed):
    change(proposed, expires="2024-03-01T00:00:00+00:00")
    error = refused(ConfigError, "STA011", promotion.approve, proposed, 2, ADA)
    assert "nobody approved it until 2024-03-01 00:00 UTC" in error.what
    (entry,) = proposed.ledger().entries("visits", "rejection")
    assert (entry.key, entry.payload["by"], entry.payload["door"]) == ("2", "policy", "policy")
    again = train(Project.open(overrides=[WEEK, ASKS]), 9)
    assert (again.verdict, again.version) == ("refused", 2)
    assert again.reason.startswith("rejected by policy: nobody")


def test_only_whom_the_policy_names_may_approve(proposed):
    change(proposed, by=["Grace", "Ada "])
    refused(GateRefused, "GATE003", promotion.approve, proposed, 2, person("Eve", "why not"))
    assert kinds(proposed) == ["promotion"]
    assert promotion.approve(proposed, 2, person("ADA", "fine")).version == 2


def test_author_may_not_approve_where_the_policy_wants_another_and_an_unknown_one_is_nobody(proposed):
    change(proposed, not_author=True)
    assert "nobody knows" in refused(GateRefused, "GATE003", promotion.approve, proposed, 2, ADA).what
    assert kinds(proposed) == ["promotion"]


def test_approval_changes_nothing_while_mlflow_does_not_work(proposed, monkeypatch):
    monkeypatch.setattr(mirror, "follow", down)
    refused(Unavailable, "DEP002", promotion.approve, proposed, 2, ADA)
    assert kinds(proposed) == ["promotion"]


def down(*_, **__):
    raise Unavailable("DEP002", "MLflow does not work")


@pytest.mark.parametrize("other", ["approve", "reject"])
def test_of_two_people_at_once_one_wins_and_the_other_is_told(other, proposed, monkeypatch):
    def faster(*_, **__):
        monkeypatch.setattr(mirror, "follow", lambda *_, **__: None)
        getattr(promotion, other)(Project.open(), 2, person("Grace", "first"))

    monkeypatch.setattr(mirror, "follow", faster)
    code = {"approve": "RACE001", "reject": "RACE005"}[other]
    error = refused(LostRace, code, promotion.approve, proposed, 2, ADA)
    assert "version 2" in error.what
    assert kinds(proposed) == ["promotion", *(["approval", "promotion"] if other == "approve" else ["rejection"])]


def test_version_of_which_part_is_missing_or_damaged_is_not_approved(proposed):
    facts = version_facts(proposed.ledger(), "visits", 2)
    train_rows = proposed.workspace.path(facts.train.uri)
    kept = train_rows.read_bytes()
    train_rows.write_bytes(kept + b"x")
    refused(IntegrityError, "INT002", promotion.approve, proposed, 2, ADA)
    train_rows.unlink()
    refused(IntegrityError, "INT001", promotion.approve, proposed, 2, ADA)
    train_rows.write_bytes(kept)
    (proposed.workspace.path(facts.artifact.uri) / "manifest.json").unlink()
    refused(IntegrityError, "INT003", promotion.approve, proposed, 2, ADA)
    assert kinds(proposed) == ["promotion"]


# -- reject ------------------------------------------------------------------------------------------------------------


def test_rejected_version_never_comes_into_service(proposed):
    promotion.reject(proposed, 2, person("Grace", "worse at night"))
    (entry,) = proposed.ledger().entries("visits", "rejection")
    assert entry.payload == {"version": 2, "by": "Grace", "reason": "worse at night", "door": "cli"}
    for decide in (promotion.approve, promotion.promote, promotion.reject):
        error = refused(ConfigError, "STA011", decide, proposed, 2, ADA)
        assert "rejected by Grace" in error.what
    outcome = train(Project.open(overrides=[WEEK, ASKS]), 9)
    assert (outcome.verdict, outcome.reason) == ("refused", "rejected by Grace: worse at night")


def test_champion_and_what_does_not_exist_are_not_rejected(visited, shown):
    refused(ConfigError, "STA010", promotion.reject, visited, 1, ADA)
    refused(ConfigError, "STA004", promotion.reject, visited, 2, ADA)


# -- rollback ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def walked(proposed) -> Project:
    """A project whose versions 1, 2 and 3 were champion one after the other."""
    promotion.approve(proposed, 2, ADA)
    facts = {**champion_dump(proposed), "version": 3, "candidate": "third", "threshold": 0.25}
    proposed.ledger().record("visits", "version", "3", facts)
    proposed.ledger().promote("visits", 3, facts, expected_epoch=2)
    return proposed


def test_rollback_goes_further_back_each_time_and_promote_goes_forth_again(walked, shown):
    two = version_facts(walked.ledger(), "visits", 2)
    back = promotion.rollback(walked, ADA)
    assert (back.version, back.artifact, back.train, back.threshold) == (2, two.artifact, two.train, two.threshold)
    assert back.judged.promoted_at > two.judged.promoted_at
    (entry,) = walked.ledger().entries("visits", "rollback")
    assert (entry.key, entry.payload["by"], entry.payload["predecessor"]) == ("4", "Ada", 3)
    assert shown[-1] == 2
    assert promotion.rollback(walked, ADA).version == 1
    refused(ConfigError, "STA012", promotion.rollback, walked, ADA)
    assert promotion.promote(walked, 3, ADA).threshold == 0.25
    assert promotion.rollback(walked, ADA).version == 1
    assert promotion.rollback(walked, ADA, to=3).threshold == 0.25  # which was rolled back itself
    assert promotion.rollback(walked, ADA).version == 1
    assert walked.ledger().verify() > 0


def test_rollback_to_a_version_and_not_to_one_that_was_rejected_is_champion_or_does_not_exist(walked):
    refused(ConfigError, "STA010", promotion.rollback, walked, ADA, to=3)
    refused(ConfigError, "STA004", promotion.rollback, walked, ADA, to=8)
    promotion.reject(walked, 2, ADA)
    refused(ConfigError, "STA011", promotion.rollback, walked, ADA, to=2)
    assert promotion.rollback(walked, ADA).version == 1  # past the rejected one
    assert kinds(walked)[-1] == "rollback"


def test_rollback_without_a_champion_or_one_before_says_what_to_do(fresh, shown):
    refused(ConfigError, "STA001", promotion.rollback, fresh, ADA)


def test_rollback_stands_although_mlflow_is_down(walked, monkeypatch, caplog):
    monkeypatch.setattr(mirror, "follow", down)
    assert promotion.rollback(walked, ADA).version == 2
    assert "evergreen doctor" in caplog.text


def test_rollback_of_which_part_is_gone_changes_nothing(walked):
    facts = version_facts(walked.ledger(), "visits", 2)
    shutil.rmtree(walked.workspace.path(facts.artifact.uri))
    refused(IntegrityError, "INT003", promotion.rollback, walked, ADA)
    assert walked.ledger().champion("visits").version == 3


def test_package_is_built_again_before_the_champion_changes(walked, monkeypatch):
    seen = []

    def build(path, release, **_):
        seen.append((release.version, walked.ledger().champion("visits").version))

    monkeypatch.setattr(building, "build", build)
    promotion.rollback(walked, ADA)
    assert seen == [(2, 3)]


def test_rollback_is_possible_while_a_training_runs_which_cannot_promote_then(walked):
    def meanwhile(*_, **__):
        promotion.rollback(walked, ADA)
        return PACKAGED

    other = Project.open(overrides=["ingest.end='2024-03-15'"])
    with pytest.raises(LostRace) as caught:
        train(other, 4, package=meanwhile)
    assert caught.value.code == "RACE001"
    assert walked.ledger().champion("visits").version == 2


def test_proposal_made_while_somebody_rolled_back_is_none(walked):
    def meanwhile(*_, **__):
        promotion.rollback(walked, ADA)
        return PACKAGED

    with pytest.raises(LostRace):
        train(Project.open(overrides=["ingest.end='2024-03-15'", ASKS]), 4, package=meanwhile)
    assert people.proposal_of(walked.ledger(), "visits", 4) is None


# -- promote -----------------------------------------------------------------------------------------------------------


def test_version_that_has_to_be_approved_is_not_promoted_past_the_policy(proposed):
    refused(GateRefused, "GATE004", promotion.promote, proposed, 2, ADA)
    refused(ConfigError, "STA010", promotion.promote, proposed, 1, ADA)
    refused(ConfigError, "STA004", promotion.promote, proposed, 5, ADA)
    assert kinds(proposed) == ["promotion"]


def test_version_that_lost_the_race_may_be_promoted_by_a_person_but_not_if_the_gate_refused_it_then(visited, shown):
    facts = {**champion_dump(visited), "version": 2, "candidate": "late"}
    facts["judged"] = {**facts["judged"], "verdict": "proposed", "promoted_at": None}
    visited.ledger().record("visits", "version", "2", facts)
    visited.ledger().record("visits", "version", "3", {**facts, "version": 3, "candidate": "refused"})
    visited.ledger().record("visits", "judgement", "refused", {**facts["judged"], "verdict": "refused"})
    refused(GateRefused, "GATE005", promotion.promote, visited, 3, ADA)
    assert promotion.promote(visited, 2, ADA).version == 2
    named = Project.open(overrides=["approval.by=[Grace]"])
    refused(GateRefused, "GATE003", promotion.promote, named, 1, ADA)


def test_lost_race_of_a_promotion_changes_nothing(walked, monkeypatch):
    def faster(*_, **__):
        monkeypatch.setattr(mirror, "follow", lambda *_, **__: None)
        promotion.rollback(walked, person("Grace", "late answers"))

    promotion.rollback(walked, ADA)
    monkeypatch.setattr(mirror, "follow", faster)
    refused(LostRace, "RACE001", promotion.promote, walked, 3, ADA)
    assert walked.ledger().champion("visits").version == 1


def test_training_under_a_policy_that_names_another_rule_promotes(visited):
    project = Project.open(overrides=[WEEK, "approval.required=[first]"])
    assert train(project, 2).verdict == "promoted"
    assert training.people.proposal_of(visited.ledger(), "visits", 2) is None


# -- all of the traffic at once ----------------------------------------------------------------------------------------

BY_DEGREES = "rollout.direct=false"


def test_version_that_passed_goes_by_the_plan_unless_all_traffic_at_once_is_asked_for(visited, shown):
    project = Project.open(overrides=[WEEK, BY_DEGREES])
    outcome = train(project, 2)

    assert (outcome.verdict, outcome.version, outcome.rollout) == ("proposed", 2, "rollout-1")
    assert champion_facts(project.ledger(), "visits").version == 1
    rule = traffic.standing(project.ledger(), "visits")
    assert (rule.mode, [(arm.name, arm.version, arm.share) for arm in rule.arms]) == (
        "shadow",
        [("challenger", 2, 0.0), ("champion", 1, 1.0)],
    )
    (begun,) = rollouts.rollouts(project.ledger(), "visits")
    assert (begun.begun.by, begun.begun.origin, begun.begun.reason) == ("gate", "gate", outcome.reason)


def test_training_that_was_killed_after_its_rollout_began_begins_no_second_one(visited, shown, monkeypatch):
    project = Project.open(overrides=[WEEK, BY_DEGREES])

    begin = settlement.rollout.begin

    def begin_and_die(*given, **named):
        begin(*given, **named)
        raise KeyboardInterrupt

    monkeypatch.setattr(settlement.rollout, "begin", begin_and_die)
    with pytest.raises(KeyboardInterrupt):
        train(project, 2)
    monkeypatch.setattr(settlement.rollout, "begin", begin)
    assert train(project, 2).rollout == "rollout-1"
    assert len(rollouts.rollouts(project.ledger(), "visits")) == 1


def test_training_keeps_with_its_promotion_that_it_went_to_all_traffic_at_once(visited):
    assert train(Project.open(overrides=[WEEK]), 2).verdict == "promoted"
    first, second = visited.ledger().entries("visits", "promotion")
    assert "direct" not in first.payload  # nothing answered before it
    assert second.payload["direct"] is True
    told = history.events(visited.ledger().entries("visits"))
    assert [event.direct for event in told if event.kind == "promotion"] == [False, True]


def test_approval_begins_the_rollout_and_is_kept_with_it(proposed):
    project = Project.open(overrides=[ASKS, BY_DEGREES])
    assert promotion.approve(project, 2, ADA).judged.verdict == "proposed"

    assert kinds(project) == ["promotion", "approval"]
    (begun,) = rollouts.rollouts(project.ledger(), "visits")
    assert (begun.begun.version, begun.begun.by, begun.begun.origin) == (2, "Ada", "approval")
    refused(ConfigError, "STA013", promotion.approve, project, 2, ADA)


def test_approval_to_all_traffic_at_once_says_so(proposed):
    project = Project.open(overrides=[ASKS, BY_DEGREES])
    assert promotion.approve(project, 2, ADA, direct=True).judged.verdict == "promoted"
    assert project.ledger().entries("visits", "promotion")[-1].payload["direct"] is True
    assert traffic.standing(project.ledger(), "visits") is None


def test_person_promotes_what_never_was_in_service_by_the_flag_alone_and_what_was_without_it(visited, shown):
    another(visited)
    project = Project.open(overrides=[BY_DEGREES])
    error = refused(GateRefused, "GATE008", promotion.promote, project, 2, ADA)
    assert "evergreen rollout start 2" in error.next_step
    assert champion_facts(project.ledger(), "visits").version == 1

    assert promotion.promote(project, 2, ADA, direct=True).version == 2
    assert project.ledger().entries("visits", "promotion")[-1].payload["direct"] is True
    promotion.rollback(project, ADA)
    assert promotion.promote(project, 2, ADA).version == 2  # it was in service before
    assert "direct" not in project.ledger().entries("visits", "promotion")[-1].payload


def test_training_whose_version_came_back_from_the_traffic_says_that_it_did(visited, shown):
    project = Project.open(overrides=[WEEK, BY_DEGREES])
    outcome = train(project, 2)
    rollout.abort(project, person("Ada", "callers complain"))

    again = people.settled(project.ledger(), outcome, now=datetime.now(UTC))
    assert (again.verdict, again.reason) == ("refused", "rollout-1 aborted: callers complain")
