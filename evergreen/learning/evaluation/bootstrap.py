"""Bootstrap intervals: how far every metric, and its gain over another model, could be off by the choice of test rows.

Whole clusters of rows are drawn with replacement (Efron, 1979; Davison and Hinkley, 1997, 3.8): rows that belong
together come together. A draw is how often each cluster occurs in it, so that a metric of sums over rows is a matrix
product of the draws and the clusters' sums, and one of ranks a pass over the rows sorted by score. The interval is that
of the percentiles of the draws; of sums of numbers, which may be skewed, the widest of `bca`. Clusters, not classes,
are drawn: the number of rows of a class varies with the sample too.

Draws of a very long table would take minutes and say little more. Where its clusters are many, they are of so many
whole ones as have MOST_ROWS rows, and how far they spread is scaled by the root of the ratio of the numbers of clusters
(m out of n: Bickel, Götze and van Zwet, 1997). Where that would be fewer than FEWEST_CLUSTERS, all are drawn, and only
rankings and medians are of MOST_ROWS rows, as large a share of each cluster. Nothing is scaled there, because how
clusters differ does not shrink with the rows inside them; that fewer rows tell less makes such an interval too wide,
never too narrow.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from threadpoolctl import threadpool_limits

from evergreen.config.objectives import METRICS
from evergreen.learning.evaluation.bca import Interval, percentiles, widest
from evergreen.learning.evaluation.clusters import Clusters, draws
from evergreen.learning.evaluation.drawn_metrics import evaluator, of_sums, sums_of_numbers
from evergreen.learning.evaluation.estimates import Estimates
from evergreen.learning.evaluation.metrics import Costs, measure

Array = npt.NDArray[np.float64]
Rows = npt.NDArray[np.int64]
Both = tuple[dict[str, Array], dict[str, Array]]  # by metric: of the estimates, and of their gain over the others

MOST_ROWS = 50_000  # that are drawn from; fewer of many classes, because each has a ranking of its own
FEWEST_ROWS = 5_000
FULL_CLASSES = 3  # so many classes are drawn from as many rows as two
FEWEST_CLUSTERS = 200  # of which a part is drawn from: the spread of a draw's metric is then known to 5 %


class Intervals(NamedTuple):
    """Low and high by metric: of the estimates, and of their gain over the others."""

    own: dict[str, Interval]
    gain: dict[str, Interval]


def resampled_intervals(
    labels: npt.NDArray[Any],
    estimates: Estimates,
    others: Estimates,
    *,
    clusters: Clusters,
    threshold: float,
    others_threshold: float | None = None,
    costs: Costs,
    resamples: int,
    confidence: float,
    seed: int,
) -> Intervals:
    """Return two-sided intervals of what `measure` returns, and of the difference from `others` on the same rows.

    A metric without spread has no interval by resampling: one that is 0 or 1 gets the exact bound (Clopper and
    Pearson, 1934) of as many alike as there are clusters with a row of the rarest class.

    Parameters
    ----------
    labels : shape (n,), none missing; `estimates`, `others` and `clusters` are of the same rows, in their order.
        Clusters are drawn as if independent, also those that follow each other in time.
    threshold, others_threshold : of the estimates and of the others; by default theirs is the same.
    """
    at = threshold, threshold if others_threshold is None else others_threshold
    pair = _Pair(labels, estimates, others, clusters, np.arange(len(labels)), at, costs)
    drawing: dict[str, Any] = {"resamples": resamples, "confidence": confidence, "seed": seed}
    at_most = max(FEWEST_ROWS, MOST_ROWS * FULL_CLASSES // max(FULL_CLASSES, len(estimates.classes)))
    n_drawn = clusters.n * at_most // max(at_most, len(labels))
    if n_drawn == clusters.n:
        return _drawn(pair, **drawing)
    if n_drawn < FEWEST_CLUSTERS:
        thinned = replace(pair, ranked=_thinned(clusters, at_most, seed))
        return _scaled(_drawn(thinned, **drawing), thinned.at_once(), pair.measured(), 1.0)
    chosen = np.random.default_rng(seed).choice(clusters.n, size=n_drawn, replace=False)
    part = pair.of(np.flatnonzero(np.isin(clusters.codes, chosen)))
    return _scaled(_drawn(part, **drawing), part.measured(), pair.measured(), (n_drawn / clusters.n) ** 0.5)


@dataclass(frozen=True)
class _Pair:
    """Two models' estimates of n rows, and their thresholds; rankings and medians are of those `ranked`, in order."""

    labels: npt.NDArray[Any]
    estimates: Estimates
    others: Estimates
    clusters: Clusters
    ranked: Rows
    thresholds: tuple[float, float]
    costs: Costs

    def of(self, rows: Rows) -> "_Pair":
        """Return the same of some of the rows."""
        estimates, others = (
            Estimates(said.task, said.values[rows], said.classes) for said in (self.estimates, self.others)
        )
        return replace(
            self,
            labels=self.labels[rows],
            estimates=estimates,
            others=others,
            clusters=self.clusters.of(rows),
            ranked=np.arange(len(rows)),
        )

    def measured(self) -> Both:
        """Return what `measure` makes of the rows, each of shape (1,)."""
        own, theirs = (
            measure(self.labels, said, threshold=threshold, costs=self.costs)
            for said, threshold in zip((self.estimates, self.others), self.thresholds, strict=True)
        )
        gain = {name: np.array([value - theirs[name]]) for name, value in own.items() if name in theirs}
        return {name: np.array([value]) for name, value in own.items()}, gain

    def by_draw(self) -> Callable[[Array], Both]:
        """Return what gives both of draws."""
        given: dict[str, Any] = {"costs": self.costs, "clusters": self.clusters, "ranked": self.ranked}
        ours, theirs = (
            evaluator(self.labels, said, threshold=threshold, **given)
            for said, threshold in zip((self.estimates, self.others), self.thresholds, strict=True)
        )
        return lambda counts: _with_gain(ours(counts), theirs(counts))

    def at_once(self) -> Both:
        """Return both of a draw that holds each cluster once, each of shape (1,)."""
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            return self.by_draw()(np.ones((1, self.clusters.n)))

    def left_out(self) -> Both:
        """Return both without each cluster, each of shape (clusters,): of metrics of sums of numbers, of no others."""
        if self.estimates.task != "regression":
            return {}, {}
        tables = (sums_of_numbers(self.labels, said, self.clusters) for said in (self.estimates, self.others))
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            return _with_gain(*(of_sums(table.sum(axis=0) - table) for table in tables))


