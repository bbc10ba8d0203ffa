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
from evergreen.learning.evaluation.estimates import Estimates
from evergreen.learning.evaluation.metrics import (
    Costs,
    calibration_bins,
    confidence_and_hits,
    costs_of,
    measure,
)

Array = npt.NDArray[np.float64]
ByDraw = Callable[[Array], dict[str, Array]]
Rows = npt.NDArray[np.int64]
Ranking = Callable[[Array], tuple[Array, Callable[[], Array]]]
Both = tuple[dict[str, Array], dict[str, Array]]  # by metric: of the estimates, and of their gain over the others

MOST_ROWS = 50_000  # that are drawn from; fewer of many classes, because each has a ranking of its own
FEWEST_ROWS = 5_000
FULL_CLASSES = 3  # so many classes are drawn from as many rows as two
FEW_CLUSTERS = 100  # so many are ranked by matrix products; with more, row by row is faster
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
        tables = (_sums_of_numbers(self.labels, said, self.clusters) for said in (self.estimates, self.others))
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            return _with_gain(*(_of_sums(table.sum(axis=0) - table) for table in tables))


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


@dataclass(frozen=True)
class _Drawn:
    """What draws are made of: the cluster of each row, and the rows that rankings and medians are of."""

    clusters: Clusters
    ranked: Rows


def evaluator(
    labels: npt.NDArray[Any],
    estimates: Estimates,
    *,
    clusters: Clusters,
    threshold: float,
    costs: Costs,
    ranked: Rows | None = None,
) -> ByDraw:
    """Return what gives every metric of draws, shape (draws,), not finite where a draw leaves it undefined.

    Parameters
    ----------
    ranked : the rows that rankings and medians are made of; all unless given.
    """
    makers = {"binary": _of_truths, "multiclass": _of_classes, "regression": _of_numbers}
    drawn = _Drawn(clusters, np.arange(len(labels)) if ranked is None else ranked)
    return makers[estimates.task](labels, estimates, threshold, costs, drawn)


def _of_truths(labels: npt.NDArray[Any], estimates: Estimates, threshold: float, costs: Costs, drawn: _Drawn) -> ByDraw:
    positive, said = labels.astype(np.bool_), estimates.values.astype(np.float64)
    answers = said >= threshold
    chance = _clipped(np.where(positive, said, 1 - said))
    losses = {"log_loss": -np.log(chance), "brier": (said - positive) ** 2}
    if costs:
        losses["cost"] = costs_of(positive, answers, costs)
    clusters = drawn.clusters
    mean, ece = _means(losses, clusters), _calibration(*confidence_and_hits(positive, said, []), clusters)
    cells = clusters.tally(2 * positive + answers, 4)
    ranked = _ranking(positive, said, drawn)

    def draw(counts: Array) -> dict[str, Array]:
        tn, fp, fn, tp = (counts @ cells).T
        n = tn + fp + fn + tp
        recall, of_negatives = tp / (tp + fn), tn / (tn + fp)
        one_class = (tp + fn == 0) | (tn + fp == 0)
        correlation = np.sqrt((tp + fp) * (tp + fn) * (tn + fp) * (tn + fn))
        auc, precision = ranked(counts)
        return {
            **mean(counts),
            "ece": ece(counts) / n,
            "accuracy": (tp + tn) / n,
            "precision": tp / (tp + fp),
            "recall": recall,
            "f1": _without(tp + fn == 0, 2 * tp / (2 * tp + fp + fn)),
            "balanced_accuracy": (recall + of_negatives) / 2,
            "matthews": _without(one_class, np.nan_to_num((tp * tn - fp * fn) / correlation)),
            "roc_auc": auc,
            "average_precision": _without(one_class, precision()),
        }

    return draw


