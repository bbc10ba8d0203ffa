"""What a gate can tell apart with the rows that it has, said before it judges."""

import math

from scipy import stats

from evergreen.base.values import Value
from evergreen.decisions.gate.campaign import Rule
from evergreen.decisions.gate.paired import Paired, plural
from evergreen.learning.evaluation.clusters import ClusteredError

STEPS = (0.01, 0.03)  # of the metric, whose power is said
POWER = 0.8
MOST_CLUSTERS = 100_000


class Seen(Value):
    """How probably a model that differs by `by` in truth is refused (a worse one) or promoted (a better one)."""

    by: float
    probability: float


class Sees(Value):
    """What a gate can tell apart.

    `n` clusters of `unit`, which count as `n_effective`, and the standard error `se` of the difference from the
    champion. `margin`: the loss that counts as equal. `worse`: how probably a model that is worse by so much is refused
    because it is shown to be; `better`: how probably one that is better by so much is promoted because it is shown to
    be, at `level`. `detects`: the loss that is refused with 80 %. `needed`: how many clusters refuse a loss of STEPS[0]
    beyond the margin with 80 %; None where no number that matters does.
    """

    rule: Rule
    unit: str
    n: int
    n_effective: float
    se: float
    alpha: float
    level: float
    margin: float
    worse: tuple[Seen, ...]
    better: tuple[Seen, ...]
    detects: float
    needed: int | None

    @property
    def text(self) -> str:
        """The same for a person."""
        those = f"these {self.n} {plural(self.unit, self.n)}"
        if self.n_effective < self.n - 0.5:
            those += f" (which hang together and count as {self.n_effective:.0f})"
        if self.rule == "superiority":
            shown = ", ".join(f"{seen.by * 100:g} pp in {seen.probability:.0%}" for seen in self.better)
            return f"with {those} a model that is better is shown to be so: {shown}"
        shown = ", ".join(f"{seen.by * 100:g} pp in {seen.probability:.0%}" for seen in self.worse)
        more = f"; {POWER:.0%} for {(STEPS[0] + self.margin) * 100:g} pp needs {self.needed}" if self.needed else ""
        return (
            f"with {those} a model that is worse is refused: {shown}; {POWER:.0%} for {self.detects * 100:.1f} pp{more}"
        )


def sees(paired: Paired, *, rule: Rule, margin: float, alpha: float, level: float) -> Sees | None:
    """Return what a comparison with this error can tell apart; None where its rows say too little.

    Notes
    -----
    A difference over its standard error is noncentral t with the true difference over the standard error as parameter.
    """
    error = paired.error
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
        worse=tuple(Seen(by=by, probability=exceeds(error, by - margin, alpha)) for by in STEPS),
        better=tuple(Seen(by=by, probability=exceeds(error, by, level)) for by in STEPS),
        detects=margin + _detectable(error, alpha),
        needed=clusters_needed(error, STEPS[0], alpha),
    )


def exceeds(error: ClusteredError, distance: float, alpha: float) -> float:
    """Return how probably an estimate is shown to lie beyond a limit, where the truth does by `distance`.

    Examples
    --------
    >>> round(exceeds(ClusteredError(0.006, 13.0, 14, 14.0, 0.0), 0.0, 0.05), 3)
    0.05
    """
    if alpha <= 0 or error.df <= 0:
        return 0.0
    if error.se <= 0:
        return float(distance > 0)
    critical, shift = float(stats.t.isf(alpha, error.df)), distance / error.se
    power = float(stats.nct.sf(critical, error.df, shift)) if abs(shift) < 30 else float(shift > critical)
    return power if math.isfinite(power) else float(stats.norm.sf(critical - shift))


def clusters_needed(error: ClusteredError, distance: float, alpha: float) -> int | None:
    """Return how many clusters like these would show a distance of `distance` with 80 %; None for too many."""
    low, high = 2, MOST_CLUSTERS
    if distance <= 0 or exceeds(_with(error, high), distance, alpha) < POWER:
        return None
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if exceeds(_with(error, middle), distance, alpha) >= POWER else (middle, high)
    return high


def _with(error: ClusteredError, n: int) -> ClusteredError:
    effective = n * error.n_effective / error.n
    df = max((error.df + 1) * n / error.n - 1, 0.5)
    return ClusteredError(error.se * (error.n / n) ** 0.5, df, n, effective, error.autocorrelation)


def _detectable(error: ClusteredError, alpha: float) -> float:
    low, high = 0.0, 30 * error.se
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (low, middle) if exceeds(error, middle, alpha) >= POWER else (middle, high)
    return high
