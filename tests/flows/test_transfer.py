"""A version of a small project goes into another environment: copied, judged there, and kept by both ledgers."""

import direct
import pytest
from direct import Direct, Whole
from mlflow import MlflowClient
from transfers import count, refused, send, there, told

from evergreen.adapters.packaging import building
from evergreen.base.artifacts.folders import is_whole
from evergreen.base.errors import LostRace, Unavailable
from evergreen.base.files import file_digest
from evergreen.project import Project
from evergreen.record.outcomes import champion_facts, version_facts
from evergreen.record.registry import causes, names, people
from evergreen.record.registry import proof as proofs
from evergreen.record.registry.history import events
from evergreen.record.registry.lineage import ancestry
from evergreen.record.registry.people import person
from evergreen.record.registry.unnamed import names_in
from flows import admission, promotion, training

pytestmark = pytest.mark.filterwarnings("ignore:.*Any type hint is inferred:UserWarning")


def test_version_is_champion_there_by_its_digests_and_both_ledgers_point_at_each_other(here):
    target = there()
    outcome = send(here, target, do=Whole())

    ours, theirs = version_facts(here.ledger(), "visits", 1), champion_facts(target.ledger(), "visits")
    assert (outcome.judged.verdict, outcome.judged.version, outcome.judged.rule) == ("promoted", 1, "first")
    assert (theirs.artifact, theirs.train, theirs.as_judged) == (ours.artifact, ours.train, ours.as_judged)
    assert (theirs.threshold, theirs.recipe, theirs.author) == (ours.threshold, ours.recipe, ours.author)
    assert is_whole(target.workspace.path(theirs.artifact.uri), ours.artifact.sha256)
    assert file_digest(target.workspace.path(theirs.train.uri)) == ours.train.sha256
    assert (target.settings.home / "bentoml" / "bentos" / "visits").is_dir()
    admission.require_whole(target, theirs)

    (promoted,) = told(target, "promotion")
    assert (promoted.payload["by"], promoted.payload["reason"], promoted.payload["predecessor"]) == (
        "Ada",
        "a week on staging",
        None,
    )
    (received,), (sent,) = told(target, "received"), told(here, "sent")
    assert received.key == f"local:1:{ours.artifact.sha256[:12]}"
    assert received.payload == {
        "version": 1,
        "env": "local",
        "from_version": 1,
        "verdict": "promoted",
        "candidate": ours.candidate,
        "model_digest": ours.artifact.sha256,
        "proof": ours.proof.model_dump(),
        "entry": told(here, "promotion")[-1].hash,
        "by": "Ada",
        "reason": "a week on staging",
    }
    assert sent.key == "production:1"
    assert sent.payload == {
        "version": 1,
        "env": "production",
        "to_version": 1,
        "verdict": "promoted",
        "entry": received.hash,
        "by": "Ada",
        "reason": "a week on staging",
    }
    assert (outcome.sent, outcome.received) == (sent.hash, received.hash)

    first, _ = proofs.read(here.workspace.path(ours.proof.uri), ours.proof.sha256)
    again, _ = proofs.read(target.workspace.path(theirs.proof.uri), theirs.proof.sha256)
    kept = ("candidate", "commit", "author", "digests", "python", "packages", "steps", "contract", "params", "taken")
    assert {name: getattr(again, name) for name in kept} == {name: getattr(first, name) for name in kept}
    assert again.history == ()
    store = MlflowClient(tracking_uri=target.settings.tracking_uri(), registry_uri=target.settings.tracking_uri())
    shown = store.get_model_version_by_alias("visits", "champion")
    assert (shown.version, shown.tags["model_digest"]) == (1, ours.artifact.sha256)
    assert shown.tags["code_digest"] == ours.judged.code_digest

    before = count(here), count(target)
    same = send(here, target, do=Whole(), by=person("Grace", "once more"))
    assert (same, count(here), count(target)) == (outcome, *before)


def test_history_and_why_tell_of_it_on_both_sides(here):
    target = there()
    send(here, target)
    ours, theirs = told(here), told(target)
    assert [(one.kind, one.version, one.by) for one in events(ours)][-1] == ("sent", 1, "Ada")
    assert ("received", 1, "Ada") in [(one.kind, one.version, one.by) for one in events(theirs)]

    def said(entries, about):
        def walk(cause):
            yield cause.what
            for other in cause.because:
                yield from walk(other)

        return [what for cause in causes.explain(entries, about) for what in walk(cause)]

    why = said(theirs, names.entries_called(theirs, "1", model="visits"))
    assert any("came from local, where it is version 1" in what and "a week on staging" in what for what in why)
    assert (ancestry(1, ours).sent, ancestry(1, theirs).received) == (("production, version 1",), "local, version 1")
    (sent,), (received,) = told(here, "sent"), told(target, "received")
    assert "was sent to production by Ada, and it is version 1 there" in said(ours, [sent])[0]
    assert "came from local" in said(theirs, [received])[0]


