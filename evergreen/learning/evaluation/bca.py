"""Intervals of ratios of sums, such as R², on targets so skewed that a few clusters of rows carry the sums.

No one method holds its level there, so on either side the widest of four counts. A metric of sums has them cheaply:
draws, and leaving a cluster out, are arithmetic on the clusters' sums, so that rows are added up once.
"""

from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import stats
from threadpoolctl import threadpool_limits

from evergreen.learning.evaluation.clusters import Clusters, draws

Array = npt.NDArray[np.float64]
Interval = tuple[float, float]

LEAST_DEFINED = 0.95  # a metric that more draws leave undefined has too few rows, or rows of a class, for an interval
ROUNDING = 1e-12  # of a number: what is nearer to it is equal, and a variance below it is none


def r2_difference_interval(
    labels: npt.NDArray[Any],
    first: Array,
    second: Array,
    clusters: Clusters,
    *,
    alpha: float,
    resamples: int,
    seed: int,
) -> Interval:
    """Return low and high of R² of `first` minus R² of `second` on the same rows.

    Parameters
    ----------
    labels, first, second : shape (n,), none missing, in the target's unit; `clusters` are of the same rows. They are
        drawn as if independent: days that hang together are surer of it than they should be.
    alpha : the chance of being off on each side, in (0, 0.5).

    Returns
    -------
    Interval, as by `widest`; minus and plus infinity where there are fewer than two clusters, or where the labels, or
    those of 1 draw in 20, do not vary.

    Notes
    -----
    Of a lognormal target with a sigma of 1.5, in 1,000 samples of 1,000 rows, intervals of 95 % (an `alpha` of 0.025)
    held the true difference in 98.8 % of the samples and were too high in 0.8 % and too low in 0.4 %; those of R² alone
    held it in 94.1 %, where one linearised in its two means does in 83.7 %, percentiles in 90.3 % and BCa in 86.2 %
    (`make test-long`). Where most of such a target is explained it is less: 93 % for R², and for the difference 96.7 %,
    too low in 3.2 %. Where the target is not skewed, 40 clusters give 94.5 and 96.2 %, and ends 8 % further apart than
    percentiles.

    Examples
    --------
    >>> labels = np.arange(40.0)
    >>> rows = Clusters("row", np.arange(40))
    >>> low, high = r2_difference_interval(labels, labels + 1, labels - 2, rows, alpha=0.05, resamples=999, seed=1)
    >>> round(low, 3), round(high, 3)
    (0.015, 0.03)
    """
    truth = labels.astype(np.float64)
    centred = truth - truth.mean()
    squares = ((truth - values.astype(np.float64)) ** 2 for values in (first, second))
    table = clusters.sums_of(np.ones(len(truth)), centred, centred**2, *squares)
    with threadpool_limits(1, user_api="blas"), np.errstate(divide="ignore", invalid="ignore"):
        drawn = np.concatenate([_r2_difference(counts @ table) for counts in draws(clusters.n, resamples, seed)])
        value, left_out = _r2_difference(table.sum(axis=0)), _r2_difference(table.sum(axis=0) - table)
    return widest(float(value), drawn, left_out, alpha=alpha) or (-float("inf"), float("inf"))


def widest(value: float, drawn: Array, left_out: Array, *, alpha: float) -> Interval | None:
    """Return on either side the widest of four intervals of a metric; None where they are undefined.

    Parameters
    ----------
    value : of the metric. `drawn`: of bootstrap draws, shape (draws,). `left_out`: without each cluster, shape (n,).
    alpha : the chance of being off on each side.

    Notes
    -----
    The percentiles of the draws; their reflection in the value (the basic interval; Davison and Hinkley, 1997, 5.2);
    BCa; and the t interval with the standard error of the jackknife (Tukey, 1958) and n - 1 degrees of freedom, which
    is right where clusters are few.
    """
    inner = percentiles(drawn, alpha=alpha)
    if inner is None or not np.isfinite(value) or len(left_out) < 2:
        return None
    shifts = _shifts(left_out)
    half = float(stats.t.isf(alpha, len(left_out) - 1) * np.sqrt((shifts @ shifts) * (1 - 1 / len(left_out))))
    low, high = inner
    corrected = bca(value, drawn[np.isfinite(drawn)], left_out, alpha=alpha)
    lows, highs = zip(inner, corrected, (2 * value - high, 2 * value - low), (value - half, value + half), strict=True)
    return min(lows), max(highs)


def percentiles(drawn: Array, *, alpha: float) -> Interval | None:
    """Return the `alpha` and 1 - `alpha` quantiles of draws, shape (draws,); None where too many are undefined."""
    known = drawn[np.isfinite(drawn)]
    if len(known) < LEAST_DEFINED * len(drawn):
        return None
    low, high = np.quantile(known, [alpha, 1 - alpha])
    return float(low), float(high)


def bca(value: float, drawn: Array, left_out: Array, *, alpha: float) -> Interval:
    """Return the bias-corrected and accelerated interval (Efron, 1987), off by `alpha` on each side.

    `drawn`, shape (draws,), are all finite; `left_out`, shape (n,), are the metric without each cluster. One that no
    cluster moves has no acceleration.
    """
    tie = ROUNDING * float(np.abs(drawn).max())
    below = (np.count_nonzero(drawn < value - tie) + np.count_nonzero(drawn <= value + tie)) / 2 / len(drawn)
    edge = 0.5 / len(drawn)
    bias = stats.norm.ppf(np.clip(below, edge, 1 - edge))
    shifts = _shifts(left_out)
    spread = float(shifts @ shifts)
    acceleration = float((shifts**3).sum()) / (6 * spread**1.5) if spread else 0.0
    moved = bias + stats.norm.ppf([alpha, 1 - alpha])
    levels = stats.norm.cdf(bias + moved / np.maximum(1 - acceleration * moved, np.finfo(np.float64).eps))
    low, high = np.quantile(drawn, levels)
    return float(low), float(high)


def _shifts(left_out: Array) -> Array:
    """Return what each cluster adds to a metric, to first order; 0 for one without which it is undefined."""
    known = np.isfinite(left_out)
    return np.where(known, left_out[known].mean() - left_out, 0.0)


def _r2_difference(sums: Array) -> Array:
    n, centre, spread, first, second = np.moveaxis(sums, -1, 0)
    varying = spread - centre**2 / n
    difference: Array = (second - first) / np.where(varying > ROUNDING * spread, varying, np.nan)
    return difference
