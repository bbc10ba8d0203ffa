"""Tables that a user asked for, at a path of the user's: batch by batch, and seen whole or not at all."""

import glob
import os
from collections.abc import Collection, Iterable
from contextlib import suppress
from pathlib import Path
from typing import IO, Any
from uuid import uuid4

import psutil
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

from evergreen.base.errors import explain_os_errors

SUFFIXES = (".csv", ".parquet")
ROWS_PER_GROUP = 65_536
UNFINISHED = ".unfinished"


class Output:
    """A CSV or Parquet file in the making, as its name says; equal rows give equal bytes, however they come in batches.

    Parameters
    ----------
    unlike : columns in which hardly two values are equal, nor alike: a dictionary and compression would only take time.
    """

    def __init__(self, path: Path, schema: pa.Schema, *, unlike: Collection[str] = ()) -> None:
        self.path, self._schema = path, schema
        self._temporary = unfinished(path)
        self._waiting: list[pa.RecordBatch] = []
        self._n_waiting = 0
        with explain_os_errors(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file: IO[bytes] = self._temporary.open("wb")
        if path.suffix == ".csv":
            self._writer: Any = pa.csv.CSVWriter(self._file, schema)
        else:
            self._writer = pq.ParquetWriter(
                self._file,
                schema,
                compression={name: "none" if name in unlike else "snappy" for name in schema.names},
                use_dictionary=[name for name in schema.names if name not in unlike],
                write_statistics=False,  # which takes an eighth of the time of writing
            )

    def add(self, batch: pa.RecordBatch) -> None:
        """Take the next rows."""
        self._waiting.append(batch)
        self._n_waiting += batch.num_rows
        while self._n_waiting >= ROWS_PER_GROUP:
            together = pa.Table.from_batches(self._waiting, self._schema)
            self._write(together.slice(0, ROWS_PER_GROUP))
            self._waiting = together.slice(ROWS_PER_GROUP).to_batches()
            self._n_waiting -= ROWS_PER_GROUP

    def publish(self) -> None:
        """Put the bytes on the disk and give the file its name, in place of what had it."""
        if self._n_waiting:
            self._write(pa.Table.from_batches(self._waiting, self._schema))
        with explain_os_errors(self.path):
            self._writer.close()
            self._file.flush()
            os.fsync(self._file.fileno())
            self._file.close()
            self._temporary.replace(self.path)

    def discard(self) -> None:
        """Delete what is not published."""
        with suppress(OSError):  # its end does not fit on the disk either
            self._writer.close()
        with suppress(OSError):
            self._file.close()
        self._temporary.unlink(missing_ok=True)

    def _write(self, rows: pa.Table) -> None:
        with explain_os_errors(self.path):
            self._writer.write_table(rows.combine_chunks())


def unfinished(output: Path) -> Path:
    """Return a new name beside an output for what is not whole yet; `sweep` finds it once this process is gone."""
    return output.with_name(f".{output.name}.{os.getpid()}-{uuid4().hex[:8]}{UNFINISHED}")


def sweep(folder: Path) -> None:
    """Delete below a folder what processes left unfinished that are gone."""
    for above, _, names in os.walk(folder):
        _sweep(Path(above, name) for name in names if name.startswith(".") and name.endswith(UNFINISHED))


def sweep_beside(output: Path) -> None:
    """Delete what processes left unfinished of one output that are gone."""
    _sweep(output.parent.glob(f".{glob.escape(output.name)}.*{UNFINISHED}"))


def _sweep(left: Iterable[Path]) -> None:
    for path in left:
        pid = path.name.removesuffix(UNFINISHED).rpartition(".")[2].partition("-")[0]
        if not pid.isdecimal() or not psutil.pid_exists(int(pid)):
            path.unlink(missing_ok=True)
