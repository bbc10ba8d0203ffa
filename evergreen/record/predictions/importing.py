"""The log of an edge bundle, handed over: its segments become segments here, without loss and without repeats."""

import hashlib
import logging
import os
from pathlib import Path

from evergreen.base import failpoints
from evergreen.base.errors import DataError, explain_os_errors
from evergreen.base.files import make_private, write_bytes
from evergreen.base.values import Value
from evergreen.record.predictions import rolling
from evergreen.record.predictions.frames import End, FeedbackRows, Predictions, SegmentReader
from evergreen.record.predictions.segment import NAME, SEGMENTS, SUFFIX, segments
from evergreen.record.predictions.table import sync_folder

log = logging.getLogger(__name__)

IMPORTED = "imported"  # a file for each segment that came, with the digest of what came


class Imported(Value):
    """What an import brought: segments that were new or had grown, and their rows; `known`: segments that were here."""

    segments: int = 0
    known: int = 0
    predictions: int = 0
    feedback: int = 0


def take(folder: Path, source: Path) -> Imported:
    """Bring the segments of another log into this one; again, or with later ones, it brings what is new.

    A segment that is still written there is taken as far as it is whole, and its rest the next time. The next roll
    brings them into the table.

    Raises
    ------
    DataError if `source` holds no log. LostRace if another process changes the table; ResourceError if this log cannot
    be written.
    """
    found = segments(source) or segments(source.parent if source.name == SEGMENTS else source)
    if not found and not (source / SEGMENTS).is_dir():
        raise DataError(
            "LOG011",
            "no prediction log: there is no folder segments/ with segments in it",
            where=str(source),
            next_step="Name the folder that the edge bundle writes its log to.",
        )
    done = Imported()
    with rolling.changing(folder):
        for path in found:
            brought = _take(folder, path)
            done = Imported(**{name: value + getattr(brought, name) for name, value in done.model_dump().items()})
    log.info("imported: %d segments, %d rows; %d were known", done.segments, done.predictions, done.known)
    return done


def _take(folder: Path, path: Path) -> Imported:
    content = _whole_part(path)
    digest = hashlib.sha256(content).hexdigest()
    name = _name(folder, path, content)
    noted = folder / IMPORTED / name
    if (noted.is_file() and noted.read_text() == digest) or not content:
        return Imported(known=1)
    target = folder / SEGMENTS / name
    temporary = target.with_name(f".{name}.tmp")
    with explain_os_errors(target):
        make_private(target.parent)
        make_private(noted.parent)
        with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o640), "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        failpoints.reach("import.copied")
        temporary.replace(target)
        sync_folder(target.parent)
        write_bytes(noted, digest.encode())
    with SegmentReader(target) as reader:
        frames = [frame for _, _, frame in reader.walk()]
    return Imported(
        segments=1,
        predictions=sum(len(frame.rows) for frame in frames if isinstance(frame, Predictions)),
        feedback=sum(len(frame.rows) for frame in frames if isinstance(frame, FeedbackRows)),
    )


def _whole_part(path: Path) -> bytes:
    """Return a segment's bytes up to the end of its last whole record, whether it was closed since or not."""
    with explain_os_errors(path), SegmentReader(path) as reader:
        end = max((end for _, end, frame in reader.walk() if not isinstance(frame, End)), default=0)
        return path.read_bytes()[:end]


def _name(folder: Path, path: Path, content: bytes) -> str:
    """Return the name that a segment has here: its own, unless another one has it."""
    named = NAME.fullmatch(path.name)
    assert named is not None
    number = int(named["number"])
    while True:
        name = f"{named['hour']}-{named['token']}-{number:06d}{SUFFIX}"
        there = folder / SEGMENTS / name
        if not there.exists() or there.read_bytes()[:16] == content[:16]:
            return name
        number += 1
