"""What keeps a project in order, by plain calls of commands and flows: labels added, logs rolled, space freed."""

from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evergreen.base.errors import EvergreenError
from evergreen.config.settings import Settings
from evergreen.data.personal import KEY_FILE
from evergreen.project import Project
from evergreen.record.ledger.ledger import Ledger
from evergreen.record.plan import plan
from evergreen.record.plan.records import RECORD_NAME, drop_broken_records, read_record
from evergreen.record.registry import unnamed
from evergreen.record.registry.unnamed import Named, Unnamed

if TYPE_CHECKING:
    from evergreen.record.labels.adding import Added

AT_WORK = ("training", "monitoring")  # leases under which artifacts are written


def add_labels(project: Project, source: Path) -> "Added":
    """Bring a file's labels into the prediction log; raises what `adding.add` does, and LostRace."""
    from evergreen.record.labels import adding

    settings = project.settings
    with project.ledger().lease(f"labels:{project.name}"):
        return adding.add(
            settings.predictions,
            source,
            contract=project.contract,
            refused=settings.home / "labels",
            key=settings.home / KEY_FILE,
        )


def roll(settings: Settings, *, days: int | None = None) -> dict[str, Any]:
    """Bring closed segments into the table, and take out what is older than `days`, or the settings' days."""
    from evergreen.record.predictions import forgetting, rolling

    rolled = rolling.roll(settings.predictions)
    kept = days or settings.prediction_days
    removed = forgetting.retain(settings.predictions, kept) if kept else forgetting.Forgotten()
    return {**rolled.model_dump(), "kept_days": kept, "removed": removed.model_dump(exclude={"waiting"})}


def sweep(project: Project, *, days: int, dry_run: bool) -> tuple[Unnamed, ...]:
    """Return what nothing names and is older than some days, deleted unless it is a dry run.

    Nothing works on the state meanwhile: the leases of every model's trainings and windows are held.

    Raises
    ------
    LostRace if somebody trains or monitors.
    """
    ledger, home = project.ledger(), project.settings.home
    with ExitStack() as held:
        if not dry_run:
            for model in _models(project, ledger):
                for work in AT_WORK:
                    held.enter_context(ledger.lease(f"{work}:{model}"))
        found = unnamed.find(
            _named(project, ledger),
            home,
            workspace=project.workspace.root,
            now=datetime.now(UTC),
            older_than=timedelta(days=days),
        )
        if not dry_run:
            unnamed.delete(found, home)
            drop_broken_records(project.settings.step_records, project.workspace)
    return found


def _models(project: Project, ledger: Ledger) -> list[str]:
    """Return every model that may be worked on in this state folder."""
    configs = (path.parent.name for path in (project.settings.project / "configs").glob("*/contract.yaml"))
    stores = (path.name for path in project.datasets.glob("*") if path.is_dir())
    return sorted({project.name, *ledger.models(), *configs, *stores})


def _named(project: Project, ledger: Ledger) -> Named:
    logs = [ledger.entries(model) for model in ledger.models()]
    records = [artifacts for path in _records(project) if (artifacts := read_record(path))]
    return unnamed.named(logs, project.settings.home, records=records, workspace=project.workspace.root)


def _records(project: Project) -> list[Path]:
    """Return the records that the next run may take: of its plan, or all where a run is unfinished."""
    folder = project.settings.step_records
    every = [path for path in folder.glob("*-*") if RECORD_NAME.fullmatch(path.name)]
    if any(project.settings.unfinished.glob("*.json")):
        return every
    try:
        steps, _ = plan.plan(project.given, records=folder, warm_start=project.warm_start)
    except EvergreenError:
        return every
    return [folder / f"{step.name}-{step.identity}" for step in steps if step.cached]
