"""One training, as `evergreen run` and `evergreen resume` do it."""

from collections.abc import Sequence

from cli import plans, unfinished
from cli.engine import engine
from cli.progress import bar
from evergreen.project import Project
from evergreen.record.outcomes import TrainingOutcome


def train(project: Project, *, env: str, params: str, overrides: Sequence[str], reason: str | None) -> TrainingOutcome:
    """Return the outcome of a training, of a recorded one if nothing is left to do; a kill leaves it to be resumed."""
    with unfinished.noted(project, env=env, params=params, overrides=overrides, reason=reason):
        outcome = plans.recorded_outcome(project)
        if outcome is not None:
            return outcome
        project.may_train()  # refused at once, before the engine starts
        with engine(project.settings), bar():
            from flows.training import training

            return training(env=env, params_file=params, overrides=list(overrides), reason=reason or "requested")
