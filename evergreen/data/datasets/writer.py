"""Typed batches as Parquet files, one for each month."""

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path
from uuid import uuid4

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from evergreen.base.ahead import ahead
from evergreen.base.artifacts.tables import ROWS_PER_GROUP
from evergreen.base.files import file_digest
from evergreen.data.datasets.content import Sums, added, content_sums, spelled
from evergreen.data.datasets.manifest import UNDATED, WHOLE, Fragment
from evergreen.data.datasets.months import crosses, month_of, months_of

MOST_OPEN = 100  # files that are written at the same time
MOST_WAITING = 128 * 2**20  # bytes of rows, over all files, that wait for their row group to fill
CLOSED_AT_ONCE = 4  # files: the disk takes several in one go


class Writer:
    """Splits typed batches by month of their time and writes each month's rows, at a bounded number of open files.

    `folder` is filled with files under temporary names; `close` returns the fragments and gives them their names.
    """

    def __init__(self, folder: Path, *, item: str, time: str | None, zone: str) -> None:
        self._folder, self._item, self._time, self._zone = folder, item, time, zone
        self._open: dict[str, _Part] = {}
        self._fragments: list[Fragment] = []
        self.unordered = 0
        self._last = np.iinfo(np.int64).min

    def add(self, batch: pa.RecordBatch) -> None:
        """Take the rows of a batch, whose schema is that of every other."""
        self.write(iter([batch]), together=False)

    def write(self, batches: Iterator[pa.RecordBatch], *, together: bool = True) -> None:
        """Take the rows of all batches; `together`: they are split and hashed while those before them are written."""
        pieces = self._pieces(batches)
        for partition, rows, sums in ahead(pieces) if together else pieces:
            part = self._open.pop(partition, None) or _Part(self._folder, rows.schema)
            self._open[partition] = part  # last used, last closed
            part.add(rows, sums)
            if len(self._open) > MOST_OPEN:
                oldest = next(iter(self._open))
                self._fragments.append(self._finished(oldest, self._open.pop(oldest)))
            while sum(opened.waiting for opened in self._open.values()) > MOST_WAITING:
                max(self._open.values(), key=lambda opened: opened.waiting).flush()

    def close(self) -> tuple[Fragment, ...]:
        with ThreadPoolExecutor(CLOSED_AT_ONCE) as pool:
            self._fragments += pool.map(self._finished, self._open.keys(), self._open.values())
            list(pool.map(_fsync, [self._folder / fragment.path for fragment in self._fragments]))
        self._open = {}
        return tuple(sorted(self._fragments, key=lambda fragment: (fragment.partition, fragment.path)))

    def _finished(self, partition: str, part: "_Part") -> Fragment:
        rows, content, file = part.close()
        sha256 = file_digest(file)
        path = f"month={partition}/{self._item[:8]}-{sha256[:16]}.parquet"
        (self._folder / path).parent.mkdir(exist_ok=True)
        file.rename(self._folder / path)
        return Fragment(
            path=path,
            item=self._item,
            partition=partition,
            rows=rows,
            size=(self._folder / path).stat().st_size,
            sha256=sha256,
            content=content,
        )

    def _pieces(self, batches: Iterator[pa.RecordBatch]) -> Iterator[tuple[str, pa.RecordBatch, Sums]]:
        for batch in batches:
            if batch.num_rows:
                for partition, rows in self._split(batch):
                    yield partition, rows, content_sums(rows)

    def _split(self, batch: pa.RecordBatch) -> Iterator[tuple[str, pa.RecordBatch]]:
        if self._time is None:
            yield WHOLE, batch
            return
        times = batch.column(self._time)
        self._note_order(times)
        span = pc.min_max(times)
        first, last = (span[end].as_py() for end in ("min", "max"))
        if first is None:
            yield UNDATED, batch
            return
        month = month_of(first, self._zone)
        if not times.null_count and not crosses(month, first, last, self._zone):
            yield month, batch
            return
        codes = months_of(times, last, self._zone)
        edges = [0, *(np.flatnonzero(np.diff(codes)) + 1).tolist(), len(codes)]
        if len(edges) > len(np.unique(codes)) + 1:  # not month by month
            order = np.argsort(codes, kind="stable")
            batch, codes = batch.take(pa.array(order)), codes[order]
            edges = [0, *(np.flatnonzero(np.diff(codes)) + 1).tolist(), len(codes)]
        for begin, end in pairwise(edges):
            year, before = divmod(int(codes[begin]), 12)
            yield f"{year:04d}-{before + 1:02d}" if year >= 0 else UNDATED, batch.slice(begin, end - begin)

    def _note_order(self, times: pa.Array) -> None:
        present = (times.drop_null() if times.null_count else times).cast(pa.int64()).to_numpy()
        if len(present):
            self.unordered += int((present[1:] < present[:-1]).sum()) + int(present[0] < self._last)
            self._last = int(present[-1])


class _Part:
    """A Parquet file in the making, and the sums of the hashes of its rows. `waiting`: bytes that are not yet in it."""

    def __init__(self, folder: Path, schema: pa.Schema) -> None:
        self._path = folder / f".{uuid4().hex[:12]}"
        self._batches: list[pa.RecordBatch] = []
        self._rows, self._unwritten, self._sums = 0, 0, (0, 0)
        self.waiting = 0
        texts = [field.name for field in schema if pa.types.is_string(field.type)]
        whole = [field.name for field in schema if pa.types.is_integer(field.type) or pa.types.is_timestamp(field.type)]
        # Differences of whole numbers take half the time of plain ones, to write and to read, and leave zstd nothing to
        # gain. Of the minima and maxima of row groups, readers want those of the time.
        self._writer = pq.ParquetWriter(
            self._path,
            schema,
            compression=dict.fromkeys(schema.names, "zstd") | dict.fromkeys(whole, "snappy"),
            use_dictionary=texts,
            column_encoding=dict.fromkeys(whole, "DELTA_BINARY_PACKED"),
            write_statistics=[field.name for field in schema if pa.types.is_timestamp(field.type)],
        )

    def add(self, rows: pa.RecordBatch, sums: Sums) -> None:
        self._batches.append(rows)
        self._sums = added(self._sums, sums)
        self._rows += rows.num_rows
        self._unwritten += rows.num_rows
        self.waiting += rows.nbytes
        if self._unwritten >= ROWS_PER_GROUP:
            self.flush()

    def flush(self) -> None:
        if self._batches:
            self._writer.write_table(pa.Table.from_batches(self._batches), row_group_size=ROWS_PER_GROUP)
        self._batches, self._unwritten, self.waiting = [], 0, 0

    def close(self) -> tuple[int, str, Path]:
        self.flush()
        self._writer.close()
        return self._rows, spelled(self._sums), self._path


def _fsync(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())
