"""Closed segments become files of the table: each once, whole, and again with the same outcome after a kill."""

import fcntl
import logging
import os
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa

from evergreen.base import failpoints
from evergreen.base.errors import LostRace, explain_os_errors
from evergreen.base.files import make_private
from evergreen.base.values import Value
from evergreen.record.predictions.columnar import feedback_batch, predictions_batch, shadows_batch
from evergreen.record.predictions.frames import (
    Damage,
    End,
    FeedbackRows,
    Frame,
    Header,
    Predictions,
    SegmentReader,
    Shadows,
)
from evergreen.record.predictions.records import Columns
from evergreen.record.predictions.segment import NAME, SEGMENTS, segments, settle
from evergreen.record.predictions.table import (
    BATCH_ROWS,
    KINDS,
    TELLING,
    Kind,
    Writer,
    day_of,
    mark_of,
    marked,
    partition,
    read_file,
    segment_of,
    sync_folder,
    told_apart,
)

log = logging.getLogger(__name__)

LOCK = ".lock"
SPOILT = ".spoilt"
KIND_OF: dict[type[Frame], Kind] = {Predictions: "table", FeedbackRows: "feedback", Shadows: "shadows"}
BATCH_OF: dict[Kind, Callable[[Columns, Sequence[Any]], pa.RecordBatch]] = {
    "table": predictions_batch,
    "feedback": feedback_batch,
    "shadows": shadows_batch,
}
COUNT_OF: dict[Kind, str] = {"table": "predictions", "feedback": "feedback", "shadows": "shadows"}


class Rolled(Value):
    """What a roll did. `open`: segments that a process still writes, which are readable meanwhile.

    `repeated`: records that another segment held too, because a segment that had vanished was written anew.
    `spoilt_bytes`: of frames that somebody or the disk damaged; their segments are kept beside, with the ending
    `.spoilt`.
    """

    segments: int = 0
    open: int = 0
    predictions: int = 0
    feedback: int = 0
    shadows: int = 0
    repeated: int = 0
    spoilt_bytes: int = 0


@contextmanager
def changing(folder: Path) -> Iterator[None]:
    """Hold what only one process at a time may do to a log's table; raises LostRace if another one does."""
    with explain_os_errors(folder):
        make_private(folder)
        descriptor = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o640)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(descriptor)
        raise LostRace(
            "LOG004",
            "another process is changing the prediction table",
            where=str(folder),
            next_step="Run the command again when it has ended.",
        ) from error
    try:
        yield
    finally:
        os.close(descriptor)


def roll(folder: Path) -> Rolled:
    """Bring every closed segment of a log into its table, and remove it.

    A kill at any moment loses and doubles nothing: the next roll does what is left. Memory is bounded by a segment.

    Raises
    ------
    LostRace if another process does so; ResourceError if the table cannot be written.
    """
    with changing(folder):
        return roll_held(folder)


def _mark(path: Path) -> bytes:
    with SegmentReader(path) as reader:
        return reader.mark


def roll_held(folder: Path) -> Rolled:
    """Do what `roll` does, for whoever is `changing` the folder."""
    for temporary in (path for kind in KINDS for path in (folder / kind).glob("date=*/.*.tmp")):
        temporary.unlink()
    done = Rolled()
    closed = []
    for path in segments(folder):
        with explain_os_errors(path):
            if not settle(path):
                done = done.model_copy(update={"open": done.open + 1})
            elif path.exists():
                closed.append((path, _mark(path)))
    shared = {mark: set[str]() for mark, n in Counter(mark for _, mark in closed).items() if n > 1}
    for path, mark in closed:
        seen = shared.get(mark, set())
        seen |= _ids_in_table(folder, path, mark)
        rolled = _Segment(folder, path, seen).roll()
        done = Rolled(**{name: value + getattr(rolled, name) for name, value in done.model_dump().items()})
    log.info(
        "predictions: %d segments rolled, %d rows, %d of feedback, %d of shadows, %d open; %d spoilt bytes",
        *(done.segments, done.predictions, done.feedback, done.shadows, done.open, done.spoilt_bytes),
    )
    return done