def _of_classes(labels: npt.NDArray[Any], estimates: Estimates, _: float, costs: Costs, drawn: _Drawn) -> ByDraw:
    classes, k = np.array(estimates.classes), len(estimates.classes)
    names = labels.astype(np.str_)
    actual = np.argmax(names[:, None] == classes, axis=1)
    said, answered = estimates.values.astype(np.float64), estimates.values.argmax(axis=1)
    chance = _clipped(said[np.arange(len(said)), actual] / said.sum(axis=1))
    losses = {"log_loss": -np.log(chance)}
    if costs:
        losses["cost"] = costs_of(names, classes[answered], costs)
    clusters = drawn.clusters
    mean = _means(losses, clusters)
    ece = _calibration(*confidence_and_hits(names, said, list(estimates.classes)), clusters)
    right = clusters.tally(actual, k, (actual == answered).astype(np.float64))
    by_class, by_answer = clusters.tally(actual, k), clusters.tally(answered, k)
    ranked = [_ranking(actual == position, said[:, position], drawn) for position in range(k)]

    def draw(counts: Array) -> dict[str, Array]:
        hits, of_class, of_answer = (counts @ cells for cells in (right, by_class, by_answer))
        n = of_class.sum(axis=1)
        recall, precision = hits / of_class, np.nan_to_num(hits / of_answer)
        actual_share, answer_share = of_class / n[:, None], of_answer / n[:, None]
        chances = (actual_share * answer_share).sum(axis=1)
        spread = np.sqrt((1 - (actual_share**2).sum(axis=1)) * (1 - (answer_share**2).sum(axis=1)))
        accuracy = hits.sum(axis=1) / n
        n_found = (of_class > 0).sum(axis=1)
        lacks_one, f1 = n_found < k, np.nan_to_num(2 * hits / (of_class + of_answer))
        return {
            **mean(counts),
            "ece": ece(counts) / n,
            "accuracy": accuracy,
            "balanced_accuracy": np.nanmean(recall, axis=1),
            "recall_macro": recall.mean(axis=1),
            "precision_macro": _without(lacks_one, precision.mean(axis=1)),
            "f1_macro": _without(lacks_one, f1.mean(axis=1)),
            "matthews": _without(n_found == 1, np.nan_to_num((accuracy - chances) / spread)),
            "roc_auc_ovr": np.mean([ranking(counts)[0] for ranking in ranked], axis=0),
        }

    return draw


