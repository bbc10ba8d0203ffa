"""A copy of a project's state, in which anything may be done: nothing of the state itself is written."""

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from evergreen.base.errors import LostRace, explain_os_errors
from evergreen.data.personal import KEY_FILE
from evergreen.project import Project
from evergreen.record.ledger.copying import copy_to


@contextmanager
def scratch_of(project: Project, name: str) -> Iterator[Path]:
    """Yield an empty folder of this name in the state folder, alone; it is gone when the block ends.

    What a process that was killed has left there goes first.

    Raises
    ------
    LostRace if another process is in it.
    """
    folder = project.settings.home / name
    with explain_os_errors(folder):
        held = _held(folder)
        try:
            _clear(folder)
            yield folder
        finally:
            _clear(folder)
            folder.rmdir()
            os.close(held)


def opened_in(project: Project, folder: Path) -> Project:
    """Return a project whose state lies in an empty folder: its artifacts and datasets linked, its ledger copied.

    Links are only read: an artifact is never written twice under one name. Predictions are not there: windows are those
    of the source.
    """
    settings = project.settings.model_copy(update={"home": folder, "ledger_url": None, "study_url": None})
    _link(project.settings.workspace, settings.workspace)
    for store in project.datasets.glob("*/items"):
        _link(store, folder / "datasets" / store.parent.name / store.name)
    key = project.settings.home / KEY_FILE
    if key.exists():
        (folder / KEY_FILE).symlink_to(key.resolve())
    copy = replace(project, settings=settings)
    copy_to(project.ledger(), copy.ledger())
    return copy


def _held(folder: Path) -> int:
    """Return the descriptor that locks a folder, which is made."""
    while True:
        folder.mkdir(parents=True, exist_ok=True)
        held = os.open(folder, os.O_RDONLY)
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if folder.exists() and os.path.samestat(os.fstat(held), folder.stat()):
                return held
        except BlockingIOError as error:
            os.close(held)
            raise LostRace(
                "DRL002",
                "another drill is at work",
                where=str(folder),
                next_step="Wait until it has ended; one that was killed holds nothing.",
            ) from error
        os.close(held)  # whoever held it has just removed it


def _clear(folder: Path) -> None:
    for path in folder.iterdir():
        shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()


def _link(source: Path, target: Path) -> None:
    target.mkdir(parents=True)
    if source.is_dir():
        for path in source.iterdir():
            (target / path.name).symlink_to(path.resolve())
