"""The table that segments become: Parquet files by day, which DuckDB, pandas and others read as they are.

`table/date=YYYY-MM-DD/` holds predictions, `feedback/date=YYYY-MM-DD/` what came back, and `shadows/date=YYYY-MM-DD/`
what variants said that nobody was told, by the day in UTC on which they were received. A file made of a segment has the
segment's name, so that it is known what is there twice.
"""

import os
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Literal

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from evergreen.base.errors import explain_os_errors
from evergreen.base.files import make_private
from evergreen.record.predictions.columnar import columns_in, logged_rows
from evergreen.record.predictions.records import Columns, Logged

Kind = Literal["table", "feedback", "shadows"]
KINDS: tuple[Kind, ...] = ("table", "feedback", "shadows")
# The columns whose values tell the records of a kind apart.
TELLING: dict[Kind, tuple[str, ...]] = {
    "table": ("prediction_id",),
    "feedback": ("feedback_id",),
    "shadows": ("prediction_id", "variant"),
}
Pick = Callable[[pa.Schema], Sequence[str]]
BATCH_ROWS = 50_000
MARK = b"evergreen.mark"
PARTITION = re.compile(r"date=(\d{4}-\d{2}-\d{2})")


class Writer:
    """A file of the table in the making: seen under its name when it is whole and on the disk."""

    def __init__(self, path: Path, schema: pa.Schema) -> None:
        self.path = path
        self._temporary = path.with_name(f".{path.name}.tmp")
        with explain_os_errors(path):
            make_private(path.parent)
            descriptor = os.open(self._temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o640)
        self._file = os.fdopen(descriptor, "wb")
        self._writer = pq.ParquetWriter(self._file, schema, compression="zstd")

    def write(self, batch: pa.RecordBatch) -> None:
        with explain_os_errors(self.path):
            self._writer.write_batch(batch)

    def finish(self) -> None:
        """Put the bytes on the disk; the file has no name yet that anybody reads."""
        with explain_os_errors(self.path):
            self._writer.close()
            self._file.flush()
            os.fsync(self._file.fileno())
            self._file.close()

    def publish(self) -> None:
        """Give the file its name, in place of what had it."""
        with explain_os_errors(self.path):
            self._temporary.replace(self.path)
            sync_folder(self.path.parent)

    def abandon(self) -> None:
        """Leave nothing of it behind."""
        with suppress(OSError):  # the disk may be full
            self._writer.close()
        with suppress(OSError):
            self._file.close()
        self._temporary.unlink(missing_ok=True)


def sync_folder(folder: Path) -> None:
    """Put the names in a folder on the disk."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def partition(folder: Path, kind: Kind, day: date) -> Path:
    """Return the folder of a day."""
    return folder / kind / f"date={day:%Y-%m-%d}"


def told_apart(batch: pa.RecordBatch, kind: Kind) -> list[str]:
    """Return what tells each record of a batch from every other of its kind."""
    columns = (batch.column(name).to_pylist() for name in TELLING[kind])
    return [" ".join(values) for values in zip(*columns, strict=True)]


def day_of(received_us: int) -> date:
    """Return the day in UTC of a time in microseconds since 1970."""
    return datetime.fromtimestamp(received_us / 1e6, UTC).date()


def files(folder: Path, kind: Kind, *, since: date | None = None, until: date | None = None) -> list[Path]:
    """Return the files of the days from `since` to `until`, both included, by day and name."""
    found = []
    for day in sorted((folder / kind).glob("date=*")):
        named = PARTITION.fullmatch(day.name)
        if named and (not since or named[1] >= str(since)) and (not until or named[1] <= str(until)):
            found += sorted(path for path in day.glob("*.parquet") if not path.name.startswith("."))
    return found


def segment_of(path: Path) -> str:
    """Return the name of the segment that a file was made of, without its ending."""
    return path.name.partition(".")[0]


def marked(schema: pa.Schema, mark: bytes) -> pa.Schema:
    """Return a schema that says which segment the rows are from; one that was written anew has the same mark."""
    return schema.with_metadata({**schema.metadata, MARK: mark.hex()})


def mark_of(path: Path) -> bytes:
    """Return the mark of the segment that a file was made of; empty for a file that was made of none."""
    return bytes.fromhex((pq.read_schema(path).metadata or {}).get(MARK, b"").decode())


def read_file(
    path: Path,
    columns: Sequence[str] | None = None,
    *,
    pick: Pick | None = None,
    holding: tuple[str, str] | None = None,
) -> Iterator[pa.RecordBatch]:
    """Yield a file batch by batch, with what it says of its columns in the schema of each.

    Parameters
    ----------
    columns, pick : those that are wanted, or what names them of the file's schema; all if both are left out.
    holding : a column and a value: row groups in which no row has it are passed over, as far as the file says so.
    """
    with pq.ParquetFile(path) as file:
        about = file.schema_arrow.metadata
        groups = [at for at in range(file.num_row_groups) if holding is None or _may_hold(file, at, holding)]
        if not groups:
            return
        wanted = pick(file.schema_arrow) if pick else columns
        for batch in file.iter_batches(BATCH_ROWS, row_groups=groups, columns=wanted):
            yield batch.replace_schema_metadata(about)


def _may_hold(file: pq.ParquetFile, group: int, holding: tuple[str, str]) -> bool:
    name, value = holding
    at = file.schema_arrow.get_field_index(name)
    among = file.metadata.row_group(group).column(at).statistics
    if among is None or not among.has_min_max:
        return among is None or among.null_count != file.metadata.row_group(group).num_rows
    return bool(among.min <= value <= among.max)


def find_row(path: Path, prediction_id: str) -> tuple[Columns, Logged] | None:
    """Return a prediction that a file holds."""
    with pq.ParquetFile(path) as file:
        about = file.schema_arrow.metadata
        at = file.schema_arrow.get_field_index("prediction_id")
        for group in range(file.num_row_groups):
            among = file.metadata.row_group(group).column(at).statistics
            if among is not None and among.has_min_max and not among.min <= prediction_id <= among.max:
                continue
            ids = file.read_row_group(group, columns=["prediction_id"]).column(0)
            rows = pc.indices_nonzero(pc.equal(ids, prediction_id))
            if len(rows):
                row = file.read_row_group(group).take(rows[:1]).combine_chunks().to_batches()[0]
                row = row.replace_schema_metadata(about)
                return columns_in(row.schema), next(logged_rows(row))
    return None