def _with_gain(own: dict[str, Array], theirs: dict[str, Array]) -> Both:
    return own, {name: values - theirs[name] for name, values in own.items()}


def _thinned(clusters: Clusters, at_most: int, seed: int) -> Rows:
    """Return rows drawn at random, as large a share of each cluster, in order."""
    n_rows = len(clusters.codes)
    by_cluster = np.lexsort((np.random.default_rng(seed).random(n_rows), clusters.codes))
    return np.sort(by_cluster[np.arange(at_most) * n_rows // at_most])


def _drawn(pair: _Pair, *, resamples: int, confidence: float, seed: int) -> Intervals:
    names = measure(pair.labels, pair.estimates, threshold=pair.thresholds[0], costs=pair.costs)
    # Matrices as narrow as these are slower on two threads. What a draw leaves undefined is infinite or NaN.
    with threadpool_limits(1, user_api="blas"), np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        blocks = list(map(pair.by_draw(), draws(pair.clusters.n, resamples, seed, len(pair.ranked))))
    own, gain = (
        _ends({name: np.concatenate([block[side][name] for block in blocks]) for name in names}, *about, confidence)
        for side, about in enumerate(zip(pair.at_once(), pair.left_out(), strict=True))
    )
    bounded = {name: _bounded(name, *ends, pair, confidence) for name, ends in own.items()}
    return Intervals({name: _cut(name, *ends) for name, ends in bounded.items()}, gain)


def _ends(
    drawn: dict[str, Array], values: dict[str, Array], left_out: dict[str, Array], confidence: float
) -> dict[str, Interval]:
    alpha = (1 - confidence) / 2
    found = {
        name: widest(float(values[name][0]), of_draws, left_out[name], alpha=alpha)
        if name in left_out
        else percentiles(of_draws, alpha=alpha)
        for name, of_draws in drawn.items()
    }
    return {name: ends for name, ends in found.items() if ends is not None}


def _scaled(intervals: Intervals, part: Both, whole: Both, scale: float) -> Intervals:
    """Return the intervals of a part of the rows as those of all: around their own values, and narrower by `scale`."""

    def moved(ends: dict[str, Interval], of_part: dict[str, Array], of_whole: dict[str, Array]) -> dict[str, Interval]:
        return {
            name: (
                float(of_whole[name][0] + scale * (low - of_part[name][0])),
                float(of_whole[name][0] + scale * (high - of_part[name][0])),
            )
            for name, (low, high) in ends.items()
            if name in of_part and name in of_whole
        }

    own, gain = map(moved, intervals, part, whole)
    return Intervals({name: _cut(name, *ends) for name, ends in own.items()}, gain)


def _fewest_clusters(pair: _Pair) -> int:
    """Return how many clusters have a row of the class that the fewest have."""
    _, classes = np.unique(pair.labels.astype(str), return_inverse=True)
    cells = np.unique(classes * pair.clusters.n + pair.clusters.codes) // pair.clusters.n
    return int(np.bincount(cells).min())


def _bounded(name: str, low: float, high: float, pair: _Pair, confidence: float) -> Interval:
    if not _is_share(name) or (round(low, 12), round(high, 12)) not in {(0, 0), (1, 1)}:
        return low, high
    bound = float(((1 - confidence) / 2) ** (1 / _fewest_clusters(pair)))
    return (bound, 1.0) if round(low) else (0.0, 1 - bound)


def _cut(name: str, low: float, high: float) -> Interval:
    if _is_share(name):
        return max(low, 0.0), min(high, 1.0)
    if name == "r2":
        return low, min(high, 1.0)
    return (max(low, 0.0), high) if name in METRICS and METRICS[name].of == "values" else (low, high)


def _is_share(name: str) -> bool:
    return name in METRICS and METRICS[name].unit == "share" and METRICS[name].of != "values"
