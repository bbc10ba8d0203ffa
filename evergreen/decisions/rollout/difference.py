"""How far a new version's mean may be from the champion's, at any look: on the same rows, or on those of two arms.

Rows that hang together are added up before a variance is taken. Blocks of time are what comes again tomorrow: on rows
that both answered, they are all that varies. Where rows were drawn for one of two arms, both had the same blocks, and
units (what the draw goes by) vary too; the wider of both counts.
"""

import numpy as np
import numpy.typing as npt
from scipy import stats

from evergreen.base.values import Value
from evergreen.decisions.experiments.sequential import half_width
from evergreen.decisions.rollout.answers import Array, Mask
from evergreen.learning.evaluation.clusters import Clusters, clustered_error

FEWEST_BLOCKS = 8
FEWEST_UNITS = 30  # of the arm that has fewer
PLANNED_BLOCKS = 14.0  # after which the interval is at its narrowest


class Difference(Value):
    """The new version's mean less the champion's. `low`, `high`: its interval, None where it has no end.

    `n`: rows; `blocks`: how many of them there are; `units`: of the arm that has fewer, where rows are of two.
    """

    mean: float
    low: float | None
    high: float | None
    n: int
    units: int
    blocks: int
    is_split: bool = False


def paired(differences: Array, unit: Clusters, block: Clusters, *, alpha: float, planned: float) -> Difference | None:
    """Return the mean of differences on the same rows, with an interval once there are 8 blocks; None without rows.

    Parameters
    ----------
    differences : shape (n,), all of them known.
    alpha : how often the true mean may ever lie outside.
    planned : the number of units after which the interval is to be narrow.
    """
    if not len(differences):
        return None
    mean = float(differences.mean())
    off = (differences - mean) / len(differences)
    half = None
    if block.n >= FEWEST_BLOCKS:
        half = max(_half(off, block, alpha, PLANNED_BLOCKS), _half(off, unit, alpha, planned))
    low, high = _ends(mean, half, half)
    return Difference(mean=mean, low=low, high=high, n=len(differences), units=unit.n, blocks=block.n)


def between(
    values: Array, is_new: Mask, unit: Clusters, block: Clusters, *, alpha: float, planned: float
) -> Difference | None:
    """Return the difference of the means of two arms; None where an arm has no rows.

    The lower end is there once the smaller arm has 30 units: the rows that were answered were answered so. The upper
    end, which lets more rows be answered, is there once there are 8 blocks too. The rest as in `paired`.
    """
    n_new, n_old = int(is_new.sum()), int((~is_new).sum())
    if not n_new or not n_old:
        return None
    new, old = values[is_new].mean(), values[~is_new].mean()
    off = np.where(is_new, (values - new) / n_new, -(values - old) / n_old)
    enough = min(_distinct(unit.codes[is_new]), _distinct(unit.codes[~is_new]))
    below = above = None
    if enough >= FEWEST_UNITS:
        below = _half(off, unit, alpha, planned, n=enough)
        if block.n >= FEWEST_BLOCKS:
            above = below = max(below, _half(off, block, alpha, PLANNED_BLOCKS))
    mean = float(new - old)
    low, high = _ends(mean, below, above)
    return Difference(mean=mean, low=low, high=high, n=len(values), units=enough, blocks=block.n, is_split=True)


def _half(off: Array, clusters: Clusters, alpha: float, planned: float, *, n: int | None = None) -> float:
    """Return the half width for contributions to a mean, which add up to 0; `n`: clusters that count, at most."""
    error = clustered_error(off, clusters)
    if error.df <= 0:
        return float("inf")
    counted = error.n_effective if n is None else min(n, error.n_effective)
    few = float(stats.t.isf(alpha / 2, error.df) / stats.norm.isf(alpha / 2))
    return few * half_width(counted, error.se**2 * counted, alpha=alpha, planned=planned)


def _ends(mean: float, below: float | None, above: float | None) -> tuple[float | None, float | None]:
    low = mean - below if below is not None and np.isfinite(below) else None
    high = mean + above if above is not None and np.isfinite(above) else None
    return low, high


def _distinct(codes: npt.NDArray[np.int64]) -> int:
    return len(np.unique(codes))
