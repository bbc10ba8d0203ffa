"""What the gate promises of a champion: an expected loss, and how sure the gate could be of it."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from pydantic import PositiveInt
from scipy import stats

from evergreen.base.values import Value
from evergreen.decisions.drift.harm.days import Loss
from evergreen.learning.evaluation.clusters import Clusters, clustered_error

Array = npt.NDArray[np.float64]
MOST_PROMISED = 0.99


class Promise(Value):
    """The expected loss of a day is at most `at_most`.

    `at_gate`: the mean loss of the gate's rows, None without any. `at_most`: the upper end of its interval and
    `tolerance`, at most 0.99; 1 where the gate says nothing of it, which promises nothing. `scale`: the absolute error
    that counts as 1, of regression. `days`: how many rows each day of the gate had, and the sum of their losses, in
    order; what is known of how days differ when the stream begins, and empty where the gate's rows are not of days.
    """

    loss: Loss
    at_gate: float | None
    at_most: float
    tolerance: float
    scale: float | None = None
    evidence: str
    days: tuple[tuple[PositiveInt, float], ...] = ()


def promise_of(
    losses: Array,
    clusters: Clusters,
    *,
    loss: Loss,
    tolerance: float = 0.01,
    confidence: float = 0.975,
    scale: float | None = None,
) -> Promise:
    """Return what the gate's rows allow to promise.

    Parameters
    ----------
    losses : shape (n,), in [0, 1], of the champion on the gate's rows.
    clusters : which of these rows belong together.
    tolerance : how much more loss does not matter.
    confidence : that the expected loss lies below the promised one before the tolerance is added, in (0, 1).

    Notes
    -----
    Few rows, few days, and days that hang together widen the interval, whose upper end is `upper_end`.

    Examples
    --------
    >>> few, many = np.arange(142) % 10 == 0, np.arange(14_200) % 10 == 0
    >>> rows = [Clusters("row", np.arange(len(errors))) for errors in (few, many)]
    >>> [round(promise_of(e.astype(float), r, loss="error").at_most, 3) for e, r in zip((few, many), rows)]
    [0.179, 0.115]
    """
    known = bool(len(losses)) and bool(((losses >= 0) & (losses <= 1)).all())
    if not known:
        why = "no rows" if not len(losses) else "rows whose loss is not in [0, 1]"
        return Promise(
            loss=loss, at_gate=None, at_most=1.0, tolerance=tolerance, scale=scale, evidence=f"the gate has {why}"
        )
    mean = float(losses.mean())
    upper = upper_end(losses, clusters, alpha=1 - confidence)
    at_most = min(upper + tolerance, MOST_PROMISED) if upper < 1 else 1.0
    sure = f"{mean:.4f} on {len(losses):,} rows of the gate, at most {upper:.4f} with {confidence:.1%} confidence"
    return Promise(
        loss=loss,
        at_gate=mean,
        at_most=at_most,
        tolerance=tolerance,
        scale=scale,
        evidence=f"{sure} by {clusters.n:,} {clusters.unit}s, and {tolerance:g} more does not matter",
        days=_days(losses, clusters) if clusters.in_time else (),
    )


def upper_end(losses: Array, clusters: Clusters, *, alpha: float) -> float:
    """Return above what an expected loss does not lie, but with a probability of `alpha`; 1 where nothing says so.

    Parameters
    ----------
    losses : shape (n,), n > 0, in [0, 1].

    Notes
    -----
    The upper end of Clopper and Pearson for as many independent rows as have the clustered standard error, and no more
    than there are (Korn and Graubard, 1998). Without any loss it counts clusters.
    """
    mean = float(losses.mean())
    error = clustered_error((losses - mean) / len(losses), clusters)
    if error.df <= 0:
        return 1.0
    if mean in (0.0, 1.0):
        rows = float(error.n)
    else:
        variance = max(error.se**2, float(losses.var(ddof=1)) / len(losses))
        wider = float(stats.t.isf(alpha, error.df) / stats.norm.isf(alpha))
        rows = mean * (1 - mean) / variance / wider**2
    return float(stats.beta.isf(alpha, rows * mean + 1, rows * (1 - mean))) if mean < 1 else 1.0


def _days(losses: Array, clusters: Clusters) -> tuple[tuple[int, float], ...]:
    counted: Sequence[float] = clusters.sums(np.ones(len(losses))).tolist()
    return tuple((int(n), float(loss)) for n, loss in zip(counted, clusters.sums(losses).tolist(), strict=True))
