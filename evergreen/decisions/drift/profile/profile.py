"""What rows look like, small and mergeable: counts by block and cell, and moments, on a reference's own cells."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Literal

import numpy as np
import numpy.typing as npt

Kind = Literal["number", "timestamp", "category", "boolean"]
Counts = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
ESTIMATE, LABEL = "_estimate", "_label"  # what the model says: the probability of true, of the top class, or the value
FINITE, SUM, SQUARES, LEAST, MOST, INFINITE = range(6)  # the columns of `moments`
NOTHING = (0.0, 0.0, 0.0, np.inf, -np.inf, 0.0)  # the moments of no value


@dataclass(frozen=True)
class ColumnBins:
    """The cells of one column, cut on a reference.

    `edges`, of numbers and timestamps (microseconds since 1970 in UTC), shape (k,), rising: k + 1 cells, the first
    (-inf, edges[0]], the last (edges[-1], inf). `categories`: a cell each, and then one for every other value; none at
    all of a text. The last cell of every column is of missing values. `origin`: a value amid those of the reference,
    which squares are taken about, so that the variance of times and of large numbers is right.
    """

    kind: Kind
    edges: Floats | None = None
    categories: tuple[str, ...] | None = None
    origin: float = 0.0

    @property
    def n_cells(self) -> int:
        """How many cells there are, with that of missing values."""
        return len(self.edges) + 2 if self.edges is not None else len(self.categories or ()) + 2

    @property
    def is_numeric(self) -> bool:
        """Whether values are numbers, or instants, which are counted as numbers."""
        return self.kind in ("number", "timestamp")

    def equals(self, other: "ColumnBins") -> bool:
        """Return whether both count alike."""
        mine, theirs = (np.empty(0) if side.edges is None else side.edges for side in (self, other))
        return np.array_equal(mine, theirs) and replace(self, edges=None) == replace(other, edges=None)


@dataclass(frozen=True)
class Profile:
    """Rows by block, the local day.

    `days`: of each block, shape (B,), rising. `rows`: in each, shape (B,). `counts`: by column, shape (B, n_cells).
    `moments`: of numbers and timestamps, shape (B, 6): how many are finite, their sum, the sum of the squares of their
    distances from `origin`, least and most, and how many are infinite; least is inf and most -inf where none is finite.
    `lost`: columns that could not be profiled, and why: none of them is "no change", and none is in `counts`.
    `undated`: rows without a time, which lie in no block.
    """

    bins: Mapping[str, ColumnBins]
    days: tuple[date, ...]
    rows: Counts
    counts: Mapping[str, Counts]
    moments: Mapping[str, Floats]
    lost: Mapping[str, str]
    undated: int = 0

    @property
    def n_rows(self) -> int:
        """How many rows lie in the blocks."""
        return int(self.rows.sum())

    def total(self, name: str) -> Counts:
        """Return the counts of a column by cell over all blocks, shape (n_cells,)."""
        counts: Counts = self.counts[name].sum(axis=0)
        return counts

    def means(self, name: str) -> Floats:
        """Return the mean of a column's finite values in each block, shape (B,); nan where there is none."""
        return mean_of(self.moments[name])

    def variances(self, name: str) -> Floats:
        """Return the variance (n - 1) of a column's finite values in each block, shape (B,); nan for fewer than two."""
        return variance_of(self.moments[name], self.bins[name].origin)

    def within(self, start: date | None = None, end: date | None = None) -> "Profile":
        """Return the blocks of [start, end); None is no bound. Rows without a time lie in no period."""
        inside = [at for at, day in enumerate(self.days) if (not start or day >= start) and (not end or day < end)]
        return replace(
            self,
            days=tuple(self.days[at] for at in inside),
            rows=self.rows[inside],
            counts={name: counts[inside] for name, counts in self.counts.items()},
            moments={name: moments[inside] for name, moments in self.moments.items()},
            undated=0,
        )


def combined(moments: Floats) -> Floats:
    """Return the moments of several parts together, shape (6,), of those of each, shape (B, 6).

    Examples
    --------
    >>> combined(np.array([[2.0, 3.0, 5.0, 1.0, 2.0, 0.0], [1.0, 4.0, 16.0, 4.0, 4.0, 1.0]])).tolist()
    [3.0, 7.0, 21.0, 1.0, 4.0, 1.0]
    """
    with np.errstate(over="ignore", invalid="ignore"):
        together: Floats = moments.sum(axis=0)
    together[LEAST] = moments[:, LEAST].min(initial=np.inf)
    together[MOST] = moments[:, MOST].max(initial=-np.inf)
    return together


def mean_of(moments: Floats) -> Floats:
    """Return the means of moments, shape (…, 6)."""
    with np.errstate(divide="ignore", invalid="ignore"):
        means: Floats = moments[..., SUM] / moments[..., FINITE]
    return means


def variance_of(moments: Floats, origin: float) -> Floats:
    """Return the variances (n - 1) of moments, shape (…, 6), whose squares are about `origin`.

    Examples
    --------
    >>> float(variance_of(np.array([3.0, 6.0, 14.0, 1.0, 3.0, 0.0]), 0.0))
    1.0
    """
    n = moments[..., FINITE]
    with np.errstate(all="ignore"):  # numbers near the end of float64 have no variance
        squares = moments[..., SQUARES] - n * (moments[..., SUM] / n - origin) ** 2
        variances: Floats = np.where(n > 1, np.maximum(squares, 0.0) / (n - 1), np.nan)
    return variances
