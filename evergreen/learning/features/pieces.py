"""The labelled rows of a validated table, in order and with their past, of which one piece is in memory at a time."""

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from evergreen.base import memory
from evergreen.base.artifacts.tables import ROWS_PER_GROUP
from evergreen.config.contract.contract import Contract
from evergreen.learning.features import ordering
from evergreen.learning.features.history import PastRows
from evergreen.learning.features.targets import labelled

PIECE_BYTES = 64 * 2**20


def with_past(path: Path, contract: Contract, past: PastRows) -> Iterator[pd.DataFrame]:
    """Yield the labelled rows of the table at `path`: its model columns, what `past` reads, and what it derives.

    Rows without a target are looked back on, and rows without a time, where there is one, are left out.
    """
    needed = {*contract.model_columns, *past.columns}
    names = [name for name in pq.read_schema(path).names if name in needed]
    n_rows, n_bytes = pq.read_metadata(path).num_rows, memory.of_table(path, names)
    for some in ordering.in_pieces(
        partial(read, path),
        names,
        contract,
        n_rows=n_rows,
        rows_per_piece=max(1, n_rows * PIECE_BYTES // max(n_bytes, 1)),
        row_bytes=n_bytes / max(n_rows, 1),
        folder=path.parent,
    ):
        timed = some[some[contract.time].notna()] if contract.time else some
        yield labelled(past.derive(timed), contract)


def read(path: Path, names: Sequence[str]) -> Iterator[pa.RecordBatch]:
    """Yield some columns of the table at `path`, batch by batch."""
    with pq.ParquetFile(path, pre_buffer=False) as file:  # which would hold all of it
        yield from file.iter_batches(ROWS_PER_GROUP, columns=list(names))
