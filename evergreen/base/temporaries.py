"""Names for what is not whole yet: hidden, and telling whose work it is, so that what a kill leaves is swept.

It stands on the standard library alone, because an edge bundle writes files with it too.
"""

import hashlib
import os
import re
import shutil
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

from evergreen.base.errors import explain_os_errors
from evergreen.base.processes import Mark, mark, place

UNFINISHED = ".unfinished"
DAY = 86_400.0  # seconds without a write after which nobody works on what does not say whose it is
OWNED = re.compile(r"\..*\.([0-9a-f]{8})-(\d{1,10})-([0-9a-f]{1,16})-[0-9a-f]{8}\.unfinished", re.DOTALL)
# As they were called before they said whose they are.
FORMER = re.compile(r"\.(.*[.-])?[0-9a-f]{8}|\.[0-9a-f]{32}|\..*\.gone|\d+(-\w{8})?|\..*\.unfinished", re.DOTALL)
LONGEST_NAME = 100  # bytes of the name of what it becomes; a file system allows 255 in all


def temporary(path: Path) -> Path:
    """Return a new hidden name beside `path`, for what is renamed to it once it is whole.

    Examples
    --------
    >>> temporary(Path("rows.csv")).name.startswith(".rows.csv.")
    True
    """
    ours = mark()
    owner = f"{_short(ours.place)}-{ours.pid}-{int(ours.started):x}"
    return path.with_name(f"{_beginning(path)}{owner}-{uuid4().hex[:8]}{UNFINISHED}")


@contextmanager
def folder(beside: Path) -> Iterator[Path]:
    """Yield a new hidden folder that is deleted when the block ends."""
    made = temporary(beside)
    with explain_os_errors(made):
        made.parent.mkdir(parents=True, exist_ok=True)
        made.mkdir(mode=0o700)
    try:
        yield made
    finally:
        shutil.rmtree(made, ignore_errors=True)


def left_in(where: Path) -> list[Path]:
    """Return what lies in a folder of ours that nobody works on any more.

    That is what a process of this machine began that is gone; what another machine began, or what does not say whose it
    is, once nothing in it was written for a day.
    """
    return [path for path in _entries(where) if is_left(path)]


def left_of(output: Path) -> list[Path]:
    """Return the same of one output, whose folder may be anybody's."""
    begins = _beginning(output)
    return [
        path
        for path in _entries(output.parent)
        if path.name.startswith(begins) and path.name.endswith(UNFINISHED) and is_left(path)
    ]


def is_left(path: Path) -> bool:
    """Return whether something is a temporary of ours that nobody works on any more."""
    owned = OWNED.fullmatch(path.name)
    if owned and owned[1] == _short(place()):
        return not Mark(place=place(), pid=int(owned[2]), started=float(int(owned[3], 16))).is_running
    return bool(owned or FORMER.fullmatch(path.name)) and not_written_for(path, DAY)


def not_written_for(path: Path, seconds: float) -> bool:
    """Return whether a file, and whatever is below a folder, was last written longer ago than that."""
    now, waiting = time.time(), [path]
    while waiting:
        one = waiting.pop()
        try:
            if now - one.lstat().st_mtime < seconds:
                return False
            if one.is_dir() and not one.is_symlink():
                waiting += one.iterdir()
        except OSError:  # it vanishes: somebody is at work
            return False
    return True


def delete(left: Iterable[Path]) -> None:
    """Delete files and folders; what cannot be stays, and is found again the next time."""
    for path in left:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        else:
            try:
                path.unlink(missing_ok=True)
            except OSError:
                continue


def _entries(where: Path) -> list[Path]:
    try:
        return sorted(Path(entry.path) for entry in os.scandir(where))
    except OSError:
        return []


def _beginning(path: Path) -> str:
    return f".{path.name.encode()[:LONGEST_NAME].decode(errors='ignore')}."


def _short(whole: str) -> str:
    return hashlib.sha256(whole.encode()).hexdigest()[:8]
