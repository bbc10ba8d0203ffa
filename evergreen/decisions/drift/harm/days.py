"""Losses of rows, between 0 and 1, and what they add up to by local day."""

from collections.abc import Sequence
from datetime import date
from typing import Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from evergreen.base.values import Value
from evergreen.config.contract.columns import Task
from evergreen.learning.evaluation.difference import typed_labels

Array = npt.NDArray[np.float64]
Loss = Literal["brier", "error", "absolute error"]
MEDIANS = 4  # of errors that are normal, as much as their 99.3 % quantile


class Day(Value):
    """Rows whose event lies on this local day and whose labels are known: how many, and the sum of their losses."""

    day: date
    n: int
    loss: float


def losses(
    task: Task,
    labels: pd.Series,
    estimates: npt.ArrayLike,
    *,
    loss: Loss,
    threshold: float = 0.5,
    scale: float | None = None,
) -> Array:
    """Return the loss of each row, shape (n,), in [0, 1]; NaN where the label or the estimate is not there.

    Parameters
    ----------
    labels, estimates : shape (n,); estimates are probabilities of true (binary), classes (multiclass) or values. A
        probability outside [0, 1] counts as not there.
    loss : "brier" (binary), "error" (binary and multiclass), or "absolute error" (regression).
    threshold : from which on a probability says true; for the error of binary tasks.
    scale : the absolute error that counts as 1, in the target's unit, above 0 (`scale_of`); larger ones count as 1 too.

    Raises
    ------
    ValueError if the task has no such loss, or regression no scale.
    PerformanceError if labels are not of the task's kind.

    Examples
    --------
    >>> losses("binary", pd.Series([True, False, None]), [0.9, 0.2, 0.5], loss="brier").round(3).tolist()
    [0.01, 0.04, nan]
    >>> losses("regression", pd.Series([1.0, 2.0]), [1.5, 9.0], loss="absolute error", scale=2.0).tolist()
    [0.25, 1.0]
    """
    if loss not in {"binary": ("brier", "error"), "multiclass": ("error",), "regression": ("absolute error",)}[task]:
        raise ValueError(f"a {task} task has no loss {loss!r}")
    if task == "regression" and not (scale and 0 < scale < np.inf):
        raise ValueError(f"the absolute error needs the error that counts as 1, above 0; scale is {scale}")
    given = pd.Series(estimates).reset_index(drop=True)
    known = (labels.notna().to_numpy() & given.notna().to_numpy()).astype(np.bool_)
    if task == "binary":
        known &= given.between(0, 1).to_numpy(dtype=np.bool_)
    truth, said = typed_labels(task, labels[known]), given[known]
    found = np.full(len(labels), np.nan)
    if task == "multiclass":
        found[known] = truth != said.to_numpy(dtype=np.str_)
    elif task == "regression":
        with np.errstate(invalid="ignore"):
            found[known] = np.minimum(np.abs(_numbers(said) - truth.astype(np.float64)) / scale, 1)
    elif loss == "brier":
        found[known] = (_numbers(said) - truth.astype(np.float64)) ** 2
    else:
        found[known] = (_numbers(said) >= threshold) != truth
    return found


def scale_of(errors: npt.ArrayLike) -> float:
    """Return the absolute error that counts as 1: four times the median of the gate's, shape (n,).

    Notes
    -----
    A quantile far out belongs to few rows, and with heavy tails it is so large that everyday errors hardly count. With
    the median, what a champion does on most rows makes up the loss, and a single row cannot be more than 1. Where more
    than half of the errors are 0, the median is of those that are not; where all are, the scale is 1.

    Examples
    --------
    >>> scale_of([0.0, -1.0, 2.0, 3.0, 1e9])
    8.0
    """
    sizes = np.abs(np.asarray(errors, dtype=np.float64))
    sizes = sizes[np.isfinite(sizes)]
    median = float(np.median(sizes)) if len(sizes) else 0.0
    if median == 0:
        positive = sizes[sizes > 0]
        median = float(np.median(positive)) if len(positive) else 1 / MEDIANS
    return MEDIANS * median


def days_of(dates: Sequence[date], losses: Array) -> tuple[Day, ...]:
    """Return the days of rows, in order; `dates`: the local day of each row's event, shape (n,).

    A loss that is not a number makes its day one that cannot be judged, so leave rows without a label out.
    """
    days, codes = np.unique(np.asarray(dates, dtype="datetime64[D]"), return_inverse=True)
    counted, summed = np.bincount(codes), np.bincount(codes, weights=losses)
    return tuple(
        Day(day=day, n=n, loss=loss)
        for day, n, loss in zip(days.tolist(), counted.tolist(), summed.tolist(), strict=True)
    )


def _numbers(said: pd.Series) -> Array:
    return said.to_numpy(dtype=np.float64)
