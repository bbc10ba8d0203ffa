"""What each row adds to a metric's distance from what it would be on endlessly many rows.

A metric is, to first order, its value and a sum over rows (its influence function; Hampel, 1974). The difference of two
models' sums is what a paired comparison is made of: what both have in common cancels row by row.
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from evergreen.learning.evaluation.estimates import Estimates
from evergreen.learning.evaluation.intervals import placements

Array = npt.NDArray[np.float64]
Labels = npt.NDArray[Any]


class Influence(NamedTuple):
    """A metric's `value`, and what each row contributes to its error, shape (n,), with a sum of 0."""

    value: float
    rows: Array


def influence(metric: str, labels: Labels, estimates: Estimates) -> Influence:
    """Return a metric of n rows with what each contributes; NaN, without contributions, where it is undefined.

    Parameters
    ----------
    metric : ``roc_auc``, ``brier`` (binary); ``balanced_accuracy`` (multiclass); ``log_loss`` (both); ``r2``, ``mse``
        (regression); or ``bias``: the mean estimate minus the mean label (calibration in the large), of binary or
        numeric targets.
    labels : shape (n,), none missing; `estimates` are of the same rows.

    Notes
    -----
    ROC AUC: the placement values of positives and negatives (DeLong, DeLong and Clarke-Pearson, 1988). R²: the ratio of
    the mean squared error to the variance, linearised in both.

    Examples
    --------
    >>> labels, said = np.array([True, False, True]), np.array([0.9, 0.5, 0.1])
    >>> found = influence("brier", labels, Estimates("binary", said))
    >>> round(found.value, 4), found.rows.round(4).tolist()
    (0.3567, [-0.1156, -0.0356, 0.1511])
    """
    undefined = Influence(float("nan"), np.zeros(len(labels)))
    if not len(labels):
        return undefined
    found = _OF[metric](labels, estimates)
    return found if np.isfinite(found.value) and np.isfinite(found.rows).all() else undefined


def mean_of(values: Array) -> Influence:
    """Return the mean of `values`, shape (n,), with what each row contributes."""
    mean = float(values.mean())
    return Influence(mean, (values - mean) / len(values))


def _roc_auc(labels: Labels, estimates: Estimates) -> Influence:
    positive = labels.astype(np.bool_)
    n_true = int(positive.sum())
    rows = np.zeros(len(labels))
    if n_true in (0, len(labels)):
        return Influence(float("nan"), rows)
    above, below = placements(positive, estimates.values.astype(np.float64))
    value = float(above.mean())
    rows[positive], rows[~positive] = (above - value) / n_true, (below - value) / (len(labels) - n_true)
    return Influence(value, rows)


def _balanced_accuracy(labels: Labels, estimates: Estimates) -> Influence:
    names = labels.astype(np.str_)
    right = (names == estimates.compared.astype(np.str_)).astype(np.float64)
    classes, of_class = np.unique(names, return_inverse=True)
    counts = np.bincount(of_class)
    recalls = np.bincount(of_class, right) / counts
    return Influence(float(recalls.mean()), (right - recalls[of_class]) / (len(classes) * counts[of_class]))


def _log_loss(labels: Labels, estimates: Estimates) -> Influence:
    values = estimates.values.astype(np.float64)
    if estimates.task == "binary":
        of_label = np.where(labels.astype(np.bool_), values, 1 - values)
    else:
        is_class = labels.astype(np.str_)[:, None] == np.array(estimates.classes)
        of_label = np.where(is_class, values, 0).sum(axis=1) / values.sum(axis=1)
    # A confident miss counts as the smallest float, as in scikit-learn, not as infinity.
    return mean_of(-np.log(np.clip(of_label, np.finfo(np.float64).eps, 1.0)))


def _brier(labels: Labels, estimates: Estimates) -> Influence:
    return mean_of((estimates.values.astype(np.float64) - labels.astype(np.bool_)) ** 2)


def _mse(labels: Labels, estimates: Estimates) -> Influence:
    return mean_of((labels.astype(np.float64) - estimates.values.astype(np.float64)) ** 2)


def _r2(labels: Labels, estimates: Estimates) -> Influence:
    truth = labels.astype(np.float64)
    squares, spread = _mse(labels, estimates), mean_of((truth - truth.mean()) ** 2)
    if not spread.value:
        return Influence(float("nan"), np.zeros(len(labels)))
    unexplained = squares.value / spread.value
    return Influence(1 - unexplained, (unexplained * spread.rows - squares.rows) / spread.value)


def _bias(labels: Labels, estimates: Estimates) -> Influence:
    return mean_of(estimates.values.astype(np.float64) - labels.astype(np.float64))


_OF: Mapping[str, Callable[[Labels, Estimates], Influence]] = {
    "roc_auc": _roc_auc,
    "balanced_accuracy": _balanced_accuracy,
    "log_loss": _log_loss,
    "brier": _brier,
    "mse": _mse,
    "r2": _r2,
    "bias": _bias,
}
