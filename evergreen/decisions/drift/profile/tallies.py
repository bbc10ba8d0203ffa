"""What is counted of one column, block by block of its rows."""

from dataclasses import dataclass
from functools import cached_property
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
MOST_CODES = np.iinfo(np.uint8).max
FEW_DAYS = 4  # up to which counting each by itself is faster than counting all cells at once


@dataclass(frozen=True)
class Stretch:
    """Rows `begin` to `end` of a batch, in the order of their days.

    By day, shape (days,): where it `starts` among them, how many rows it has, and its slot.
    """

    begin: int
    end: int
    starts: Ints
    lengths: Ints
    slots: Ints

    @cached_property
    def spans(self) -> tuple[slice, ...]:
        """The rows of each day."""
        begins_and_ends = zip(self.starts.tolist(), (self.starts + self.lengths).tolist(), strict=True)
        return tuple(slice(begin, end) for begin, end in begins_and_ends)

    def tally(self, which: npt.NDArray[np.bool_]) -> list[int]:
        """Return how many of the rows of a mask, shape (n,), each day has."""
        if len(self.slots) > FEW_DAYS:
            counts: list[int] = np.add.reduceat(which, self.starts, dtype=np.int64).tolist()
            return counts
        return [int(np.count_nonzero(which[span])) for span in self.spans]


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
                    self._add_numbers(np.asarray(part, np.float64), stretch, scratch)
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

    def _count(self, cells: Ints, stretch: Stretch, scratch: Scratch) -> None:
        """Count cells, shape (n,)."""
        k, n_days = self.bins.n_cells, len(stretch.slots)
        if n_days > 1:
            offsets = np.repeat(np.arange(n_days) * k, stretch.lengths)
            cells = np.add(cells, offsets, out=scratch.cells[: len(cells)])
        self.counts[stretch.slots] += np.bincount(cells, minlength=n_days * k).reshape(n_days, k)

    def _add_numbers(self, values: Floats, stretch: Stretch, scratch: Scratch) -> None:
        sums = np.add.reduceat(values, stretch.starts)
        if np.isfinite(sums).all():
            self._count_numbers(values, stretch, np.zeros(len(stretch.slots), np.int64), scratch)
            self._add_moments(values, stretch, sums, scratch)
            return
        mask = scratch.truths[: len(values)]
        missing = np.array(stretch.tally(np.isnan(values, out=mask)))
        self._count_numbers(values, stretch, missing, scratch)
        finite = np.array(stretch.tally(np.isfinite(values, out=mask)))
        self.moments[stretch.slots, INFINITE] += stretch.lengths - missing - finite
        values, some = values[mask], finite > 0
        if len(values):
            lengths = finite[some]
            left = Stretch(0, len(values), np.cumsum(lengths) - lengths, lengths, stretch.slots[some])
            self._add_moments(values, left, np.add.reduceat(values, left.starts), scratch)

    def _count_numbers(self, values: Floats, stretch: Stretch, missing: Ints, scratch: Scratch) -> None:
        """Count numbers by cell, and as `missing`, shape (days,), those that are nan, which is above no edge."""
        mask = scratch.truths[: len(values)]
        if len(stretch.slots) > FEW_DAYS:
            cells = self._cells_of(values, scratch)
            if missing.any():
                np.copyto(cells, self.bins.n_cells - 1, where=np.isnan(values, out=mask))
            self._count(cells, stretch, scratch)
            return
        above = [stretch.tally(np.greater(values, edge, out=mask)) for edge in self._edges]
        beyond = np.array([stretch.lengths - missing, *above, 0 * missing])
        self.counts[stretch.slots, :-1] += (beyond[:-1] - beyond[1:]).T
        self.counts[stretch.slots, -1] += missing

    def _cells_of(self, values: Floats, scratch: Scratch) -> Ints:
        """Return how many edges lie below each value, which is its cell; of nan, any."""
        n = len(values)
        cells, codes, above = scratch.cells[:n], scratch.codes[:n], scratch.truths[:n]
        cells[:] = 0
        for begin in range(0, len(self._edges), MOST_CODES):
            codes[:] = 0
            for edge in self._edges[begin : begin + MOST_CODES]:
                np.add(codes, np.greater(values, edge, out=above).view(np.uint8), out=codes)
            np.add(cells, codes, out=cells)
        return cells

    def _add_moments(self, values: Floats, stretch: Stretch, sums: Floats, scratch: Scratch) -> None:
        """Take in finite values and the sum of each day."""
        squares = np.subtract(values, self.bins.origin, out=scratch.floats[: len(values)])
        np.multiply(squares, squares, out=squares)
        moments, slots, starts = self.moments, stretch.slots, stretch.starts
        moments[slots, FINITE] += stretch.lengths
        moments[slots, SUM] += sums
        moments[slots, SQUARES] += np.add.reduceat(squares, starts)
        moments[slots, LEAST] = np.minimum(moments[slots, LEAST], np.minimum.reduceat(values, starts))
        moments[slots, MOST] = np.maximum(moments[slots, MOST], np.maximum.reduceat(values, starts))
