"""What is already recorded: the plan of a training, and the outcome of one that has nothing left to do."""

from datetime import UTC, datetime
from typing import Literal, NamedTuple

from evergreen.decisions.gate import decision as gate
from evergreen.learning.evaluation import Report
from evergreen.project import Project
from evergreen.record.outcomes import Judgement, StepRun, TrainingOutcome, of_entry
from evergreen.record.plan import plan
from evergreen.record.plan.plan import PlannedStep
from evergreen.record.registry import people

DECIDING = ("gate", "register", "package", "promote")


class _Recorded(NamedTuple):
    """What is known of a training. `analysis`: of one that was judged; None where none is wanted."""

    steps: list[PlannedStep]
    judged: Judgement | None = None
    analysis: Literal["attached", "owed"] | None = None


def planned(project: Project) -> list[PlannedStep]:
    """Return every step of a training: those with recorded results, and the deciding ones as one outcome."""
    recorded = _look(project)
    why = "judged before" if recorded.judged else "to be judged"
    steps = [*recorded.steps]
    steps += [PlannedStep(name=name, identity=None, cached=recorded.judged is not None, why=why) for name in DECIDING]
    if recorded.analysis == "owed":
        steps.append(PlannedStep(name="analyse", identity=None, cached=False, why="not attached yet"))
    return steps


def recorded_outcome(project: Project) -> TrainingOutcome | None:
    """Return the outcome of a training of which every step is recorded; None if anything has to run."""
    steps, judged, analysis = _look(project)
    if judged is None or analysis == "owed":
        return None
    decided = {"promoted": DECIDING, "proposed": DECIDING[:-1], "refused": DECIDING[:1]}[judged.verdict]
    names = [*(step.name for step in steps), *decided]
    return TrainingOutcome(
        **dict(judged),
        steps=tuple(StepRun(name=name, cached=True, seconds=0.0) for name in names),
        analysis=analysis,
        waits_until=people.waits_until(project.ledger(), judged),
        warnings=judged.doubts,
    )


def _look(project: Project) -> _Recorded:
    steps, artifacts = plan.plan(project.given, records=project.settings.step_records, warm_start=project.warm_start)
    if not all(step.cached for step in steps):
        return _Recorded(steps)
    report, ledger = Report.model_validate(artifacts["report"]), project.ledger()
    candidate = gate.candidate_key(artifacts["model"]["sha256"], report, project.params.gate)
    candidate = people.key_now(ledger, project.name, candidate)
    entry = ledger.find(project.name, "judgement", candidate)
    if entry is None:
        return _Recorded(steps)
    judged = people.settled(ledger, of_entry(ledger, entry, Judgement), now=datetime.now(UTC))
    if not project.params.evaluate.wants_analysis(promoted=judged.version is not None):
        return _Recorded(steps, judged)
    return _Recorded(steps, judged, "attached" if ledger.find(project.name, "analysis", candidate) else "owed")
