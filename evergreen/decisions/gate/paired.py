"""Two models on the same rows: by how much one is better, and how far that is off."""

from typing import NamedTuple

import numpy as np

from evergreen.config.objectives import METRICS
from evergreen.decisions.gate.check import plural
from evergreen.decisions.gate.evidence import GateRows, Mask
from evergreen.learning.evaluation.clusters import ClusteredError, clustered_error
from evergreen.learning.evaluation.estimates import Estimates
from evergreen.learning.evaluation.influence import influence

FEWEST_CLUSTERS = 8
FEWEST_OF_CLASS = 5


class Paired(NamedTuple):
    """`gain` = `ours` - `theirs` where more is better, `theirs` - `ours` where less is; above 0, ours is better.

    `why_not`: why the rows say nothing about it, and the numbers are NaN then; or why they say too little.
    """

    metric: str
    ours: float
    theirs: float
    gain: float
    error: ClusteredError
    unit: str
    n_rows: int
    why_not: str = ""

    def low(self, alpha: float) -> float:
        """Return the least gain that is plausible; the true one is below it with a probability of at most `alpha`."""
        return self.gain - self.error.half_width(alpha)

    def high(self, alpha: float) -> float:
        """Return the greatest gain that is plausible."""
        return self.gain + self.error.half_width(alpha)

    @property
    def evidence(self) -> dict[str, float | str | None]:
        """What a verdict keeps of it."""
        return {
            "metric": self.metric,
            "ours": self.ours,
            "theirs": self.theirs,
            "gain": self.gain,
            "se": self.error.se,
            "unit": self.unit,
            "n": self.error.n,
            "n_effective": self.error.n_effective,
            "autocorrelation": self.error.autocorrelation,
            "rows": self.n_rows,
        }


def compare(metric: str, rows: GateRows, ours: Estimates, theirs: Estimates, *, on: Mask | None = None) -> Paired:
    """Return by how much `ours` is better than `theirs` in a metric, on the rows of `on`, or on all.

    Classes with fewer than FEWEST_OF_CLASS of these rows are left out, because nothing can be said of them.
    """
    chosen = _with_frequent_classes(rows, rows.all if on is None else on)
    labels, clusters = rows.labels[chosen], rows.clusters.of(chosen)
    one, other = (
        influence(metric, labels, Estimates(said.task, said.values[chosen], said.classes)) for said in (ours, theirs)
    )
    sign = 1 if metric not in METRICS or METRICS[metric].greater_is_better else -1
    error = clustered_error(sign * (one.rows - other.rows), clusters)
    gain = sign * (one.value - other.value)
    return Paired(
        metric, one.value, other.value, gain, error, clusters.unit, len(labels), _why_not(gain, error, clusters.unit)
    )


def _why_not(gain: float, error: ClusteredError, unit: str) -> str:
    if not np.isfinite(gain):
        return "undefined on these rows"
    if error.n < FEWEST_CLUSTERS:
        return f"{error.n} {plural(unit, error.n)}; at least {FEWEST_CLUSTERS} are needed"
    if error.n_effective < FEWEST_CLUSTERS:
        return (
            f"{error.n} {plural(unit, error.n)} that hang together (autocorrelation {error.autocorrelation:.2f}) count "
            f"as {error.n_effective:.1f}; at least {FEWEST_CLUSTERS} are needed"
        )
    return ""


def _with_frequent_classes(rows: GateRows, on: Mask) -> Mask:
    if rows.labels.dtype.kind in "fiu":
        return on
    names, codes, counts = np.unique(rows.labels[on], return_inverse=True, return_counts=True)
    if len(names) == 0 or rows.labels.dtype == np.bool_:
        return on
    chosen = on.copy()
    chosen[np.flatnonzero(on)[counts[codes] < FEWEST_OF_CLASS]] = False
    return chosen
