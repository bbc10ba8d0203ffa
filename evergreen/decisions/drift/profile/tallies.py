"""What is counted of one column, block by block of its rows."""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from evergreen.decisions.drift.profile.arrays import coded, numbers, truths
from evergreen.decisions.drift.profile.profile import (
    FINITE,
    INFINITE,
    LEAST,
    MOST,
    NOTHING,
    SQUARES,
    SUM,
    ColumnBins,
    Counts,
    Floats,
)  # fmt: skip

Ints = npt.NDArray[np.intp]
ROWS_AT_A_TIME = 2**15  # so that what is made of them stays in the processor's cache
MOST_COMPARED = 48  # edges, beyond which a search is faster than comparing with each


class Stretch(NamedTuple):
    """Rows `begin` to `end` of a batch, in the order of their days.

    By day, shape (days,): where it `starts` among them, how many rows it has, and its slot.
    """

    begin: int
    end: int
    starts: Ints
    lengths: Ints
    slots: Ints


class Ordered(NamedTuple):
    """The rows of a batch that have a time, by day: their positions, None where all are in order; and stretches."""

    take: Ints | None
    stretches: tuple[Stretch, ...]


class Scratch:
    """Memory that a thread uses again for every stretch."""

    def __init__(self) -> None:
        self.codes = np.empty(ROWS_AT_A_TIME, np.uint8)
        self.truths = np.empty(ROWS_AT_A_TIME, bool)
        self.cells = np.empty(ROWS_AT_A_TIME, np.intp)
        self.floats = np.empty(ROWS_AT_A_TIME)


class Tally:
    """Counts and moments of one column by slot, which is a day in the order of coming."""

    def __init__(self, bins: ColumnBins) -> None:
        self.bins = bins
        self.counts: Counts = np.zeros((0, bins.n_cells), np.int64)
        self.moments: Floats = np.empty((0, len(NOTHING)))
        self._edges = np.empty(0) if bins.edges is None else np.asarray(bins.edges, np.float64)

    def add(self, values: pa.Array, ordered: Ordered, scratch: Scratch) -> None:
        """Take in the values of a batch."""
        self.reach(1 + max((int(stretch.slots.max()) for stretch in ordered.stretches), default=-1))
        rows = self._rows(values)
        if ordered.take is not None:
            rows = rows[ordered.take]
        with np.errstate(over="ignore", invalid="ignore"):  # sums of numbers near the end of float64
            for stretch in ordered.stretches:
                part = rows[stretch.begin : stretch.end]
                if self.bins.is_numeric:
                    self._add_numbers(part, stretch, scratch)
                else:
                    self._count(part, stretch, scratch)

    def _rows(self, values: pa.Array) -> npt.NDArray[Any]:
        """Return numbers, or the cells of what is none."""
        if self.bins.is_numeric:
            return numbers(values)
        return truths(values) if self.bins.kind == "boolean" else coded(values, self.bins.categories or ())

    def reach(self, n_slots: int) -> None:
        """Have room for so many slots."""
        more = n_slots - len(self.counts)
        if more > 0:
            more = max(more, len(self.counts))
            self.counts = np.concatenate([self.counts, np.zeros((more, self.bins.n_cells), np.int64)])
            self.moments = np.concatenate([self.moments, np.tile(np.array(NOTHING), (more, 1))])

    def _count(self, cells: Ints, stretch: Stretch, scratch: Scratch) -> Counts:
        """Count cells, shape (n,), and return how many each day has, shape (days, n_cells)."""
        k, n_days = self.bins.n_cells, len(stretch.slots)
        if n_days > 1:
            offsets = np.repeat(np.arange(n_days) * k, stretch.lengths)
            cells = np.add(cells, offsets, out=scratch.cells[: len(cells)])
        counts = np.bincount(cells, minlength=n_days * k).reshape(n_days, k)
        self.counts[stretch.slots] += counts
        return counts

    def _add_numbers(self, values: Floats, stretch: Stretch, scratch: Scratch) -> None:
        cells = self._cells_of(values, scratch)
        missing = np.isnan(values, out=scratch.truths[: len(values)])
        if missing.any():
            np.copyto(cells, self.bins.n_cells - 1, where=missing)
        counts = self._count(cells, stretch, scratch)
        self._add_moments(values, stretch, scratch.floats[: len(values)], present=stretch.lengths - counts[:, -1])

    def _cells_of(self, values: Floats, scratch: Scratch) -> Ints:
        """Return how many edges lie below each value, which is its cell; of nan, any."""
        n = len(values)
        cells = scratch.cells[:n]
        if len(self._edges) > MOST_COMPARED:
            cells[:] = np.searchsorted(self._edges, values, side="left")
            return cells
        codes, above = scratch.codes[:n], scratch.truths[:n]
        codes[:] = 0
        for edge in self._edges:
            np.add(codes, np.greater(values, edge, out=above).view(np.uint8), out=codes)
        cells[:] = codes
        return cells

    def _add_moments(self, values: Floats, stretch: Stretch, distances: Floats, *, present: Ints) -> None:
        sums = np.add.reduceat(values, stretch.starts)
        finite, plain = present, values
        if np.isfinite(sums).all():
            np.subtract(values, self.bins.origin, out=distances)
        else:
            is_finite = np.isfinite(values)
            finite = np.add.reduceat(is_finite, stretch.starts, dtype=np.int64)
            plain = np.where(is_finite, values, np.nan)
            sums = np.add.reduceat(np.where(is_finite, values, 0.0), stretch.starts)
            distances[:] = np.where(is_finite, values - self.bins.origin, 0.0)
        np.multiply(distances, distances, out=distances)
        moments, slots = self.moments, stretch.slots
        moments[slots, FINITE] += finite
        moments[slots, SUM] += sums
        moments[slots, SQUARES] += np.add.reduceat(distances, stretch.starts)
        moments[slots, LEAST] = np.fmin(moments[slots, LEAST], np.fmin.reduceat(plain, stretch.starts))
        moments[slots, MOST] = np.fmax(moments[slots, MOST], np.fmax.reduceat(plain, stretch.starts))
        moments[slots, INFINITE] += present - finite
