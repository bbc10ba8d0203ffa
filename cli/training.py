"""One training, as `evergreen run` and `evergreen resume` do it."""

from cli import plans, unfinished
from cli.engine import engine
from cli.progress import bar
from evergreen.project import Project
from evergreen.record.outcomes import TrainingOutcome


def train(project: Project, *, reason: str | None, new_lineage: bool = False) -> TrainingOutcome:
    """Return the outcome of a training, of a recorded one if nothing is left to do; a kill leaves it to be resumed."""
    with unfinished.noted(project, reason=reason):
        outcome = None if new_lineage else plans.recorded_outcome(project)
        if outcome is not None:
            return outcome
        project.may_train()  # refused at once, before the engine starts
        with engine(project.settings), bar():
            from flows.training import run_training

            return run_training(project, reason=reason or "requested", new_lineage=new_lineage)
