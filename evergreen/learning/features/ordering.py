"""Rows in the order of time, key and content, whatever order they came in: in memory, or piece by piece."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from evergreen.base import memory
from evergreen.base.errors import explain_os_errors
from evergreen.config.contract.columns import Column
from evergreen.config.contract.contract import Contract
from evergreen.data.typed.schema import to_pandas
from evergreen.learning.features.rowwise import instants, typed

Frame = pd.DataFrame
Read = Callable[[Sequence[str]], Iterator[pa.RecordBatch]]

MOST_PIECES = 200  # each is an open file
SAMPLED = 100_000
COPIES = 10  # of a piece, at most, between the file that it is read from and those that it is written to
HASH, OTHERS = "_hash", "_others"  # no column's name begins so


def in_order(rows: Frame, contract: Contract) -> Frame:
    """Return the same rows by time, key, and a hash of what a model may see, with the index 0 to n-1.

    What else they hold decides only between rows that agree in all of that.
    """
    columns = {column.name: column for column in contract.columns if column.name in rows}
    keys = {name: pa.array(_sortable(rows[name], columns[name]), from_pandas=True) for name in _names(contract)}
    of_model = dict.fromkeys(contract.model_columns)
    keys[HASH] = row_hashes(rows, [columns[name] for name in of_model if name in columns])
    if others := [column for name, column in columns.items() if name not in of_model]:
        keys[OTHERS] = row_hashes(rows, others)
    return rows.take(_order(pa.table(keys))).reset_index(drop=True)


def row_hashes(rows: Frame, columns: Sequence[Column]) -> "np.ndarray[Any, Any]":
    """Return a hash of each row's values in `columns`, shape (n,), the same whatever types the table stores them in."""
    exact = Frame({column.name: _exact(rows[column.name], column) for column in columns})
    hashes: np.ndarray[Any, Any] = pd.util.hash_pandas_object(exact, index=False).to_numpy()
    return hashes


