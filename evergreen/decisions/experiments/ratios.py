"""The mean of a metric by row where the rows of one unit hang together, and the difference of two such means.

A mean by row is a ratio of two sums over units: of the metric, and of how many rows. Its variance is that of
`(sum - mean * rows) / (rows a unit)`, the part of each unit, divided by the number of units (the delta method; Deng,
Knoblich and Lu, "Applying the delta method in metric analytics", KDD 2018, section 3.1). With one row a unit it is the
variance of a mean.
"""

from dataclasses import dataclass
from math import sqrt

import numpy as np
import numpy.typing as npt

from evergreen.base.values import Value

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Units:
    """A metric by unit, each of shape (n,): its sum over the unit's rows, and how many rows there were, 1 or more.

    `before`: the sum of what was known of the same rows before they were assigned; None where nothing was.
    """

    sums: Array
    rows: Array
    before: Array | None = None

    def __len__(self) -> int:
        return len(self.sums)


class Group(Value):
    """The mean of a metric by row. `variance`: of the mean; 0 where every unit has the same, or fewer than two are."""

    units: int
    rows: int
    mean: float
    variance: float


class Difference(Value):
    """The second mean minus the first, and its standard error.

    `units`: of each group if both were as large and told as much: the harmonic mean of how many they have.
    """

    value: float
    error: float
    units: float


def mean_of(sums: Array, rows: Array) -> tuple[float, Array]:
    """Return a mean by row, and the part of each unit in its error; at least one unit.

    Examples
    --------
    >>> mean, parts = mean_of(np.array([1.0, 3.0]), np.array([1.0, 3.0]))
    >>> mean, parts.tolist()
    (1.0, [0.0, 0.0])
    """
    mean = float(sums.sum() / rows.sum())
    return mean, (sums - mean * rows) / rows.mean()


def group(units: Units) -> Group | None:
    """Return the mean of a group by row; None without a unit."""
    if not len(units):
        return None
    mean, parts = mean_of(units.sums, units.rows)
    return Group(units=len(units), rows=int(units.rows.sum()), mean=mean, variance=variance_of(parts))


def variance_of(parts: Array) -> float:
    """Return the variance of a mean by the parts of its units; 0 for fewer than two."""
    return float(parts.var(ddof=1) / len(parts)) if len(parts) > 1 else 0.0


def difference(first: Group, second: Group) -> Difference:
    """Return how much higher the second mean is."""
    return Difference(
        value=second.mean - first.mean,
        error=sqrt(first.variance + second.variance),
        units=alike(first.units, second.units),
    )


def alike(first: int, second: int) -> float:
    """Return how many units each of two groups had if both were as large and told as much; at least one in each.

    Examples
    --------
    >>> alike(100, 100), alike(100, 900)
    (100.0, 180.0)
    """
    return 2 * first * second / (first + second)
