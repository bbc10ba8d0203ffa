"""What an unseen table holds: its columns, and rows drawn evenly; one pass, in memory that rows do not add to."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from evergreen.base.artifacts.refs import Item
from evergreen.data.samples import Sample
from evergreen.data.typed.schema import ROW, UNREADABLE
from evergreen.data.typed.values import as_read
from evergreen.proposal.column_profile import ColumnProfile
from evergreen.proposal.sketches import Array, Distinct, hashes_of_numbers, hashes_of_texts
from evergreen.proposal.spellings import usual
from evergreen.proposal.spellings.told import Told

Header = tuple[Item, dict[str, None]]
SAMPLE_ROWS, SAMPLE_CELLS = 100_000, 5_000_000
FEWEST_TOGETHER = 4_000


class TableProfile:
    """What a table holds: its rows, its columns, the ones it repeats under `key`, and rows drawn evenly from it.

    `headers`: its files with their columns. `unread`: the types of those that no reader gives.
    """

    def __init__(self, *, key: Sequence[str] = (), seed: int = 7) -> None:
        self.key, self.seed = tuple(key), seed
        self.rows = self.unreadable = 0
        self.columns: dict[str, ColumnProfile] = {}
        self.keys = Distinct()
        self.headers: list[Header] = []
        self.unread: dict[str, str] = {}
        self._sample: Sample | None = None

    def add(self, batch: pa.RecordBatch) -> None:
        """Take in a batch as a reader gives it; rows that could not be split into values are only counted."""
        whole = _whole(batch)
        self.unreadable += batch.num_rows - whole.num_rows
        batch = whole
        batch = batch.select([name for name in batch.schema.names if name not in (ROW, UNREADABLE)])
        if batch.num_rows == 0:
            self._require(batch.schema.names, 0)
            return
        self._require(batch.schema.names, self.rows)
        come = dict(zip(batch.schema.names, batch.columns, strict=True))
        read = {name: as_read(values) for name, values in come.items()}
        for name, column in self.columns.items():
            if name in come:
                column.add(come[name], read[name])
            else:
                column.add(pa.nulls(batch.num_rows))
        if self.key and set(self.key) <= set(batch.schema.names):
            self.keys.add(_hashes_of_rows(batch, self.key))
        self.rows += batch.num_rows
        if self._sample is None:
            self._sample = Sample(min(SAMPLE_ROWS, SAMPLE_CELLS // max(batch.num_columns, 1) + 1), seed=self.seed)
        self._sample.add(pa.RecordBatch.from_arrays([*read.values()], names=[*read]))

    def _require(self, names: Iterable[str], rows: int) -> None:
        for name in names:
            if name not in self.columns:
                self.columns[name] = ColumnProfile(name, nulls=rows)

    def sample(self) -> pa.Table:
        """Return the drawn rows as they were read, in their order."""
        return self._sample.table() if self._sample else pa.table({name: pa.nulls(0) for name in self.columns})

    def reread(self, batches: Iterable[pa.RecordBatch], told: Mapping[str, Told]) -> None:
        """Look again at the columns that are to be read in a way of their own, from the first row on."""
        again = {name: said for name, said in told.items() if said.is_read_again}
        fresh = {name: ColumnProfile(name, told=said, as_came=self.columns.get(name)) for name, said in again.items()}
        for batch in batches:
            whole = _whole(batch)
            for name, said in again.items():
                fresh[name].add(usual.as_read(whole, name, said, told))
        self.columns |= fresh

    def merge(self, later: "TableProfile") -> None:
        """Take in what was seen of rows that come after these, drawn with another seed."""
        self._require(later.columns, self.rows)
        for name, column in self.columns.items():
            column.merge(later.columns.get(name) or ColumnProfile(name, nulls=later.rows))
        self.rows += later.rows
        self.unreadable += later.unreadable
        self.keys.merge(later.keys)
        if self._sample is None:
            self._sample = later._sample
        elif later._sample is not None:
            self._sample.merge(later._sample)


def _whole(batch: pa.RecordBatch) -> pa.RecordBatch:
    """Return the rows that could be split into values."""
    if UNREADABLE not in batch.schema.names or batch.column(UNREADABLE).null_count == batch.num_rows:
        return batch
    return batch.filter(batch.column(UNREADABLE).is_null())


def profile(batches: Iterable[pa.RecordBatch], *, key: Sequence[str] = (), seed: int = 7) -> TableProfile:
    """Return what the rows of all batches hold."""
    table = TableProfile(key=key, seed=seed)
    for batch in _together(batches):
        table.add(batch)
    return table


def _together(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Yield the same rows in batches of some thousands: a reader's are of few rows where a table is wide."""
    waiting: list[pa.RecordBatch] = []
    for batch in batches:
        if waiting and (batch.schema != waiting[0].schema or sum(map(len, waiting)) >= FEWEST_TOGETHER):
            yield pa.concat_batches(waiting)
            waiting = []
        waiting.append(batch)
    if waiting:
        yield pa.concat_batches(waiting)


def noting(header: dict[str, None], batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Yield the batches of a file, and note in `header` which columns they have."""
    for batch in batches:
        header.update(dict.fromkeys(name for name in batch.schema.names if name not in (ROW, UNREADABLE)))
        yield batch


def _hashes_of_rows(batch: pa.RecordBatch, names: Sequence[str]) -> Array:
    joined: Array = np.zeros(batch.num_rows, np.uint64)
    for name in names:
        texts = pc.fill_null(batch.column(name).cast(pa.string()), "\0")
        joined = hashes_of_numbers((joined * np.uint64(31) + hashes_of_texts(texts)).view(np.int64))
    return joined
