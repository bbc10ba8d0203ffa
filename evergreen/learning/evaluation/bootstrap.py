"""Bootstrap intervals: how far every metric, and its gain over another model, could be off by the choice of test rows.

Rows are drawn with replacement (Efron, 1979), and the interval is that of the percentiles of the draws. A draw is how
often each row occurs in it, so that every metric of a block of draws is a few matrix products and one pass over the
rows sorted by score. Rows, not classes, are drawn: the number of rows of a class varies with the sample too.

Draws of a very long table would take minutes and say little more. They are of MOST_ROWS of its rows then, and how far
they spread is scaled by the root of the ratio of the numbers of rows (m out of n: Bickel, Götze and van Zwet, 1997).
"""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from threadpoolctl import threadpool_limits

from evergreen.config.objectives import METRICS
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
Interval = tuple[float, float]

MOST_ROWS = 50_000  # that are drawn from; fewer of many classes, because each has a ranking of its own
FEWEST_ROWS = 5_000
FULL_CLASSES = 3  # so many classes are drawn from as many rows as two
CELLS_AT_A_TIME = 200_000  # so that a block of draws stays in the processor's cache
LEAST_DEFINED = 0.95  # a metric that more draws leave undefined has too few rows of a class for an interval


class Intervals(NamedTuple):
    """Low and high by metric: of the estimates, and of their gain over the others."""

    own: dict[str, Interval]
    gain: dict[str, Interval]


