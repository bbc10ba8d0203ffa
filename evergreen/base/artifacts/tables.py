"""A table in the making: Parquet, piece by piece."""

import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from evergreen.base.artifacts.refs import TableRef, schema_hash
from evergreen.base.errors import explain_os_errors
from evergreen.base.files import file_digest

if TYPE_CHECKING:
    import pyarrow as pa

ROWS_PER_GROUP = 131_072


class TableWriter:
    """A Parquet file (zstd) in the making, in row groups of at most ROWS_PER_GROUP."""

    def __init__(self, temporary: Path, schema: "pa.Schema") -> None:
        import pyarrow.parquet as pq

        self._temporary = temporary
        self._rows = self._n_waiting = 0
        self._waiting: list[pa.Table] = []
        self.ref = TableRef(uri="", rows=0, schema_hash="", sha256="")
        with explain_os_errors(temporary.parent):
            temporary.parent.mkdir(parents=True, exist_ok=True)
            try:
                self._file = pq.ParquetWriter(temporary, schema, compression="zstd")
            except BaseException:
                temporary.unlink(missing_ok=True)
                raise

    def add(self, rows: "pa.Table | pa.RecordBatch") -> None:
        """Take rows of the schema; small pieces are gathered, so that groups do not depend on their sizes."""
        import pyarrow as pa

        table = rows if isinstance(rows, pa.Table) else pa.Table.from_batches([rows])
        self._rows += table.num_rows
        self._n_waiting += table.num_rows
        self._waiting.append(table)
        if self._n_waiting >= ROWS_PER_GROUP:
            together = pa.concat_tables(self._waiting)
            whole = together.num_rows // ROWS_PER_GROUP * ROWS_PER_GROUP
            for begin in range(0, whole, ROWS_PER_GROUP):
                self._write(together.slice(begin, ROWS_PER_GROUP))
            self._waiting = [together.slice(whole)]
            self._n_waiting = together.num_rows - whole

    def finish(self, root: Path, named: Callable[[str], str]) -> None:
        """Put the file in place under the name that `named` makes of its digest, and set `ref`."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        if self._n_waiting:
            self._write(pa.concat_tables(self._waiting))
        with explain_os_errors(root):
            self._file.close()
            with self._temporary.open("rb") as file:
                os.fsync(file.fileno())
            sha256, schema = file_digest(self._temporary), pq.read_schema(self._temporary)  # as stored, not as given
            uri = f"{named(sha256)}.parquet"
            self._temporary.replace(root / uri)
        self.ref = TableRef(uri=uri, rows=self._rows, schema_hash=schema_hash(schema), sha256=sha256)

    def discard(self) -> None:
        """Delete what is not finished."""
        if self._temporary.exists():
            with suppress(OSError):  # its end does not fit on the disk either
                self._file.close()
            self._temporary.unlink(missing_ok=True)

    def _write(self, group: "pa.Table") -> None:
        with explain_os_errors(self._temporary.parent):
            self._file.write_table(group.combine_chunks())  # pages end where chunks do
