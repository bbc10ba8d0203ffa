"""Tables that a user asked for, at a path of the user's: batch by batch, and seen whole or not at all."""

import base64
import os
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

from evergreen.base import temporaries
from evergreen.base.errors import explain_os_errors

SUFFIXES = (".csv", ".parquet")
ROWS_PER_GROUP = 65_536
CODED = pa.dictionary(pa.int32(), pa.string())
# Where Arrow finds the schema again; given by us, because Arrow would say of texts that they are dictionaries.
ARROW_SCHEMA = b"ARROW:schema"


class Output:
    """A CSV or Parquet file in the making, as its name says; equal rows give equal bytes, however they come in batches.

    Texts may come as dictionaries, of which equal ones give equal bytes.

    Parameters
    ----------
    unlike : columns in which hardly two values are equal, nor alike: a dictionary and compression would only take time.
    coded : columns of texts that come as dictionaries; they are read as texts all the same.
    """

    def __init__(
        self, path: Path, schema: pa.Schema, *, unlike: Collection[str] = (), coded: Collection[str] = ()
    ) -> None:
        self.path = path
        coded = () if path.suffix == ".csv" else coded
        self._schema = pa.schema([field.with_type(CODED) if field.name in coded else field for field in schema])
        self._temporary = temporaries.temporary(path)
        self._waiting: list[pa.RecordBatch] = []
        self._n_waiting = 0
        with explain_os_errors(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file: IO[bytes] = self._temporary.open("wb")
        if path.suffix == ".csv":
            self._writer: Any = pa.csv.CSVWriter(self._file, schema)
        else:
            counts = [field.name for field in schema if _is_count(field.type)]
            self._writer = pq.ParquetWriter(
                self._file,
                self._schema,
                compression={name: "none" if name in (*unlike, *counts) else "snappy" for name in schema.names},
                use_dictionary=[name for name in schema.names if name not in (*unlike, *counts)],
                column_encoding=dict.fromkeys(counts, "DELTA_BINARY_PACKED"),  # half the time of a dictionary
                write_statistics=False,  # which takes an eighth of the time of writing
                store_schema=False,
            )
            said = {**(schema.metadata or {}), ARROW_SCHEMA: base64.b64encode(schema.serialize())}
            self._writer.add_key_value_metadata(said)

    def add(self, batch: pa.RecordBatch) -> None:
        """Take the next rows."""
        arrays = [_as(values, field.type) for values, field in zip(batch.columns, self._schema, strict=True)]
        batch = pa.RecordBatch.from_arrays(arrays, schema=self._schema)
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
            self._writer.write_table(_compact(rows.combine_chunks()))


def _is_count(kind: pa.DataType) -> bool:
    return pa.types.is_timestamp(kind) or kind in (pa.int64(), pa.int32())


def _as(values: pa.Array, kind: pa.DataType) -> pa.Array:
    if values.type == kind:
        return values
    return values.dictionary_encode() if kind == CODED else values.cast(kind)


def _compact(rows: pa.Table) -> pa.Table:
    """Return rows without dictionaries that hold more than the rows do, or null, which Parquet's may not."""
    for at, column in enumerate(rows.columns):
        if column.type != CODED or not column.num_chunks:
            continue
        words = column.chunk(0).dictionary
        if len(words) > len(column) or words.null_count:
            rows = rows.set_column(at, rows.schema.field(at), column.cast(pa.string()).dictionary_encode())
    return rows


def sweep(folder: Path) -> None:
    """Delete below a folder what processes left unfinished that are gone."""
    for above, _, names in os.walk(folder):
        unfinished = [Path(above, name) for name in names if name.endswith(temporaries.UNFINISHED)]
        temporaries.delete(filter(temporaries.is_left, unfinished))


def sweep_beside(output: Path) -> None:
    """Delete what processes left unfinished of one output that are gone."""
    temporaries.delete(temporaries.left_of(output))