def resampled_intervals(
    labels: npt.NDArray[Any],
    estimates: Estimates,
    others: Estimates,
    *,
    threshold: float,
    others_threshold: float | None = None,
    costs: Costs,
    resamples: int,
    confidence: float,
    seed: int,
) -> Intervals:
    """Return two-sided intervals of what `measure` returns, and of the difference from `others` on the same rows.

    A metric without spread has no interval by resampling: one that is 0 or 1 gets the exact bound (Clopper and
    Pearson, 1934) of as many rows alike as the smallest class has.

    Parameters
    ----------
    labels : shape (n,), none missing; `estimates` and `others` are of the same rows, in their order.
    threshold, others_threshold : of the estimates and of the others; by default theirs is the same.
    """
    others_threshold = threshold if others_threshold is None else others_threshold
    given: dict[str, Any] = {"threshold": threshold, "others_threshold": others_threshold, "costs": costs}
    drawn_from = max(FEWEST_ROWS, MOST_ROWS * FULL_CLASSES // max(FULL_CLASSES, len(estimates.classes)))
    if len(labels) > drawn_from:
        rows = np.sort(np.random.default_rng(seed).choice(len(labels), size=drawn_from, replace=False))
        part, whole = (labels[rows], _rows(estimates, rows), _rows(others, rows)), (labels, estimates, others)
        unscaled = resampled_intervals(*part, **given, resamples=resamples, confidence=confidence, seed=seed)
        scale = (drawn_from / len(labels)) ** 0.5
        scaled = _scaled(unscaled, _measured(*part, **given), _measured(*whole, **given), scale)
        return scaled._replace(own={name: _cut(name, low, high) for name, (low, high) in scaled.own.items()})
    values = measure(labels, estimates, threshold=threshold, costs=costs)
    own: dict[str, list[Array]] = {name: [] for name in values}
    gain: dict[str, list[Array]] = {name: [] for name in values}
    # Matrices as narrow as these are slower on two threads. What a draw leaves undefined is infinite or NaN.
    with threadpool_limits(1, user_api="blas"), np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        ours = evaluator(labels, estimates, threshold=threshold, costs=costs)
        theirs = evaluator(labels, others, threshold=others_threshold, costs=costs)
        for counts in draws(len(labels), resamples, seed):
            first, second = ours(counts), theirs(counts)
            for name in values:
                own[name].append(first[name])
                gain[name].append(first[name] - second[name])
    return Intervals(
        own={
            name: _bounded(name, low, high, labels, confidence)
            for name, (low, high) in _percentiles(own, confidence).items()
        },
        gain=_percentiles(gain, confidence),
    )


def _rows(estimates: Estimates, rows: npt.NDArray[np.int64]) -> Estimates:
    return Estimates(estimates.task, estimates.values[rows], estimates.classes)


def _measured(
    labels: npt.NDArray[Any],
    estimates: Estimates,
    others: Estimates,
    *,
    threshold: float,
    others_threshold: float,
    costs: Costs,
) -> tuple[dict[str, float], dict[str, float]]:
    """Return the metrics of the estimates, and their gain over the others."""
    own = measure(labels, estimates, threshold=threshold, costs=costs)
    theirs = measure(labels, others, threshold=others_threshold, costs=costs)
    return own, {name: value - theirs[name] for name, value in own.items() if name in theirs}


def _scaled(
    intervals: Intervals,
    part: tuple[dict[str, float], dict[str, float]],
    whole: tuple[dict[str, float], dict[str, float]],
    scale: float,
) -> Intervals:
    """Return the intervals of a part of the rows as those of all: around their own values, and narrower by `scale`."""
    return Intervals(
        *(
            {
                name: (of_whole[name] + scale * (low - of_part[name]), of_whole[name] + scale * (high - of_part[name]))
                for name, (low, high) in ends.items()
                if name in of_part and name in of_whole
            }
            for ends, of_part, of_whole in zip(intervals, part, whole, strict=True)
        )
    )


def draws(n_rows: int, resamples: int, seed: int) -> Iterator[Array]:
    """Yield how often each row occurs in each draw, shape (draws, n), a block of draws at a time."""
    generator = np.random.default_rng(seed)
    size = max(1, CELLS_AT_A_TIME // n_rows)
    for begin in range(0, resamples, size):
        block = min(size, resamples - begin)
        drawn = generator.integers(0, n_rows, size=(block, n_rows), dtype=np.int32)
        yield np.array([np.bincount(rows, minlength=n_rows) for rows in drawn], dtype=np.float64)


def _percentiles(drawn: dict[str, list[Array]], confidence: float) -> dict[str, Interval]:
    intervals: dict[str, Interval] = {}
    for name, parts in drawn.items():
        values = np.concatenate(parts)
        values = values[np.isfinite(values)]
        if len(values) >= LEAST_DEFINED * sum(map(len, parts)):
            low, high = np.quantile(values, [(1 - confidence) / 2, (1 + confidence) / 2])
            intervals[name] = float(low), float(high)
    return intervals


def _bounded(name: str, low: float, high: float, labels: npt.NDArray[Any], confidence: float) -> Interval:
    if not _is_share(name):
        return low, high
    bound = float(((1 - confidence) / 2) ** (1 / np.unique(labels.astype(str), return_counts=True)[1].min()))
    if round(low, 12) == round(high, 12) == 1:
        return bound, 1.0
    return (0.0, 1 - bound) if round(low, 12) == round(high, 12) == 0 else (low, high)


def _cut(name: str, low: float, high: float) -> Interval:
    return (max(low, 0.0), min(high, 1.0)) if _is_share(name) else (low, high)


def _is_share(name: str) -> bool:
    return name in METRICS and METRICS[name].unit == "share" and METRICS[name].of != "values"


def evaluator(labels: npt.NDArray[Any], estimates: Estimates, *, threshold: float, costs: Costs) -> ByDraw:
    """Return what gives every metric of draws, shape (draws,), not finite where a draw leaves it undefined."""
    makers = {"binary": _of_truths, "multiclass": _of_classes, "regression": _of_numbers}
    return makers[estimates.task](labels, estimates, threshold, costs)


def _of_truths(labels: npt.NDArray[Any], estimates: Estimates, threshold: float, costs: Costs) -> ByDraw:
    positive, said = labels.astype(np.bool_), estimates.values.astype(np.float64)
    answers = said >= threshold
    chance = _clipped(np.where(positive, said, 1 - said))
    losses = {"log_loss": -np.log(chance), "brier": (said - positive) ** 2}
    if costs:
        losses["cost"] = costs_of(positive, answers, costs)
    mean, ece = _means(losses), _calibration(*confidence_and_hits(positive, said, []))
    cells = np.eye(4)[2 * positive + answers]
    ranked = _ranking(positive, said)

    def draw(counts: Array) -> dict[str, Array]:
        n = counts.sum(axis=1)
        tn, fp, fn, tp = (counts @ cells).T
        recall, of_negatives = tp / (tp + fn), tn / (tn + fp)
        one_class = (tp + fn == 0) | (tn + fp == 0)
        correlation = np.sqrt((tp + fp) * (tp + fn) * (tn + fp) * (tn + fn))
        auc, precision = ranked(counts)
        return {
            **mean(counts),
            "ece": ece(counts),
            "accuracy": (tp + tn) / n,
            "precision": tp / (tp + fp),
            "recall": recall,
            "f1": _without(tp + fn == 0, 2 * tp / (2 * tp + fp + fn)),
            "balanced_accuracy": (recall + of_negatives) / 2,
            "matthews": _without(one_class, np.nan_to_num((tp * tn - fp * fn) / correlation)),
            "roc_auc": auc,
            "average_precision": _without(one_class, precision),
        }

    return draw


def _of_classes(labels: npt.NDArray[Any], estimates: Estimates, _: float, costs: Costs) -> ByDraw:
    classes, k = np.array(estimates.classes), len(estimates.classes)
    names = labels.astype(np.str_)
    actual = np.argmax(names[:, None] == classes, axis=1)
    said, answered = estimates.values.astype(np.float64), estimates.values.argmax(axis=1)
    chance = _clipped(said[np.arange(len(said)), actual] / said.sum(axis=1))
    losses = {"log_loss": -np.log(chance)}
    if costs:
        losses["cost"] = costs_of(names, classes[answered], costs)
    mean, ece = _means(losses), _calibration(*confidence_and_hits(names, said, list(estimates.classes)))
    right, ones = np.eye(k)[actual] * (actual == answered)[:, None], np.eye(k)
    ranked = [_ranking(actual == position, said[:, position]) for position in range(k)]

    def draw(counts: Array) -> dict[str, Array]:
        n = counts.sum(axis=1)
        hits, of_class, of_answer = (counts @ cells for cells in (right, ones[actual], ones[answered]))
        recall, precision = hits / of_class, np.nan_to_num(hits / of_answer)
        actual_share, answer_share = of_class / n[:, None], of_answer / n[:, None]
        chances = (actual_share * answer_share).sum(axis=1)
        spread = np.sqrt((1 - (actual_share**2).sum(axis=1)) * (1 - (answer_share**2).sum(axis=1)))
        accuracy = hits.sum(axis=1) / n
        n_found = (of_class > 0).sum(axis=1)
        lacks_one, f1 = n_found < k, np.nan_to_num(2 * hits / (of_class + of_answer))
        return {
            **mean(counts),
            "ece": ece(counts),
            "accuracy": accuracy,
            "balanced_accuracy": np.nanmean(recall, axis=1),
            "recall_macro": recall.mean(axis=1),
            "precision_macro": _without(lacks_one, precision.mean(axis=1)),
            "f1_macro": _without(lacks_one, f1.mean(axis=1)),
            "matthews": _without(n_found == 1, np.nan_to_num((accuracy - chances) / spread)),
            "roc_auc_ovr": np.mean([ranking(counts)[0] for ranking in ranked], axis=0),
        }

    return draw


def _of_numbers(labels: npt.NDArray[Any], estimates: Estimates, _: float, __: Costs) -> ByDraw:
    truth, values = labels.astype(np.float64), estimates.values.astype(np.float64)
    error = np.abs(truth - values)
    centred = truth - truth.mean()
    shares = error / np.maximum(np.abs(truth), np.finfo(np.float64).eps)
    mean = _means({"square": error**2, "mae": error, "mape": shares, "centre": centred, "spread": centred**2})
    order = np.argsort(error, kind="stable")
    ordered = error[order]

    def draw(counts: Array) -> dict[str, Array]:
        means = mean(counts)
        below, n = np.cumsum(counts[:, order], axis=1), len(truth)
        middle = [ordered[(below > at).argmax(axis=1)] for at in ((n - 1) // 2, n // 2)]
        return {
            "r2": 1 - means["square"] / (means["spread"] - means["centre"] ** 2),
            "rmse": np.sqrt(means["square"]),
            "mae": means["mae"],
            "mape": means["mape"],
            "pinball": means["mae"] / 2,
            "median_absolute_error": (middle[0] + middle[1]) / 2,
        }

    return draw


def _without(undefined: npt.NDArray[np.bool_], values: Array) -> Array:
    return np.where(undefined, np.nan, values)


def _clipped(chance: Array) -> Array:
    # A confident miss counts as the smallest float, as in scikit-learn, not as infinity.
    return np.clip(chance, np.finfo(np.float64).eps, 1.0)


def _means(losses: dict[str, Array]) -> ByDraw:
    names, table = list(losses), np.column_stack(list(losses.values()))

    def draw(counts: Array) -> dict[str, Array]:
        return dict(zip(names, (counts @ table / counts.sum(axis=1, keepdims=True)).T, strict=True))

    return draw


def _calibration(said: Array, came: Array) -> Callable[[Array], Array]:
    """Return the expected calibration error of draws, in the bins of all rows."""
    bins = calibration_bins(said)
    gaps = np.eye(int(bins.max()) + 1)[bins] * (said - came)[:, None]

    def draw(counts: Array) -> Array:
        error: Array = np.abs(counts @ gaps).sum(axis=1) / counts.sum(axis=1)
        return error

    return draw


def _ranking(positive: npt.NDArray[np.bool_], said: Array) -> Callable[[Array], tuple[Array, Array]]:
    """Return ROC AUC (ties count half) and average precision of draws."""
    order = np.argsort(-said, kind="stable")
    ranks = np.flatnonzero(positive[order])
    # By value that a positive has: how many rows, and how many positives, come before it and until its last one.
    _, first = np.unique(-said[order][ranks], return_index=True)
    values, ascending = said[order][ranks][first], np.sort(-said)
    above, until = (np.searchsorted(ascending, -values, side=side) for side in ("left", "right"))
    ends = np.append(first[1:], len(ranks))

    def draw(counts: Array) -> tuple[Array, Array]:
        rows = counts[:, order]
        rows_above, true_above = _before(rows), _before(rows[:, ranks])
        n_true = true_above[:, -1]
        true_until, rows_until = true_above[:, ends], rows_above[:, until]
        true = true_until - true_above[:, first]
        false_above = (rows_until + rows_above[:, above] - true_until - true_above[:, first]) / 2
        auc = 1 - (true * false_above).sum(axis=1) / (n_true * (counts.sum(axis=1) - n_true))
        precision = (true * true_until / np.maximum(rows_until, 1)).sum(axis=1) / n_true
        return auc, precision

    return draw


def _before(rows: Array) -> Array:
    """Return the sums of the first 0, 1, ... n columns."""
    sums = np.zeros((len(rows), rows.shape[1] + 1))
    np.cumsum(rows, axis=1, out=sums[:, 1:])
    return sums
