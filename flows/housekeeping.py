"""Housekeeping by the clock: labels that were left in the inbox come in, logs are rolled, and space is freed."""

import logging
from pathlib import Path

from prefect import flow
from pydantic import Field

from evergreen.base.errors import EvergreenError, LostRace
from evergreen.base.values import Value
from evergreen.project import Project
from evergreen.record.labels.adding import Added
from flows import upkeep
from flows.opened import named_by

log = logging.getLogger(__name__)


class LabelsTaken(Value):
    """The files of labels that were taken in, and those that still lie there, each with the reason."""

    taken: tuple[Added, ...] = ()
    left: dict[str, str] = Field(default_factory=dict)


class Freed(Value):
    """What was freed, in bytes; `why`: where nothing could be, because somebody is at work."""

    predictions_rolled: int
    freed: int = 0
    why: str = ""


@flow(name="labels", flow_run_name=named_by("labels", lambda _, __: "the inbox"))
def labels(env: str = "local", params_file: str = "params.yaml") -> LabelsTaken:
    """Bring the files of labels that lie in ``inbox/labels`` of the state folder into the prediction log."""
    return empty_inbox(Project.open(env, params_file))


def empty_inbox(project: Project) -> LabelsTaken:
    """Take each file in, oldest first, and put it into the folder ``taken`` beside it.

    A hidden file is still being written, and waits. One that cannot be taken stays, and ends this in its error once
    the others are in: somebody has to see it. A file that was taken before a kill is taken again, which adds nothing.
    """
    inbox, taken, faults = project.settings.label_inbox, list[Added](), dict[str, EvergreenError]()
    for file in waiting_files(inbox):
        try:
            taken.append(upkeep.add_labels(project, file))
        except EvergreenError as error:
            log.warning("labels: %s stays in the inbox: %s", file.name, error)
            faults[file.name] = error
            continue
        (inbox / "taken").mkdir(exist_ok=True)
        file.replace(inbox / "taken" / file.name)
    for fault in faults.values():
        if not isinstance(fault, LostRace):  # who holds it takes it
            raise fault
    return LabelsTaken(taken=tuple(taken), left={name: str(fault) for name, fault in faults.items()})


def waiting_files(inbox: Path) -> list[Path]:
    """Return the files of labels in a folder, oldest first."""
    files = [file for file in inbox.glob("*") if file.is_file() and not file.name.startswith(".")]
    return sorted(files, key=lambda file: (file.stat().st_mtime, file.name))


@flow(name="housekeeping", flow_run_name=named_by("housekeeping", lambda _, __: "rolled and swept"))
def housekeeping(env: str = "local", params_file: str = "params.yaml", older_than_days: int = 7) -> Freed:
    """Roll the prediction log, take out what is older than it is kept, and delete what nothing names any more.

    Prefect deletes its own old runs and events: its server is started so.
    """
    return keep_house(Project.open(env, params_file), older_than_days=older_than_days)


def keep_house(project: Project, *, older_than_days: int) -> Freed:
    """Return what was rolled and freed; where somebody trains or monitors, nothing is deleted until the next time."""
    rolled = int(upkeep.roll(project.settings)["predictions"])
    try:
        found = upkeep.sweep(project, days=older_than_days, dry_run=False)
    except LostRace as error:
        log.info("housekeeping: nothing is deleted: %s", error)
        return Freed(predictions_rolled=rolled, why=str(error))
    freed = sum(one.size for one in found)
    log.info("housekeeping: %d predictions rolled, %d bytes freed", rolled, freed)
    return Freed(predictions_rolled=rolled, freed=freed)
