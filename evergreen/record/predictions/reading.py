"""The prediction log as everything later reads it: the table and the segments that are not in it yet, as one."""

import logging
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from evergreen.record.predictions.columnar import (
    ABOUT,
    INSTANT,
    as_schema,
    feedback_batch,
    predictions_batch,
    shadows_batch,
    unified,
)
from evergreen.record.predictions.frames import Damage, FeedbackRows, Header, Predictions, SegmentReader, Shadows
from evergreen.record.predictions.records import Columns
from evergreen.record.predictions.segment import segments
from evergreen.record.predictions.table import BATCH_ROWS, Kind, Pick, files, read_file, segment_of, told_apart

log = logging.getLogger(__name__)

# What each kind is made of in a segment: its frames, and what makes a batch of their rows.
MADE_OF: dict[Kind, tuple[type[Any], Callable[[Columns, Sequence[Any]], pa.RecordBatch]]] = {
    "table": (Predictions, predictions_batch),
    "feedback": (FeedbackRows, feedback_batch),
    "shadows": (Shadows, shadows_batch),
}


def batches(
    folder: Path,
    kind: Kind = "table",
    *,
    since: datetime | None = None,
    until: datetime | None = None,
    pick: Pick | None = None,
    holding: tuple[str, str] | None = None,
) -> Iterator[pa.RecordBatch]:
    """Yield logged predictions, the feedback on them, or what was shadowed, batch by batch: each record once.

    What was there at the first batch is read, whatever a service appends and a roll moves meanwhile. One file is open
    at a time. Models whose columns differ have batches whose schemas do; `columnar.columns_in` says what each is.

    Parameters
    ----------
    since, until : received at or after the first and before the second, both aware; None for no bound.
    pick : the names of the columns that are wanted of a schema, received_at among them; all if left out.
    holding : a column and a value that is looked for: rows may be left out among which none has it.
    """
    listed = segments(folder)
    marks = {path: mark for path in listed if (mark := _mark(path))}
    shared = {mark for mark, n in Counter(marks.values()).items() if n > 1}
    seen: dict[bytes, set[str]] = {mark: set() for mark in shared}
    unrolled = {path.stem for path in listed}
    days = (since and since.astimezone(UTC).date(), until and until.astimezone(UTC).date())
    for path in files(folder, kind, since=days[0], until=days[1]):
        if segment_of(path) not in unrolled:
            yield from _within(read_file(path, pick=pick, holding=holding), since, until)
    for path in listed:
        for batch in _within(_of_listed(folder, path, kind), since, until):
            mark = marks.get(path, b"")
            once = _once(batch, kind, seen[mark]) if mark in seen else batch
            yield once.select(pick(once.schema)) if pick else once


def _mark(path: Path) -> bytes:
    try:
        with SegmentReader(path) as reader:
            return reader.mark
    except FileNotFoundError:
        return b""


def _of_listed(folder: Path, path: Path, kind: Kind) -> Iterator[pa.RecordBatch]:
    """Yield what a segment holds, or, if it was rolled since, its files in the table, which are whole then."""
    try:
        reader = SegmentReader(path)
    except FileNotFoundError:
        for file in sorted((folder / kind).glob(f"date=*/{path.stem}.*.parquet")):
            yield from read_file(file)
        return
    with reader:
        yield from _of_segment(reader, kind)


def _once(batch: pa.RecordBatch, kind: Kind, seen: set[str]) -> pa.RecordBatch:
    """Return the rows that have not been seen."""
    names = told_apart(batch, kind)
    fresh = [name not in seen for name in names]
    seen.update(names)
    return batch.filter(pa.array(fresh, pa.bool_()))


def _of_segment(reader: SegmentReader, kind: Kind) -> Iterator[pa.RecordBatch]:
    headers: dict[int, Columns] = {}
    wanted, make = MADE_OF[kind]
    waiting: list[Any] = []
    columns: Columns | None = None
    damage = Damage()
    for at, _, frame in reader.walk(damage):
        if isinstance(frame, Header):
            headers[at] = frame.columns
        if not isinstance(frame, wanted) or frame.header not in headers:
            continue
        if waiting and (headers[frame.header] != columns or len(waiting) >= BATCH_ROWS):
            assert columns is not None
            yield make(columns, waiting)
            waiting = []
        columns = headers[frame.header]
        waiting.extend(frame.rows)
    if waiting:
        assert columns is not None
        yield make(columns, waiting)
    if damage.spoilt_bytes:
        log.error("%d bytes of %s are spoilt and were left out", damage.spoilt_bytes, reader.path)


def _within(
    batches: Iterator[pa.RecordBatch], since: datetime | None, until: datetime | None
) -> Iterator[pa.RecordBatch]:
    for batch in batches:
        at, kept = batch.column("received_at"), batch
        if since is not None or until is not None:
            is_in = pc.greater_equal(at, pa.scalar(since or datetime.min.replace(tzinfo=UTC), INSTANT))
            if until is not None:
                is_in = pc.and_(is_in, pc.less(at, pa.scalar(until, INSTANT)))
            kept = batch.filter(is_in)
        if kept.num_rows:
            yield kept


def read(
    folder: Path, kind: Kind = "table", *, since: datetime | None = None, until: datetime | None = None
) -> pa.Table:
    """Return what `batches` yields as one table, by the time of its receipt.

    A column that two models type differently is text in it; one that a model has not is null in its rows.
    """
    found = list(batches(folder, kind, since=since, until=until))
    if not found:
        return MADE_OF[kind][1](NOTHING, []).schema.remove_metadata().empty_table()
    schemas = [batch.schema for batch in found]
    schema = schemas[0] if all(each == schemas[0] for each in schemas) else unified(schemas)
    table = pa.Table.from_batches([as_schema(batch, schema) for batch in found], schema)
    alike = {(each.metadata or {}).get(ABOUT) for each in schemas}
    table = table.replace_schema_metadata(schemas[0].metadata if len(alike) == 1 else None)
    return table.sort_by("received_at")


NOTHING = Columns("", "binary", ())
