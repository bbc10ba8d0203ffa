"""What is already recorded: the plan of a training, and the outcome of one that has nothing left to do."""

from evergreen.decisions.gate import decision as gate
from evergreen.learning.evaluation import Report
from evergreen.project import Project
from evergreen.record.outcomes import Judged, StepRun, TrainingOutcome
from evergreen.record.plan import plan
from evergreen.record.plan.plan import PlannedStep

DECIDING = ("gate", "register", "package", "promote")


def planned(project: Project) -> list[PlannedStep]:
    """Return every step of a training: those with recorded results, and the deciding ones as one outcome."""
    steps, judged = _look(project)
    why = "judged before" if judged else "to be judged"
    return steps + [PlannedStep(name=name, identity=None, cached=judged is not None, why=why) for name in DECIDING]


def recorded_outcome(project: Project) -> TrainingOutcome | None:
    """Return the outcome of a training of which every step is recorded; None if anything has to run."""
    steps, judged = _look(project)
    if judged is None:
        return None
    names = [step.name for step in steps] + list(DECIDING if judged.version else DECIDING[:1])
    return TrainingOutcome(**dict(judged), steps=tuple(StepRun(name=name, cached=True, seconds=0.0) for name in names))


def _look(project: Project) -> tuple[list[PlannedStep], Judged | None]:
    steps, artifacts = plan.plan(
        project.source(),
        project.contract,
        project.params,
        ws=project.workspace,
        records=project.settings.step_records,
        expectations=project.expectations(),
        lookup_files=project.lookups(),
        today=project.today(),
        start=project.start,
    )
    if not all(step.cached for step in steps):
        return steps, None
    report = Report.model_validate(artifacts["report"])
    candidate = gate.candidate_key(artifacts["model"]["sha256"], report, project.params.gate)
    entry = project.ledger().find(project.name, "judgement", candidate)
    return steps, Judged.model_validate(entry.payload) if entry else None
