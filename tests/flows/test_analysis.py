"""The analysis of a candidate: made for whom it is wanted, attached once, and never in the way of a promotion."""

import signal
from concurrent.futures import Future
from pathlib import Path

import pytest
from direct import Direct
from projects import Small, settings_of, wait_for

from evergreen.adapters import tracking
from evergreen.config.params.evaluate import EvaluateParams
from evergreen.project import Project
from evergreen.record.ledger.ledger import Ledger
from evergreen.record.outcomes import champion_facts
from flows import training
from flows.recorder import Recorder
from tasks.analyse import Analysed

PROMOTED = ("--set", "evaluate.analysis=promoted")


def attached(small: Small) -> dict[str, set[str]]:
    """Return what of an analysis each finished candidate's run holds, by verdict."""
    store = tracking.client(settings_of(small).tracking_uri())
    experiment = store.get_experiment_by_name("flights").experiment_id
    runs = store.search_runs([experiment], "tags.candidate != '' and attributes.status = 'FINISHED'")
    return {
        run.data.tags["verdict"]: {file.path for file in store.list_artifacts(run.info.run_id)}
        & {"analysis.json", "figures"}
        for run in runs
    }


def ledger(small: Small) -> Ledger:
    return Ledger(settings_of(small).ledger())


@pytest.mark.parametrize(
    ("policy", "promoted", "refused"), [("promoted", True, False), ("always", True, True), ("never", False, False)]
)
def test_policy_says_which_candidates_are_analysed(policy: str, promoted: bool, refused: bool) -> None:
    params = EvaluateParams.model_validate({"analysis": policy})
    assert (params.wants_analysis(promoted=True), params.wants_analysis(promoted=False)) == (promoted, refused)


def test_promoted_candidate_has_its_analysis_and_a_refused_one_only_when_asked(trained_project: Small) -> None:
    assert attached(trained_project) == {"promote": set()}  # the small search asks for none
    assert trained_project.json("run", *PROMOTED)["analysis"] == "attached"
    assert attached(trained_project) == {"promote": {"analysis.json", "figures"}}
    assert trained_project.json("run", *PROMOTED)["analysis"] == "attached"

    refused = trained_project.json("run", *PROMOTED, "--set", "gate.floor=0.99", code=4)
    assert refused["analysis"] is None
    assert refused["metrics"]["roc_auc"] > 0.6
    assert attached(trained_project)["refuse"] == set()

    asked = ("--set", "gate.floor=0.99", "--set", "evaluate.analysis=always")
    again = trained_project.json("run", *asked, code=4)
    assert again["analysis"] == "attached"
    assert {step["name"]: step["cached"] for step in again["steps"]}["train"]
    assert attached(trained_project)["refuse"] == {"analysis.json", "figures"}
    assert all(step["cached"] for step in trained_project.json("plan", *asked)["steps"])


def test_run_that_was_killed_before_the_analysis_was_attached_makes_it_when_resumed(small_project: Small) -> None:
    process = small_project.start("run", *PROMOTED)
    wait_for(
        lambda: (
            process.poll() is not None
            or (
                (small_project.home / "ledger.db").exists()
                and bool(ledger(small_project).entries("flights", "promotion"))
            )
        ),
        "a version was promoted",
    )
    process.send_signal(signal.SIGKILL)
    process.wait()
    wait_for(lambda: not small_project.processes(), "no process of a killed run is left")
    assert not ledger(small_project).entries("flights", "analysis")
    assert small_project.json("status")["version"] == 1

    outcome = small_project.json("resume")

    assert (outcome["version"], outcome["analysis"]) == (1, "attached")
    assert attached(small_project) == {"promote": {"analysis.json", "figures"}}
    assert len(ledger(small_project).entries("flights", "promotion")) == 1


class _Candidate:
    key = "k" * 64


def test_failing_analysis_is_said_and_stays_wanted(
    small_project: Small, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    project = Project.open()
    made, book = Future[Analysed](), Ledger(f"sqlite:///{tmp_path / 'ledger.db'}")
    made.set_exception(MemoryError("no room"))

    said = training.attach_analysis(project, book, _Candidate(), Recorder(), making=made)  # type: ignore[arg-type]

    assert said == "not made: no room"
    assert not book.entries("flights", "analysis")
    assert "no analysis of candidate kkkkkkkk: no room" in caplog.text


def out_of_room(*_: object, **__: object) -> None:
    raise MemoryError("no room")


@pytest.mark.parametrize("step", ["analyse", "attach"])
def test_training_whose_analysis_fails_promotes_all_the_same(
    fresh: Project, caplog: pytest.LogCaptureFixture, step: str
) -> None:
    do = Direct(**{step: out_of_room})

    outcome = training.train_and_judge(fresh, reason="requested", do=do)

    assert step not in do.names
    assert (outcome.verdict, outcome.version) == ("promoted", 1)
    assert outcome.analysis == "not made: no room"
    facts = champion_facts(fresh.ledger(), "visits")
    assert facts is not None
    assert (facts.version, facts.judged.model_digest) == (1, outcome.model_digest)
    assert fresh.ledger().find("visits", "judgement", facts.candidate) is not None
    assert not fresh.ledger().entries("visits", "analysis")
    assert f"no analysis of candidate {facts.candidate[:8]}: no room" in caplog.text

    again = training.train_and_judge(fresh, reason="requested", do=Direct())
    assert again.analysis == "attached"
    assert len(fresh.ledger().entries("visits", "promotion")) == 1
    unchanged = training.train_and_judge(fresh, reason="requested", do=Direct())
    assert unchanged.analysis == "attached"  # it has one, as the command says of a run with nothing to do
