"""What every metric is of draws of clusters: matrix products for sums, a pass over the sorted rows for ranks."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from evergreen.learning.evaluation.clusters import Clusters
from evergreen.learning.evaluation.estimates import Estimates
from evergreen.learning.evaluation.metrics import Costs, calibration_bins, confidence_and_hits, costs_of

Array = npt.NDArray[np.float64]
Rows = npt.NDArray[np.int64]
ByDraw = Callable[[Array], dict[str, Array]]
Ranking = Callable[[Array], tuple[Array, Callable[[], Array]]]

FEW_CLUSTERS = 100  # so many are ranked by matrix products; with more, row by row is faster


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
    table = sums_of_numbers(labels, estimates, drawn.clusters)
    error = np.abs(labels.astype(np.float64) - estimates.values.astype(np.float64))[drawn.ranked]
    order = np.argsort(error, kind="stable")
    ordered, codes = error[order], drawn.clusters.codes[drawn.ranked][order]

    def draw(counts: Array) -> dict[str, Array]:
        below = np.cumsum(counts[:, codes], axis=1)
        n = below[:, -1:]
        middle = [ordered[(below > at).argmax(axis=1)] for at in ((n - 1) // 2, n // 2)]
        return {**of_sums(counts @ table), "median_absolute_error": (middle[0] + middle[1]) / 2}

    return draw


def sums_of_numbers(labels: npt.NDArray[Any], estimates: Estimates, clusters: Clusters) -> Array:
    """Return the sums by cluster, shape (clusters, 6), that the metrics of numbers are made of."""
    truth, values = labels.astype(np.float64), estimates.values.astype(np.float64)
    error = np.abs(truth - values)
    centred = truth - truth.mean()
    shares = error / np.maximum(np.abs(truth), np.finfo(np.float64).eps)
    return clusters.sums_of(np.ones(len(truth)), error**2, error, shares, centred, centred**2)


def of_sums(sums: Array) -> dict[str, Array]:
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
