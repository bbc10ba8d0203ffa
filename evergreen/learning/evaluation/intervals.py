"""The gate's metrics with what is needed for an interval: of one model, and of the difference of two on the same rows.

Each metric is an average of contributions of single rows, in groups that are independent of each other, so its variance
is the sum over the groups of s²/n; that of a difference is the same sum over the row-wise differences, in which what
two models share cancels.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats

from evergreen.config.contract.columns import Task

Array = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

# The interval is a normal approximation; with fewer rows it says more than the rows do. Balanced accuracy sums over
# at least two classes, and over single rows, not pairs.
LEAST_PER_CLASS = {"binary": 10, "multiclass": 5}
LEAST_VALUES = 20


class Contributions(NamedTuple):
    """A metric's value and what the rows of each group contribute to it."""

    value: float
    groups: tuple[Array, ...]


def too_few(task: Task, labels: npt.NDArray[np.generic]) -> str:
    """Return why known `labels`, shape (n,), are too few for an interval; empty when they are enough."""
    if task == "regression":
        if len(labels) < LEAST_VALUES:
            return f"{len(labels)} labelled rows; at least {LEAST_VALUES} are needed"
        return "" if np.ptp(labels.astype(np.float64)) > 0 else f"all {len(labels)} labels are {labels[0]}"
    least = LEAST_PER_CLASS[task]
    if task == "binary":
        n_true = int(labels.sum())
        n_false = len(labels) - n_true
        few = min(n_true, n_false) < least
        return f"{n_true} positive and {n_false} negative labels; at least {least} of each are needed" if few else ""
    counts = pd.Series(labels).value_counts()
    if len(counts) < 2:
        return f"{len(labels)} labels of {len(counts)} class; at least {least} of each of two are needed"
    if counts.min() < least:
        return f"{counts.min()} labels of class {counts.idxmin()}; at least {least} of each class are needed"
    return ""


def contributions(task: Task, labels: npt.NDArray[np.generic], compared: npt.NDArray[np.generic]) -> Contributions:
    """Return the gate's metric of a task and its contributions.

    Parameters
    ----------
    labels : shape (n,), none missing, and not too few.
    compared : shape (n,), row by row: scores of true (binary), classes (multiclass) or values (regression).

    Notes
    -----
    ROC AUC: the placement values of the positives and of the negatives (DeLong, DeLong and Clarke-Pearson, 1988).
    Balanced accuracy, the mean over K classes of the share of their n_k rows that are answered rightly: 1/K or 0 for
    each row, in a group per class, which gives the variance sum_k s_k² / (K² n_k) of a stratified mean (Cochran, 1977).
    R²: 1 - (y - value)² / Var(y) for each row, with Var(y), that of the n rows, taken as fixed.
    """
    if task == "binary":
        positive, scores = labels.astype(np.bool_), compared.astype(np.float64)
        above, below = placements(positive, scores)
        return Contributions(float(above.mean()), (above, below))
    if task == "regression":
        truth, values = labels.astype(np.float64), compared.astype(np.float64)
        explained = 1 - (truth - values) ** 2 / truth.var()
        return Contributions(float(explained.mean()), (explained,))
    classes = np.unique(labels.astype(np.str_))
    right = (labels.astype(np.str_) == compared.astype(np.str_)) / len(classes)
    groups = tuple(right[labels.astype(np.str_) == name] for name in classes)
    return Contributions(float(sum(group.mean() for group in groups)), groups)


def half_width(groups: tuple[Array, ...], *, confidence: float) -> float:
    """Return half the width of the normal interval, at `confidence`, of a metric with these contributions."""
    variance = sum(group.var(ddof=1) / len(group) for group in groups)
    return float(stats.norm.isf((1 - confidence) / 2) * np.sqrt(variance))


def interval(
    task: Task, labels: npt.NDArray[np.generic], metric: Contributions, *, confidence: float
) -> tuple[float, float]:
    """Return the two-sided interval of `metric` on `labels`, shape (n,), cut to the metric's range.

    Of R² alone, unlike of a difference, Var(y) may not be taken as fixed: the ratio of the mean squared error to it is
    linearised in both (the delta method; Cochran, 1977), which adds (1 - R²) ((y - mean)² / Var(y) - 1) to each row.

    Where no row contributes otherwise than the rest (all answered rightly, or all wrongly) the variance is 0; the open
    end is then the exact bound (Clopper and Pearson, 1934) of as many rows alike as the smallest group has.
    """
    if task == "regression":
        truth = labels.astype(np.float64)
        spread = (truth - truth.mean()) ** 2 / truth.var()
        linearised = metric.groups[0] + (1 - metric.value) * (spread - 1)
        half = half_width((linearised,), confidence=confidence)
        return metric.value - half, min(metric.value + half, 1.0)
    value = round(metric.value, 12)  # a sum of K parts of 1/K
    if value in (0.0, 1.0):
        bound = float(((1 - confidence) / 2) ** (1 / min(map(len, metric.groups))))
        return (bound, 1.0) if value else (0.0, 1 - bound)
    half = half_width(metric.groups, confidence=confidence)
    return max(metric.value - half, 0.0), min(metric.value + half, 1.0)


def placements(positive: Mask, scores: Array) -> tuple[Array, Array]:
    """Return each positive's share of negatives below it, and each negative's share of positives above it.

    Ties count half. By midranks (Sun and Xu, 2014): O(n log n), where all pairs would be O(n²).
    """
    n_true, n_false = int(positive.sum()), int((~positive).sum())
    overall = stats.rankdata(scores)
    above = (overall[positive] - stats.rankdata(scores[positive])) / n_false
    below = 1 - (overall[~positive] - stats.rankdata(scores[~positive])) / n_true
    return above, below
