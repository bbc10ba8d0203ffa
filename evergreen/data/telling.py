"""How well one column alone tells the target."""

from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import rankdata

from evergreen.config.contract.columns import Column, Task

Array = np.ndarray[Any, Any]
FEWEST_EACH = 10
FOLDS = 5


def score_of(values: pd.Series, labels: Array, column: Column, *, task: Task) -> float:
    """Return how well one column alone tells the target: the best R2, or the least AUC of all classes.

    Parameters
    ----------
    values, labels : shape (n,), nothing missing. `labels` are numbers, or the position of each class.

    Notes
    -----
    Numbers are judged by their order (AUC, Spearman) and, against a number, along a line (Pearson). Categories are
    replaced by the mean target of the rows of other folds with the same category.
    """
    if column.type in ("category", "text"):
        codes = pd.factorize(values)[0]
        if task == "regression":
            return _explained(labels, _encoded(codes, labels))
        return min(_auc(rankdata(_encoded(codes, labels == one)), labels == one) for one in frequent(labels))
    numbers = values.astype("int64" if column.type == "timestamp" else "float64").to_numpy().astype(float)
    ranks = rankdata(numbers)
    if task == "regression":
        return max(_correlation(numbers, labels), _correlation(ranks, rankdata(labels))) ** 2
    aucs = [_auc(ranks, labels == one) for one in frequent(labels)]
    return min(max(auc, 1 - auc) for auc in aucs)


def frequent(labels: Array) -> Array:
    """Return the classes with rows enough to say anything about."""
    classes, counts = np.unique(labels, return_counts=True)
    often: Array = classes[counts >= FEWEST_EACH]
    return often


def _encoded(codes: Array, labels: Array) -> Array:
    """Return, for each row, the mean label of the other folds' rows with its code, drawn towards the overall mean."""
    folds, labels = np.arange(len(codes)) % FOLDS, labels.astype(float)
    n_codes = int(codes.max()) + 1
    both = folds * n_codes + codes
    sums = np.bincount(both, labels, minlength=FOLDS * n_codes).reshape(FOLDS, n_codes)
    counts = np.bincount(both, minlength=FOLDS * n_codes).reshape(FOLDS, n_codes)
    elsewhere, n_elsewhere = sums.sum(axis=0) - sums, counts.sum(axis=0) - counts
    means: Array = (elsewhere + labels.mean()) / (n_elsewhere + 1)
    return means[folds, codes]


def _auc(ranks: Array, positive: Array) -> float:
    n_positive = int(positive.sum())
    n_negative = len(positive) - n_positive
    return float((ranks[positive].sum() - n_positive * (n_positive + 1) / 2) / (n_positive * n_negative))


def _correlation(left: Array, right: Array) -> float:
    if np.ptp(left) == 0 or np.ptp(right) == 0:
        return 0.0
    with np.errstate(all="ignore"):  # numbers near either end of float64 have no variance
        correlation = np.corrcoef(left, right)[0, 1]
    return float(abs(correlation)) if np.isfinite(correlation) else 0.0


def _explained(labels: Array, estimates: Array) -> float:
    with np.errstate(all="ignore"):
        explained = 1 - ((labels - estimates) ** 2).sum() / ((labels - labels.mean()) ** 2).sum()
    return float(explained) if np.isfinite(explained) else 0.0