def test_gate_there_holds_a_version_against_the_champion_there_and_refuses_it(here):
    target = there("gate.floor=0.999")
    outcome = send(here, target)
    assert (outcome.judged.verdict, outcome.judged.version) == ("refused", None)
    assert target.ledger().champion("visits") is None
    assert told(target, "version", "number", "promotion") == []
    (received,), (sent,) = told(target, "received"), told(here, "sent")
    assert (received.payload["verdict"], received.payload["version"]) == ("refused", None)
    assert (sent.payload["verdict"], sent.payload["to_version"]) == ("refused", None)
    assert sent.payload["entry"] == received.hash
    assert send(here, target) == outcome
    assert send(here, there()).judged.verdict == "promoted"  # before another gate it is another question
    assert len(told(here, "sent")) == len(told(target, "received")) == 2


def test_champion_there_that_has_seen_no_gate_row_is_scored_on_them(here):
    target = there()
    weeks = there("ingest.end='2024-02-10'")
    assert training.train_and_judge(weeks, reason="first there", do=Direct()).version == 1
    outcome = send(here, target, do=Direct(register=lambda *_, **__: 2))
    (check,) = [check for check in outcome.judged.checks if check.name == "champion"]
    assert check.outcome != "not applicable"
    assert outcome.judged.rule == "refresh"
    assert [entry.payload["rows"] for entry in told(target, "gate")][-1] == told(here, "gate")[-1].payload["rows"]
    assert told(target, "judgement")[-1].payload["verdict"] == outcome.judged.verdict


def test_model_that_was_fitted_again_goes_as_it_is_with_the_one_that_was_measured(here, monkeypatch):
    target, steps = there(), Direct()
    monkeypatch.setattr(building, "build", lambda *_, **__: None)
    longer = Project.open(overrides=["train.refit=true", "ingest.end='2024-03-08'"])
    steps_here = Direct(register=lambda *_, **__: 2)
    trained = training.train_and_judge(longer, reason="fitted again", new_lineage=True, do=steps_here)
    assert (trained.verdict, trained.version) == ("promoted", 2)
    outcome = send(here, target, do=steps, version=2)

    ours, theirs = version_facts(here.ledger(), "visits", 2), champion_facts(target.ledger(), "visits")
    assert "refit" not in steps.names
    assert ours.as_judged is not None
    assert (theirs.artifact, theirs.as_judged) == (ours.artifact, ours.as_judged)
    assert outcome.judged.refit_of == ours.as_judged.sha256 == theirs.measured.sha256
    (received,) = told(target, "received")
    assert (received.payload["from_version"], received.payload["version"]) == (2, 1)
    assert ours.proof.uri in names_in(received.payload)  # which gc keeps


def test_policy_there_lets_it_wait_for_a_person(here):
    asks = there("approval.required=[first]")
    outcome = send(here, asks)
    assert (outcome.judged.verdict, outcome.judged.version) == ("proposed", 1)
    assert people.proposal_of(asks.ledger(), "visits", 1).epoch == 0
    assert asks.ledger().champion("visits") is None
    assert told(here, "sent")[0].payload["verdict"] == "proposed"
    promotion.require_same_data(asks, people.proposal_of(asks.ledger(), "visits", 1))  # as an approval there does


def test_mlflow_that_is_down_there_leaves_nothing_half_done(here, monkeypatch):
    monkeypatch.setenv("EVERGREEN_MLFLOW_TRACKING_URI", f"sqlite:///{here.settings.project}")  # a folder
    target = there()
    refused(Unavailable, "DEP002", send, here, target, do=Whole())
    assert (count(target), target.workspace.root.exists(), told(here, "sent")) == (0, False, [])


def test_transfer_that_was_killed_on_the_way_is_completed_by_the_next(here):
    target = there()

    def killed(*_, **__):
        raise KeyboardInterrupt

    for step in ("compare", "track", "register", "package", "promote"):
        with pytest.raises(KeyboardInterrupt):
            send(here, target, do=Direct(**{step: killed}))
        assert (told(target, "received"), told(here, "sent")) == ([], [])

    outcome = send(here, target)
    assert outcome.judged.verdict == "promoted"
    assert len(told(target, "promotion")) == len(told(target, "gate")) == len(told(target, "version")) == 1


def test_source_that_was_not_told_is_told_by_the_next(here, monkeypatch):
    target = there()

    def locked(*_, **__):
        raise Unavailable("DEP005", "the ledger does not answer")

    with monkeypatch.context() as patch:
        patch.setattr("flows.transfer._point_at", locked)
        refused(Unavailable, "DEP005", send, here, target)
    (received,) = told(target, "received")
    assert told(here, "sent") == []
    send(here, target)
    assert told(here, "sent")[0].payload["entry"] == received.hash
    assert len(told(target, "received")) == 1


def test_champion_that_changes_there_meanwhile_wins(here):
    target = there()
    facts = version_facts(here.ledger(), "visits", 1).model_dump(mode="json")

    def meanwhile(*_, **__):
        target.ledger().promote("visits", 9, {**facts, "version": 9}, expected_epoch=0)
        return direct.PACKAGED

    refused(LostRace, "RACE001", send, here, target, do=Direct(package=meanwhile))
    assert target.ledger().champion("visits").version == 9
    assert told(target, "received") == []