def in_pieces(
    read: Read,
    names: Sequence[str],
    contract: Contract,
    *,
    n_rows: int,
    rows_per_piece: int,
    row_bytes: float,
    folder: Path,
) -> Iterator[Frame]:
    """Yield the columns `names` of a table in order, at least one piece; the pieces together are `in_order` of it all.

    Rows of one time are in one piece, or those of one key where there is no time. A table of one piece is sorted in
    memory. The rows of a larger one go through files in `folder` that have no name, so nothing is left of them however
    this ends.

    Parameters
    ----------
    read : returns the batches of the columns it is asked for, typed as the contract says, of at least one row; called
        up to twice.
    rows_per_piece : about as many rows as are in memory at a time.
    row_bytes : about what a row takes there.

    Raises
    ------
    ResourceError if a piece does not fit into memory, as when all rows have one time.
    """
    rows_per_piece = max(rows_per_piece, n_rows // MOST_PIECES + 1)
    _require(min(rows_per_piece, n_rows), row_bytes, n_rows, contract)
    if n_rows <= rows_per_piece:
        yield in_order(to_pandas(pa.Table.from_batches(read(names))), contract)
        return
    cuts = _cuts(read, contract, n_rows=n_rows, n_pieces=-(-n_rows // rows_per_piece))
    with explain_os_errors(folder), ExitStack() as opened:
        files = [opened.enter_context(TemporaryFile(dir=folder)) for _ in range(cuts.num_rows + 1)]
        _require(max(_spill(read(names), files, cuts, contract)), row_bytes, n_rows, contract)
        for file in files:
            with file:
                file.seek(0)
                rows = pa.ipc.open_stream(file).read_all()
            if rows.num_rows:
                yield in_order(to_pandas(rows), contract)


def last_time(read: Read, contract: Contract) -> datetime | None:
    """Return the greatest time of a row whose target is known; None where there is none."""
    assert contract.time is not None
    last = None
    for batch in read([contract.time, contract.target]):
        newest = pc.max(batch.column(contract.time).filter(batch.column(contract.target).is_valid())).as_py()
        last = newest if last is None or (newest is not None and newest > last) else last
    return last


def _require(rows: int, row_bytes: float, n_rows: int, contract: Contract) -> None:
    together = _cutting(contract)
    memory.require(
        int(COPIES * rows * row_bytes),
        f"a piece of {rows} of the {n_rows} rows of '{contract.name}'",
        next_step="Free memory, or give the process more of it."
        + (f" Rows of one {' and '.join(together)} are in one piece." if together else ""),
    )


def _names(contract: Contract) -> list[str]:
    """Return the columns that come before the content in the order."""
    return list(dict.fromkeys([*([contract.time] if contract.time else []), *contract.key]))


def _order(keys: pa.Table) -> "np.ndarray[Any, Any]":
    order: np.ndarray[Any, Any] = pc.sort_indices(
        keys.combine_chunks(), sort_keys=[(name, "ascending", "at_end") for name in keys.column_names]
    ).to_numpy()
    return order


def _sortable(values: pd.Series, column: Column) -> pd.Series:
    return instants(values) if column.type == "timestamp" else _exact(values, column)


def _exact(values: pd.Series, column: Column) -> pd.Series:
    if column.type == "integer":  # 64 bits do not fit a float
        return values.astype("Int64")
    exact = typed(values, column)
    return exact if exact.dtype == "str" else exact + 0.0  # -0.0 is 0.0


def _cutting(contract: Contract) -> list[str]:
    """Return the columns whose equal values stay in one piece; none where it is the content."""
    return [contract.time] if contract.time else list(contract.key)


def _cuts(read: Read, contract: Contract, *, n_rows: int, n_pieces: int) -> pa.Table:
    """Return the least values of all pieces but the first, ascending."""
    names = _cutting(contract)
    if not names:
        return pa.table({HASH: pa.array([n * 2**64 // n_pieces for n in range(1, n_pieces)], pa.uint64())})
    step, drawn, seen = n_rows // SAMPLED + 1, [], 0
    for batch in read(names):
        drawn.append(batch.select(names).take(pa.array(np.arange(-seen % step, batch.num_rows, step))))
        seen += batch.num_rows
    sample = pa.Table.from_batches(drawn)
    sample = sample.take(_order(sample))
    return sample.take([n * sample.num_rows // n_pieces for n in range(1, n_pieces)])


def _spill(
    batches: Iterator[pa.RecordBatch], files: Sequence[IO[bytes]], cuts: pa.Table, contract: Contract
) -> list[int]:
    """Write each row to the file of its piece, and return how many rows each has."""
    counts = np.zeros(len(files), dtype=np.int64)
    options = pa.ipc.IpcWriteOptions(compression="lz4")
    writers: list[pa.ipc.RecordBatchStreamWriter] = []
    for batch in batches:
        if not writers:
            writers = [pa.ipc.new_stream(file, batch.schema, options=options) for file in files]
        pieces = _pieces_of(batch, cuts, contract)
        counts += np.bincount(pieces, minlength=len(files))
        order = np.argsort(pieces, kind="stable")
        distinct, begins = np.unique(pieces[order], return_index=True)
        for piece, begin, end in zip(distinct, begins, [*begins[1:], len(pieces)], strict=True):
            writers[piece].write_batch(batch.take(pa.array(order[begin:end])))
    for writer in writers:
        writer.close()
    return counts.tolist()


def _pieces_of(batch: pa.RecordBatch, cuts: pa.Table, contract: Contract) -> "np.ndarray[Any, Any]":
    """Return the number of each row's piece, shape (n,); equal values have equal numbers."""
    names = _cutting(contract)
    if names:
        keys = pa.Table.from_batches([batch.select(names)])
    else:
        of_model = set(contract.model_columns)
        columns = [column for column in contract.columns if column.name in of_model]
        keys = pa.table({HASH: row_hashes(to_pandas(batch), columns)})
    order = _order(pa.concat_tables([cuts, keys]))  # stable, so a cut comes before the values that equal it
    numbers = np.empty(len(order), dtype=np.int64)
    numbers[order] = np.cumsum(order < cuts.num_rows)
    return numbers[cuts.num_rows :]
