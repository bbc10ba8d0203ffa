"""One training, as `evergreen run` and `evergreen resume` do it."""

import os

import typer

from cli import plans, show, unfinished
from cli.engine import engine
from cli.options import emit
from cli.progress import bar
from evergreen.adapters import packaging, registry_aliases
from evergreen.base.errors import GateRefused
from evergreen.project import Project
from evergreen.record.outcomes import TrainingOutcome, champion_facts
from evergreen.record.registry import projection


def train(project: Project, *, reason: str | None, new_lineage: bool = False) -> TrainingOutcome:
    """Return the outcome of a training, of a recorded one if nothing is left to do; a kill leaves it to be resumed."""
    with unfinished.noted(project, reason=reason):
        outcome = None if new_lineage else plans.recorded_outcome(project)
        if outcome is not None:
            restore_package(project)
            show_ledger(project)
            return outcome
        project.may_train()  # refused at once, before the engine starts
        with engine(project.settings), bar():
            from flows.training import run_training

            return run_training(project, reason=reason or "requested", new_lineage=new_lineage)


def restore_package(project: Project) -> None:
    """Build the champion's package again if it is damaged or gone; where it is whole, a look is all it costs."""
    champion = champion_facts(project.ledger(), project.name)
    if champion:
        packaging.restore(champion, project.settings)


def show_ledger(project: Project) -> None:
    """Put MLflow's aliases back if somebody moved them; where they are as the ledger says, a look is all it costs."""
    settings, ledger = project.settings, project.ledger()
    shown = registry_aliases.look(settings.tracking_uri(), project.name)
    if shown is None:
        return
    wanted = projection.aliases(ledger.entries(project.name, *projection.KINDS))
    if any(shown.get(alias) != version for alias, version in wanted.items()):
        os.environ.update(settings.environment())
        from tasks.mirror import follow

        follow(ledger, project.name, settings=settings)


def tell(outcome: TrainingOutcome, as_json: bool, *, explain: bool = False) -> None:
    """Print how a training ended, and end with what a refusal exits with; a version that waits for a person is none."""
    emit(outcome.model_dump(mode="json"), as_json, lambda: show.training(outcome, explain=explain))
    if outcome.verdict == "refused":
        raise typer.Exit(GateRefused.exit_code)