def _of_numbers(labels: npt.NDArray[Any], estimates: Estimates, _: float, __: Costs, drawn: _Drawn) -> ByDraw:
    table = _sums_of_numbers(labels, estimates, drawn.clusters)
    error = np.abs(labels.astype(np.float64) - estimates.values.astype(np.float64))[drawn.ranked]
    order = np.argsort(error, kind="stable")
    ordered, codes = error[order], drawn.clusters.codes[drawn.ranked][order]

    def draw(counts: Array) -> dict[str, Array]:
        below = np.cumsum(counts[:, codes], axis=1)
        n = below[:, -1:]
        middle = [ordered[(below > at).argmax(axis=1)] for at in ((n - 1) // 2, n // 2)]
        return {**_of_sums(counts @ table), "median_absolute_error": (middle[0] + middle[1]) / 2}

    return draw


def _sums_of_numbers(labels: npt.NDArray[Any], estimates: Estimates, clusters: Clusters) -> Array:
    """Return the sums by cluster, shape (clusters, 6), that the metrics of numbers are made of."""
    truth, values = labels.astype(np.float64), estimates.values.astype(np.float64)
    error = np.abs(truth - values)
    centred = truth - truth.mean()
    shares = error / np.maximum(np.abs(truth), np.finfo(np.float64).eps)
    return clusters.sums_of(np.ones(len(truth)), error**2, error, shares, centred, centred**2)


def _of_sums(sums: Array) -> dict[str, Array]:
    """Return the metrics of sums, shape (draws, 6), each of shape (draws,)."""
    square, mae, mape, centre, spread = (sums[:, 1:] / sums[:, :1]).T
    return {
        "r2": 1 - square / (spread - centre**2),
        "rmse": np.sqrt(square),
        "mae": mae,
        "mape": mape,
        "pinball": mae / 2,
    }


def _without(undefined: npt.NDArray[np.bool_], values: Array) -> Array:
    return np.where(undefined, np.nan, values)


def _clipped(chance: Array) -> Array:
    # A confident miss counts as the smallest float, as in scikit-learn, not as infinity.
    return np.clip(chance, np.finfo(np.float64).eps, 1.0)


def _means(losses: dict[str, Array], clusters: Clusters) -> ByDraw:
    names, table, sizes = list(losses), clusters.sums_of(*losses.values()), np.bincount(clusters.codes)

    def draw(counts: Array) -> dict[str, Array]:
        return dict(zip(names, (counts @ table / (counts @ sizes)[:, None]).T, strict=True))

    return draw


def _calibration(said: Array, came: Array, clusters: Clusters) -> Callable[[Array], Array]:
    """Return the expected calibration error of draws, times their rows, in the bins of all rows."""
    bins = calibration_bins(said)
    gaps = clusters.tally(bins, int(bins.max()) + 1, said - came)

    def draw(counts: Array) -> Array:
        error: Array = np.abs(counts @ gaps).sum(axis=1)
        return error

    return draw


def _ranking(positive: npt.NDArray[np.bool_], said: Array, drawn: _Drawn) -> Ranking:
    """Return what gives ROC AUC of draws (ties count half), and on demand their average precision."""
    positive, said, codes = positive[drawn.ranked], said[drawn.ranked], drawn.clusters.codes[drawn.ranked]
    order = np.argsort(-said, kind="stable")
    ranks, codes = np.flatnonzero(positive[order]), codes[order]
    # By value that a positive has: how many rows, and how many positives, come before it and until its last one.
    _, first = np.unique(-said[order][ranks], return_index=True)
    values, ascending = said[order][ranks][first], np.sort(-said)
    above, until = (np.searchsorted(ascending, -values, side=side) for side in ("left", "right"))
    ends = np.append(first[1:], len(ranks))

    def ranks_of(counts: Array) -> tuple[Array, ...]:
        rows = counts[:, codes]
        rows_above, true_above = _before(rows), _before(rows[:, ranks])
        true_until, rows_until = true_above[:, ends], rows_above[:, until]
        true = true_until - true_above[:, first]
        false_above = (rows_until + rows_above[:, above] - true_until - true_above[:, first]) / 2
        return true, true_until, rows_until, false_above, rows_above[:, -1]

    n_clusters = drawn.clusters.n
    if n_clusters <= FEW_CLUSTERS:
        return _of_few_clusters(*ranks_of(np.eye(n_clusters)))

    def draw(counts: Array) -> tuple[Array, Callable[[], Array]]:
        true, true_until, rows_until, false_above, n_rows = ranks_of(counts)
        n_true = true.sum(axis=1)
        auc = 1 - (true * false_above).sum(axis=1) / (n_true * (n_rows - n_true))
        return auc, lambda: _precision(true, true_until, rows_until)

    return draw


def _of_few_clusters(true: Array, true_until: Array, rows_until: Array, false_above: Array, n_rows: Array) -> Ranking:
    """Return the same from what `ranks_of` says of each cluster alone: of a draw it is the sum of those drawn.

    ROC AUC counts pairs of rows, and so is a sum over pairs of clusters (Obuchowski, 1997).
    """
    pairs, n_trues = true @ false_above.T, true.sum(axis=1)

    def draw(counts: Array) -> tuple[Array, Callable[[], Array]]:
        n_true = counts @ n_trues
        auc = 1 - (counts @ pairs * counts).sum(axis=1) / (n_true * (counts @ (n_rows - n_trues)))
        return auc, lambda: _precision(counts @ true, counts @ true_until, counts @ rows_until)

    return draw


def _precision(true: Array, true_until: Array, rows_until: Array) -> Array:
    precision: Array = (true * true_until / np.maximum(rows_until, 1)).sum(axis=1) / true.sum(axis=1)
    return precision


def _before(rows: Array) -> Array:
    """Return the sums of the first 0, 1, ... n columns."""
    sums = np.zeros((len(rows), rows.shape[1] + 1))
    np.cumsum(rows, axis=1, out=sums[:, 1:])
    return sums
