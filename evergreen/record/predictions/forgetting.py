"""What is taken out of the log: records of days that are not kept, and all that is about one subject."""

import json
import logging
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from evergreen.base import failpoints
from evergreen.base.errors import ConfigError, explain_os_errors
from evergreen.base.values import Value
from evergreen.data import personal
from evergreen.record.predictions import rolling
from evergreen.record.predictions.columnar import columns_in, feedback_batch, named_values, predictions_batch
from evergreen.record.predictions.frames import FeedbackRows, Header, Predictions, SegmentReader, Shadows
from evergreen.record.predictions.records import Columns, LoggedColumn
from evergreen.record.predictions.segment import segments
from evergreen.record.predictions.table import KINDS, PARTITION, Writer, files, read_file, sync_folder

log = logging.getLogger(__name__)

Subject = Mapping[str, str]
Records = Predictions | FeedbackRows | Shadows


class Forgotten(Value):
    """What was taken out: rows of predictions, of feedback, and of what variants said that nobody was told.

    `waiting`: rows of the subject in segments that a process still writes. They are there until the segment is closed
    and the command is run again.
    """

    predictions: int = 0
    feedback: int = 0
    shadows: int = 0
    waiting: int = 0


def retain(folder: Path, days: int, *, now: datetime | None = None) -> Forgotten:
    """Take out what was received more than `days` whole days ago: partitions of the table, after a roll.

    Raises
    ------
    LostRace if another process changes the table; ResourceError if it cannot be changed.
    """
    first = (now or datetime.now(UTC)).date() - timedelta(days=days)
    removed = dict.fromkeys(KINDS, 0)
    with rolling.changing(folder):
        rolling.roll_held(folder)
        for kind in KINDS:
            for day in sorted((folder / kind).glob("date=*")):
                named = PARTITION.fullmatch(day.name)
                if named and date.fromisoformat(named[1]) < first:
                    removed[kind] += _remove(day)
    return Forgotten(predictions=removed["table"], feedback=removed["feedback"], shadows=removed["shadows"])


def _remove(day: Path) -> int:
    with explain_os_errors(day):
        n_rows = 0
        for path in day.glob("*.parquet"):
            n_rows += pq.read_metadata(path).num_rows
            path.unlink()
        for left in day.iterdir():
            left.unlink()
        day.rmdir()
        sync_folder(day.parent)
    return n_rows


def forget(folder: Path, subject: Subject, *, pii_key: Path | None = None) -> Forgotten:
    """Take out every record of a subject, table and segments, and what came back about it.

    Parameters
    ----------
    subject : values by the names of columns that the contract logs, as text; a row must have all of them.
    pii_key : the file of the key that personal values are hashed under; by default the one beside `folder`.

    Raises
    ------
    ConfigError if no record has such a column, or one whose values are masked, so that nobody can be told apart.
    LostRace if another process changes the table; ResourceError if it cannot be changed.
    """
    secret = _Secret(pii_key or folder.parent / personal.KEY_FILE)
    with rolling.changing(folder):
        rolling.roll_held(folder)
        known = {columns for path in files(folder, "table") for columns in [columns_in(pq.read_schema(path))]}
        _require(subject, known | _open_columns(folder), folder)
        ids: set[str] = set()
        predictions = sum(_rewrite(path, _of_subject(subject, secret), ids) for path in files(folder, "table"))
        waiting, open_ids = _waiting(folder, subject, secret)
        about = _about(subject, secret, ids | open_ids)
        feedback = sum(_rewrite(path, about, set()) for path in files(folder, "feedback"))
        shadows = sum(_rewrite(path, _of(ids | open_ids), set()) for path in files(folder, "shadows"))
    log.info("forgotten: %d predictions, %d of feedback; %d rows wait", predictions, feedback, waiting)
    return Forgotten(predictions=predictions, feedback=feedback, shadows=shadows, waiting=waiting)


class _Secret:
    def __init__(self, path: Path) -> None:
        self._path = path

    def stored(self, text: str, column: LoggedColumn) -> str:
        """Return how a text stands in the log."""
        return personal.hashed(text, personal.key(self._path)) if column.pii == "hash" else text


Matches = Callable[[pa.RecordBatch], pa.Array]


def _of_subject(subject: Subject, secret: _Secret) -> Matches:
    def matches(batch: pa.RecordBatch) -> pa.Array:
        columns = columns_in(batch.schema)
        named = named_values(columns)
        by_name = {column.name: column for column in columns.all}
        found = pa.array([True] * batch.num_rows)
        for name, text in subject.items():
            if name not in by_name:
                return pa.array([False] * batch.num_rows)
            values = batch.column(named[name])
            wanted = _scalar(secret.stored(text, by_name[name]), values.type)
            found = pc.and_(found, pc.fill_null(pc.equal(values, wanted), False))
        return found

    return matches


