"""Two models on the same rows: by how much one is better, and how far that is off."""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from evergreen.config.objectives import METRICS
from evergreen.decisions.gate.check import plural
from evergreen.decisions.gate.evidence import Contender, GateRows, Mask, Rival
from evergreen.learning.evaluation.bca import r2_difference_interval
from evergreen.learning.evaluation.clusters import ClusteredError, Clusters, clustered_error
from evergreen.learning.evaluation.estimates import Estimates
from evergreen.learning.evaluation.influence import Influence, influence

FEWEST_CLUSTERS = 8
FEWEST_OF_CLASS = 5
OVER_CLASSES = "balanced_accuracy"
SKEWED = "r2"  # a ratio, whose rows may be so skewed that no t distribution holds
ENDS_AT, RESAMPLES = 0.025, 1_000  # where it is looked how far the ends of a ratio lie


class Paired(NamedTuple):
    """`gain` = `ours` - `theirs` where more is better, `theirs` - `ours` where less is; above 0, ours is better.

    `why_not`: why the rows say nothing about it, and the numbers are NaN then; or why they say too little. `skew`: by
    how much further than by the t distribution the ends lie, below and above, of a ratio whose rows are skewed.
    """

    metric: str
    ours: float
    theirs: float
    gain: float
    error: ClusteredError
    unit: str
    n_rows: int
    why_not: str = ""
    skew: tuple[float, float] = (1.0, 1.0)

    def low(self, alpha: float) -> float:
        """Return the least gain that is plausible; the true one is below it with a probability of at most `alpha`."""
        return self.gain - self.skew[0] * self.error.half_width(alpha)

    def high(self, alpha: float) -> float:
        """Return the greatest gain that is plausible."""
        return self.gain + self.skew[1] * self.error.half_width(alpha)

    @property
    def evidence(self) -> dict[str, float | str | None]:
        """What a verdict keeps of it."""
        return {
            "metric": self.metric,
            "ours": self.ours,
            "theirs": self.theirs,
            "gain": self.gain,
            "unit": self.unit,
            "se": self.error.se,
            "n": self.error.n,
            "n_effective": self.error.n_effective,
            "autocorrelation": self.error.autocorrelation,
            "rows": self.n_rows,
        }


def compare(metric: str, rows: GateRows, ours: Estimates, theirs: Estimates, *, on: Mask | None = None) -> Paired:
    """Return by how much `ours` is better than `theirs` in a metric, on the rows of `on`, or on all.

    Of a mean over classes, those in fewer than FEWEST_OF_CLASS clusters are left out, because nothing can be said of
    them.

    Notes
    -----
    The error has as many degrees of freedom as its variance is known by: what the spread of the squares says of it
    (Satterthwaite, 1946), so that a few great days among small ones count as few, and at most one less than the
    clusters that the rarest class is in, because ten true rows among a thousand are known by ten.
    """
    chosen = rows.all if on is None else on
    if metric == OVER_CLASSES:
        chosen = _with_frequent_classes(rows, chosen)
    labels, clusters = rows.labels[chosen], rows.clusters.of(chosen)
    one, other = (
        _influence(metric, labels, Estimates(said.task, said.values[chosen], said.classes)) for said in (ours, theirs)
    )
    sign = 1 if METRICS[metric].greater_is_better else -1
    gain = sign * (one.value - other.value)
    apart = sign * (one.rows - other.rows)
    error = clustered_error(apart, clusters)
    by_class = metric == OVER_CLASSES or ours.task == "binary"
    rarest = _rarest(labels, clusters) if by_class and len(labels) else clusters.n
    error = error._replace(df=min(_known_by(apart, clusters, error), rarest - 1))
    why_not = _why_not(gain, error, clusters.unit, rarest=rarest)
    skew = (1.0, 1.0)
    if metric == SKEWED and not why_not:
        skew = _skew(labels, (ours.values[chosen], theirs.values[chosen]), clusters, gain, error)
    return Paired(metric, one.value, other.value, gain, error, clusters.unit, len(labels), why_not, skew)


def against(metric: str, rows: GateRows, contender: Contender, rival: Rival | None) -> Paired | None:
    """Return a contender beside a rival on the rows that neither has seen; None where there is nothing to compare."""
    if rival is None or rival.estimates is None:
        return None
    return compare(metric, rows, contender.estimates, rival.estimates, on=rival.usable)


def _skew(
    labels: npt.NDArray[Any],
    said: tuple[npt.NDArray[Any], npt.NDArray[Any]],
    clusters: Clusters,
    gain: float,
    error: ClusteredError,
) -> tuple[float, float]:
    """Return by how much further than by the t distribution the ends of a difference in R² lie, at least as far."""
    half = error.half_width(ENDS_AT) * (error.n_effective / error.n) ** 0.5
    if not half:
        return 1.0, 1.0
    low, high = r2_difference_interval(labels, *said, clusters, alpha=ENDS_AT, resamples=RESAMPLES, seed=0)
    return max((gain - low) / half, 1.0), max((high - gain) / half, 1.0)


def _influence(metric: str, labels: npt.NDArray[Any], estimates: Estimates) -> Influence:
    if not np.isfinite(estimates.values).all():
        return Influence(float("nan"), np.zeros(len(labels)))
    return influence(metric, labels, estimates)


def _known_by(apart: npt.NDArray[np.float64], clusters: Clusters, error: ClusteredError) -> float:
    """Return the degrees of freedom of a sum's variance, from how far the squares of its clusters spread."""
    squares = clusters.sums(apart) ** 2
    spread = float(((squares - squares.mean()) ** 2).sum()) if len(squares) else 0.0
    if not spread:
        return error.df
    return min(error.df, 2 * float(squares.sum()) ** 2 / spread * error.n_effective / error.n)


def _rarest(labels: npt.NDArray[Any], clusters: Clusters) -> int:
    """Return how many clusters the rarest class is in."""
    return min(clusters.of(labels == name).n for name in np.unique(labels))


def _why_not(gain: float, error: ClusteredError, unit: str, *, rarest: int) -> str:
    if not np.isfinite(gain):
        return "undefined on these rows"
    if error.n < FEWEST_CLUSTERS:
        return f"{error.n} {plural(unit, error.n)}; at least {FEWEST_CLUSTERS} are needed"
    if rarest < FEWEST_OF_CLASS:
        return f"{rarest} {plural(unit, rarest)} with the rarest class; at least {FEWEST_OF_CLASS} are needed"
    if error.n_effective < FEWEST_CLUSTERS:
        return (
            f"{error.n} {plural(unit, error.n)} that hang together (autocorrelation {error.autocorrelation:.2f}) count "
            f"as {error.n_effective:.1f}; at least {FEWEST_CLUSTERS} are needed"
        )
    return ""


def _with_frequent_classes(rows: GateRows, on: Mask) -> Mask:
    chosen = on.copy()
    for name in np.unique(rows.labels[on]):
        of_class = on & (rows.labels == name)
        if rows.clusters.of(of_class).n < FEWEST_OF_CLASS:
            chosen &= ~of_class
    return chosen
