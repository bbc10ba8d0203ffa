"""What a gate can tell apart with the rows that it has, said before it judges."""

import math

from scipy import stats

from evergreen.decisions.gate.campaign import Rule
from evergreen.decisions.gate.paired import Paired
from evergreen.decisions.gate.verdict import POWER, STEPS, Seen, Sees
from evergreen.learning.evaluation.clusters import ClusteredError

MOST_CLUSTERS = 100_000


def sees(paired: Paired, *, rule: Rule, margin: float, alpha: float, level: float) -> Sees | None:
    """Return what a comparison with this error can tell apart; None where its rows say too little.

    Notes
    -----
    A difference over its standard error is noncentral t with the true difference over the standard error as parameter.
    """
    error, (below, above) = paired.error, paired.skew
    if paired.why_not or not math.isfinite(error.se) or error.se <= 0:
        return None
    return Sees(
        rule=rule,
        unit=paired.unit,
        n=error.n,
        n_effective=error.n_effective,
        se=error.se,
        alpha=alpha,
        level=level,
        margin=margin,
        worse=tuple(Seen(by=by, probability=exceeds(error, by - margin, alpha, skew=above)) for by in STEPS),
        better=tuple(Seen(by=by, probability=exceeds(error, by, level, skew=below)) for by in STEPS),
        detects=margin + _detectable(error, alpha, skew=above) if math.isfinite(above) else None,
        needed=clusters_needed(error, STEPS[0], alpha, skew=above),
    )


def exceeds(error: ClusteredError, distance: float, alpha: float, *, skew: float = 1.0) -> float:
    """Return how probably an estimate is shown to lie beyond a limit, where the truth does by `distance`.

    Parameters
    ----------
    skew : by how much further than by the t distribution it has to lie, as `Paired.skew`.

    Examples
    --------
    >>> round(exceeds(ClusteredError(0.006, 13.0, 14, 14.0, 0.0), 0.0, 0.05), 3)
    0.05
    """
    if alpha <= 0 or error.df <= 0:
        return 0.0
    if error.se <= 0:
        return float(distance > 0)
    critical, shift = skew * float(stats.t.isf(alpha, error.df)), distance / error.se
    power = float(stats.nct.sf(critical, error.df, shift)) if abs(shift) < 30 else float(shift > critical)
    return power if math.isfinite(power) else float(stats.norm.sf(critical - shift))


def clusters_needed(error: ClusteredError, distance: float, alpha: float, *, skew: float = 1.0) -> int | None:
    """Return how many clusters like these would show a distance of `distance` with 80 %; None for too many."""
    low, high = 2, MOST_CLUSTERS
    if distance <= 0 or exceeds(_with(error, high), distance, alpha, skew=skew) < POWER:
        return None
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (
            (low, middle) if exceeds(_with(error, middle), distance, alpha, skew=skew) >= POWER else (middle, high)
        )
    return high


def _with(error: ClusteredError, n: int) -> ClusteredError:
    effective = n * error.n_effective / error.n
    df = max((error.df + 1) * n / error.n - 1, 0.5)
    return ClusteredError(error.se * (error.n / n) ** 0.5, df, n, effective, error.autocorrelation)


def _detectable(error: ClusteredError, alpha: float, *, skew: float) -> float:
    low, high = 0.0, 30 * skew * error.se
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (low, middle) if exceeds(error, middle, alpha, skew=skew) >= POWER else (middle, high)
    return high
