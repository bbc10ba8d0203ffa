"""Rows that belong together vary together: which do, and how far a sum over rows is off because of it.

Rows of one day share its storm, and those of one patient the patient. The contributions of such rows are summed before
a variance is taken (Obuchowski, 1997, for ROC AUC; Liang and Zeger, 1986), so that a thousand rows of a day count as
one day. Days that hang together count as fewer days.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats

from evergreen.config.contract.contract import Contract
from evergreen.learning.features.rowwise import local_time

Array = npt.NDArray[np.float64]

MOST_AUTOCORRELATION = 0.9
FEWEST_FOR_AUTOCORRELATION = 3
CELLS_AT_A_TIME = 200_000  # so that a block of draws stays in the processor's cache


@dataclass(frozen=True)
class Clusters:
    """Which of n rows belong together.

    `unit`: what a cluster is, such as ``day``, ``patient`` or ``row``. `codes`: that of each row, shape (n,), from
    0 to `n` - 1, none of them empty. `in_time`: whether they follow each other in the order of their codes.
    """

    unit: str
    codes: npt.NDArray[np.int64]
    in_time: bool = False

    @property
    def n(self) -> int:
        """How many clusters there are."""
        return int(self.codes.max()) + 1 if len(self.codes) else 0

    def sums(self, values: Array) -> Array:
        """Return the sums over each cluster, shape (n,), of `values` by row."""
        return np.bincount(self.codes, weights=values, minlength=self.n).astype(np.float64, copy=False)

    def sums_of(self, *columns: Array) -> Array:
        """Return the sums over each cluster, shape (n, k), of k columns by row."""
        return np.column_stack([self.sums(column) for column in columns])

    def tally(self, kinds: npt.NDArray[Any], n_kinds: int, values: Array | None = None) -> Array:
        """Return how many rows of each kind a cluster has, shape (n, n_kinds), or the sums of their `values`.

        `kinds`: from 0 to `n_kinds` - 1, by row.
        """
        cells = np.bincount(self.codes * n_kinds + kinds, weights=values, minlength=self.n * n_kinds)
        return cells.reshape(self.n, n_kinds).astype(np.float64)

    def of(self, rows: npt.NDArray[Any]) -> "Clusters":
        """Return the clusters of some of the rows, by mask or position; those that have none of them are gone."""
        _, codes = np.unique(self.codes[rows], return_inverse=True)
        return Clusters(self.unit, codes.astype(np.int64), self.in_time)


class ClusteredError(NamedTuple):
    """How far a sum over rows is off.

    `se`: its standard error; `df`: the degrees of freedom of its t distribution, `n_effective` - 1. `n` clusters, whose
    `autocorrelation` makes them count as `n_effective`; 0 where clusters do not follow each other in time.
    """

    se: float
    df: float
    n: int
    n_effective: float
    autocorrelation: float

    def half_width(self, alpha: float) -> float:
        """Return how far the sum may be off on one side, with probability `alpha` of more."""
        return float(stats.t.isf(alpha, self.df) * self.se) if self.df > 0 else float("inf")


def clusters_of(rows: pd.DataFrame, contract: Contract) -> Clusters:
    """Return which rows belong together: those of the contract's group, else of the local day, else each row alone.

    A row that does not tell its group stands alone.
    """
    if contract.group is not None:
        alone = pd.Series([f"\0{row}" for row in range(len(rows))], index=rows.index)
        groups = rows[contract.group].astype("object").astype("str").where(rows[contract.group].notna(), alone)
        return Clusters(contract.group, _codes(groups.to_numpy(dtype=np.str_)))
    if contract.time is not None:
        days = local_time(rows, contract).dt.tz_localize(None).dt.normalize()
        return Clusters("day", _codes(days.to_numpy()), in_time=True)
    return Clusters("row", np.arange(len(rows)))


def draws(n: int, resamples: int, seed: int, n_rows: int = 0) -> Iterator[Array]:
    """Yield how often each of n clusters occurs in each draw, shape (draws, n), a block of draws at a time.

    Parameters
    ----------
    n_rows : that are counted one by one for each draw; where they are more than clusters, a block holds fewer draws.
    """
    generator = np.random.default_rng(seed)
    size = max(1, CELLS_AT_A_TIME // max(n, n_rows))
    for begin in range(0, resamples, size):
        block = min(size, resamples - begin)
        drawn = generator.integers(0, n, size=(block, n), dtype=np.int32)
        yield np.array([np.bincount(clusters, minlength=n) for clusters in drawn], dtype=np.float64)


def clustered_error(contributions: Array, clusters: Clusters) -> ClusteredError:
    """Return how far the sum of `contributions`, shape (n,), which add up to 0, is off by the choice of clusters.

    Notes
    -----
    The variance of the sum of G independent clusters is G / (G - 1) times the sum of the squares of theirs. Where they
    follow each other in time and their autocorrelation r is above 0, it is (1 + r) / (1 - r) times as much, and they
    count as G (1 - r) / (1 + r) (Bartlett, 1946; for a series that forgets geometrically). The estimate of r from G
    values is about (1 + 4 r) / G too low (Kendall, 1954), which is made up for.

    In 2,000 samples of 30 days with an r of 0, 0.3, 0.5 and 0.7, one end of 5 % was off in 3, 5, 5 and 6 % of them (10
    days: 3, 5, 6 and 6 %); without the stretch in 4, 10, 16 and 25 %.
    """
    sums = clusters.sums(contributions)
    n = len(sums)
    if n < 2:
        return ClusteredError(float("inf"), 0.0, n, float(n), 0.0)
    variance = n / (n - 1) * float(sums @ sums)
    r = _autocorrelation(sums) if clusters.in_time and n >= FEWEST_FOR_AUTOCORRELATION else 0.0
    stretch = (1 + r) / (1 - r)
    return ClusteredError(float(np.sqrt(variance * stretch)), max(n / stretch - 1, 0.0), n, n / stretch, r)


def _autocorrelation(sums: Array) -> float:
    around = sums - sums.mean()
    square = float(around @ around)
    r = float(around[1:] @ around[:-1]) / square if square else 0.0
    n = len(sums)
    return float(np.clip((n * r + 1) / max(n - 4, 1), 0.0, MOST_AUTOCORRELATION))


def _codes(values: npt.NDArray[Any]) -> npt.NDArray[np.int64]:
    return np.unique(values, return_inverse=True)[1].astype(np.int64)
