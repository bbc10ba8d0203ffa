"""How two models differ in the gate's metric on the same rows."""

import numpy as np
import numpy.typing as npt
import pandas as pd

from evergreen.base.errors import DataError
from evergreen.base.values import Value
from evergreen.config.contract.columns import Task
from evergreen.learning.evaluation import intervals

Array = npt.NDArray[np.float64]
Labels = npt.NDArray[np.generic]


class PerformanceError(DataError):
    """Labels and predictions do not belong together, or cannot be compared."""


class Difference(Value):
    """`difference` = `first` - `second`, in the gate's metric on the same rows, with its interval at `confidence`."""

    first: float
    second: float
    difference: float
    low: float
    high: float
    confidence: float
    n: int


def difference(
    task: Task, labels: npt.ArrayLike, first: npt.ArrayLike, second: npt.ArrayLike, *, confidence: float
) -> Difference:
    """Return the difference in the gate's metric of two models on the same rows, with its interval.

    Parameters
    ----------
    labels : shape (n,), none missing.
    first, second : shape (n,), as in `measure`; scores of true may be on any monotone scale.
    confidence : of the two-sided interval, in (0, 1).

    Raises
    ------
    PerformanceError if the lengths differ, a prediction is missing, or `intervals.too_few` says that there are too few.

    Notes
    -----
    The paired variance of `intervals`: of ROC AUC that of DeLong, DeLong and Clarke-Pearson (1988). Models that answer
    every row alike (for ROC AUC: order every pair alike) differ by 0, with an interval of width 0.

    Examples
    --------
    >>> labels, good = [True, False] * 50, [0.6, 0.4, 0.3, 0.5] * 25
    >>> found = difference("binary", labels, good, [0.5] * 100, confidence=0.95)
    >>> found.difference, round(found.low, 3), round(found.high, 3)
    (0.0, -0.14, 0.14)
    """
    truth = typed_labels(task, pd.Series(labels))
    answers = [pd.Series(values).reset_index(drop=True) for values in (first, second)]
    if any(len(values) != len(truth) for values in answers):
        raise PerformanceError("PF001", f"{len(truth)} labels for {len(answers[0])} and {len(answers[1])} predictions")
    if any(values.isna().any() for values in answers):
        raise PerformanceError("PF002", "a prediction is missing")
    few = intervals.too_few(task, truth)
    if few:
        raise PerformanceError("PF003", few, next_step="Compare on more rows.")
    one, other = (intervals.contributions(task, truth, values.to_numpy()) for values in answers)
    gap = one.value - other.value
    apart = tuple(a - b for a, b in zip(one.groups, other.groups, strict=True))
    half = intervals.half_width(apart, confidence=confidence)
    return Difference(
        first=one.value,
        second=other.value,
        difference=gap,
        low=gap - half,
        high=gap + half,
        confidence=confidence,
        n=len(truth),
    )


def typed_labels(task: Task, known: pd.Series) -> Labels:
    """Return known labels in the type of the task; raises PerformanceError for others."""
    if task == "multiclass":
        return known.to_numpy(dtype=np.str_)
    fitting = known.isin([True, False]).all() if task == "binary" else pd.api.types.is_numeric_dtype(known)
    if len(known) and not fitting:
        kinds = "true, false or missing" if task == "binary" else "numbers or missing"
        raise PerformanceError("PF004", f"labels are {kinds}; these are of type {known.dtype}")
    return known.to_numpy(dtype=np.bool_ if task == "binary" else np.float64)