def _about(subject: Subject, secret: _Secret, ids: set[str]) -> Matches:
    """Return what matches feedback on predictions that were taken out, and on keys that are the subject's."""

    def matches(batch: pa.RecordBatch) -> pa.Array:
        columns = columns_in(batch.schema)
        by_name = {column.name: column for column in columns.all}
        wanted = {
            at: secret.stored(subject[name], by_name[name])
            for at, name in enumerate(columns.key)
            if name in subject and name in by_name
        }
        is_whole = len(wanted) == len(subject)
        rows = zip(batch.column("prediction_id").to_pylist(), batch.column("key").to_pylist(), strict=True)
        return pa.array([name in ids or (is_whole and _has(key, wanted)) for name, key in rows], pa.bool_())

    return matches


def _of(ids: set[str]) -> Matches:
    """Return what matches what is about predictions with these ids."""
    wanted = pa.array(sorted(ids), pa.string())
    return lambda batch: pc.is_in(batch.column("prediction_id"), wanted)


def _has(key: str | None, wanted: Mapping[int, str]) -> bool:
    values = json.loads(key) if key is not None else None
    return values is not None and all(_same(values[at], text) for at, text in wanted.items())


def _same(value: Any, text: str) -> bool:
    try:
        return value == text if isinstance(value, str) else bool(float(text) == float(value))
    except (TypeError, ValueError):
        return str(value).lower() == text.lower()


def _scalar(text: str, kind: pa.DataType) -> pa.Scalar:
    """Return a text as a value of a column's type; null, which equals nothing, if it is none."""
    try:
        return pa.scalar(text, pa.string()).cast(kind)
    except pa.ArrowInvalid:
        return pa.scalar(None, kind)


def _rewrite(path: Path, matches: Matches, ids: set[str]) -> int:
    """Write a file of the table anew without the rows that match, whose ids are added; return how many they were."""
    with pq.ParquetFile(path) as file:
        schema, n_rows = file.schema_arrow, file.metadata.num_rows
    removed = 0
    for batch in read_file(path):
        found = matches(batch)
        removed += found.true_count
        ids.update(batch.filter(found).column("prediction_id").to_pylist())
    if not removed:
        return 0
    if removed == n_rows:
        with explain_os_errors(path):
            path.unlink()
            sync_folder(path.parent)
        return removed
    writer = Writer(path, schema)
    try:
        for batch in read_file(path):
            writer.write(batch.filter(pc.invert(matches(batch))))
        writer.finish()
    except BaseException:
        writer.abandon()
        raise
    failpoints.reach("forget.rewritten")
    writer.publish()
    return removed


def _waiting(folder: Path, subject: Subject, secret: _Secret) -> tuple[int, set[str]]:
    """Return how many rows of a subject, and which predictions, stand in segments that processes still write."""
    ids: set[str] = set()
    n_rows = 0
    predictions = _of_subject(subject, secret)
    for columns, frame in _open_frames(folder):
        if isinstance(frame, Predictions):
            batch = predictions_batch(columns, frame.rows)
            found = predictions(batch)
            ids.update(batch.filter(found).column("prediction_id").to_pylist())
            n_rows += found.true_count
        elif isinstance(frame, FeedbackRows):
            n_rows += _about(subject, secret, ids)(feedback_batch(columns, frame.rows)).true_count
        else:
            n_rows += sum(row.prediction_id in ids for row in frame.rows)
    return n_rows, ids


def _open_frames(folder: Path) -> Sequence[tuple[Columns, Records]]:
    found: list[tuple[Columns, Records]] = []
    for path in segments(folder):
        headers: dict[int, Columns] = {}
        with SegmentReader(path) as reader:
            for at, _, frame in reader.walk():
                if isinstance(frame, Header):
                    headers[at] = frame.columns
                elif isinstance(frame, (Predictions, FeedbackRows, Shadows)) and frame.header in headers:
                    found.append((headers[frame.header], frame))
    return found


def _open_columns(folder: Path) -> set[Columns]:
    return {columns for columns, _ in _open_frames(folder)}


def _require(subject: Subject, known: set[Columns], folder: Path) -> None:
    columns = {column.name: column for each in known for column in each.all}
    for name in subject:
        if known and (name not in columns or columns[name].pii in ("mask", "drop")):
            why = ", whose values are not stored as they are" if name in columns else ""
            others = sorted(other for other, column in columns.items() if column.pii in (None, "hash"))
            raise ConfigError(
                "LOG010",
                f"no logged row can be told by '{name}'{why}",
                where=str(folder),
                next_step=f"Name one of: {', '.join(others)}.",
            )