class _Segment:
    """One segment on its way into the table."""

    def __init__(self, folder: Path, path: Path, seen: set[str]) -> None:
        self._folder, self._path, self._seen = folder, path, seen
        self._writers: dict[tuple[Kind, date, Columns], Writer] = {}
        self._waiting: dict[tuple[Kind, date, Columns], list[Any]] = {}
        self._counts = dict.fromkeys(Rolled.model_fields, 0)
        self._mark = b""

    def roll(self) -> Rolled:
        damage = Damage()
        try:
            with SegmentReader(self._path) as reader:
                self._mark = reader.mark
                self._take(reader, damage)
            for writer in self._writers.values():
                writer.finish()
        except BaseException:
            for writer in self._writers.values():
                writer.abandon()
            raise
        failpoints.reach("roll.written")
        for writer in self._writers.values():
            writer.publish()
            failpoints.reach("roll.published")
        self._remove(damage)
        failpoints.reach("roll.removed")
        self._counts |= {"segments": 1, "spoilt_bytes": damage.spoilt_bytes}
        return Rolled(**self._counts)

    def _take(self, reader: SegmentReader, damage: Damage) -> None:
        headers: dict[int, Columns] = {}
        for at, end, frame in reader.walk(damage):
            if isinstance(frame, Header):
                headers[at] = frame.columns
            elif isinstance(frame, End):
                continue
            elif frame.header not in headers:  # its header is what was spoilt
                damage.spoilt_bytes += end - at
            else:
                self._sort(headers[frame.header], KIND_OF[type(frame)], frame.rows)
        for key in list(self._waiting):
            self._write(key)

    def _sort(self, columns: Columns, kind: Kind, rows: Sequence[Any]) -> None:
        for row in rows:
            name = " ".join(getattr(row, column) for column in TELLING[kind])
            if name in self._seen:
                self._counts["repeated"] += 1
                continue
            self._seen.add(name)
            key = (kind, day_of(row.received_us), columns)
            waiting = self._waiting.setdefault(key, [])
            waiting.append(row)
            if len(waiting) >= BATCH_ROWS:
                self._write(key)

    def _write(self, key: tuple[Kind, date, Columns]) -> None:
        kind, day, columns = key
        rows = self._waiting.pop(key)
        batch = BATCH_OF[kind](columns, rows)
        if key not in self._writers:
            number = sum((kind, day) == other[:2] for other in self._writers)
            name = f"{self._path.stem}.{number}.parquet"
            schema = marked(batch.schema, self._mark)
            self._writers[key] = Writer(partition(self._folder, kind, day) / name, schema)
        self._writers[key].write(batch)
        self._counts[COUNT_OF[kind]] += len(rows)

    def _remove(self, damage: Damage) -> None:
        with explain_os_errors(self._path):
            if damage.spoilt_bytes:
                log.error("%d bytes of %s are spoilt; it is kept beside", damage.spoilt_bytes, self._path)
                self._path.rename(self._path.with_name(self._path.name + SPOILT))
            else:
                self._path.unlink()
            sync_folder(self._folder / SEGMENTS)


def _ids_in_table(folder: Path, path: Path, mark: bytes) -> set[str]:
    """Return what the table holds already of other segments with this mark, which are of the hours around this one."""
    named = NAME.fullmatch(path.name)
    assert named is not None
    hour = datetime.strptime(named["hour"], "%Y%m%dT%H")
    around = {f"{hour + timedelta(hours=n):%Y%m%dT%H}" for n in range(-2, 3)}
    days = {hour.date() + timedelta(days=n) for n in (-1, 0, 1)}
    ids: set[str] = set()
    for kind in KINDS:
        for day in days:
            for file in partition(folder, kind, day).glob(f"*-{named['token']}-*.parquet"):
                if segment_of(file) != path.stem and file.name[:11] in around and mark_of(file) == mark:
                    ids.update(*(told_apart(batch, kind) for batch in read_file(file, TELLING[kind])))
    return ids
