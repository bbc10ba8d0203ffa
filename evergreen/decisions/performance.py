"""How good predictions turned out to be, once labels are known, and how two models differ on the same rows."""

from typing import Literal

import numpy as np
import numpy.typing as npt
import pandas as pd
from pydantic import Field

from evergreen.base.values import Value
from evergreen.config.contract.columns import Task
from evergreen.config.objectives import GATE_METRIC, GateMetric
from evergreen.learning.evaluation import intervals
from evergreen.learning.evaluation.difference import Labels, PerformanceError, typed_labels


class Performance(Value):
    """A window's matured performance, on its labelled rows.

    `value` of `metric`, the gate's, with its interval `low`, `high` at `confidence`; None where the verdict is
    "unknown", and `evidence` says why. `others`: log_loss in nats and brier (binary), accuracy (multiclass), or rmse
    and mae in the target's unit (regression); empty where no row has a label.
    """

    verdict: Literal["measured", "unknown"]
    evidence: str
    n_labelled: int
    n_unlabelled: int
    confidence: float
    metric: GateMetric
    value: float | None = None
    low: float | None = None
    high: float | None = None
    others: dict[str, float] = Field(default_factory=dict)


def measure(
    task: Task, labels: pd.Series, compared: pd.Series | npt.ArrayLike, *, confidence: float = 0.95
) -> Performance:
    """Return what predictions were worth.

    Parameters
    ----------
    labels : shape (n,), missing where the outcome is not known (yet).
    compared : shape (n,), row by row: probabilities of true (binary), classes (multiclass) or values (regression).
    confidence : of the two-sided interval, in (0, 1).

    Returns
    -------
    Performance, "unknown" with fewer than 10 labelled rows of either truth value, 5 of a class that occurs, or 20
    values, and where the labels do not vary.

    Raises
    ------
    PerformanceError if the lengths differ, a prediction is missing or a probability outside [0, 1], or a label is not
    of the task's kind.

    Notes
    -----
    Intervals as in `intervals`; that of ROC AUC is DeLong's.

    Examples
    --------
    >>> found = measure("binary", pd.Series([True, False] * 50), [0.6, 0.4, 0.3, 0.5] * 25)
    >>> found.value, round(found.low, 3), round(found.high, 3)
    (0.5, 0.36, 0.64)
    """
    given = pd.Series(compared).reset_index(drop=True)
    if len(given) != len(labels):
        raise PerformanceError("PF001", f"{len(labels)} labels for {len(given)} predictions")
    _require_predictions(task, given)
    known = labels.notna().to_numpy()
    truth, answered = typed_labels(task, labels[known]), given[known].to_numpy()
    few = intervals.too_few(task, truth)
    metric = GATE_METRIC[task]
    measured: dict[str, float] = {}
    evidence = few
    if not few:
        contributions = intervals.contributions(task, truth, answered)
        low, high = intervals.interval(task, truth, contributions, confidence=confidence)
        measured = {"value": contributions.value, "low": low, "high": high}
        evidence = f"{metric} {contributions.value:.4f} [{low:.4f}, {high:.4f}] on {len(truth)} labelled rows"
    return Performance(
        verdict="unknown" if few else "measured",
        evidence=evidence,
        n_labelled=len(truth),
        n_unlabelled=int((~known).sum()),
        confidence=confidence,
        metric=metric,
        others=_others(task, truth, answered) if len(truth) else {},
        **measured,
    )


def _require_predictions(task: Task, given: pd.Series) -> None:
    if task == "multiclass":
        bad = int(given.isna().sum())
    else:
        numbers = given.to_numpy(dtype=np.float64)
        bad = int((~(((numbers >= 0) & (numbers <= 1)) if task == "binary" else np.isfinite(numbers))).sum())
    if bad:
        within = " or outside [0, 1]" if task == "binary" else ""
        raise PerformanceError("PF002", f"{bad} of {len(given)} predictions are missing{within}")


def _others(task: Task, truth: Labels, compared: Labels) -> dict[str, float]:
    if task == "multiclass":
        return {"accuracy": float(np.mean(truth == compared.astype(np.str_)))}
    values = compared.astype(np.float64)
    error = values - truth.astype(np.float64)
    if task == "regression":
        return {"rmse": float(np.sqrt(np.mean(error**2))), "mae": float(np.mean(np.abs(error)))}
    # A confident miss counts as the smallest float, as in scikit-learn, not as infinity.
    given = np.clip(np.where(truth, values, 1 - values), np.finfo(np.float64).eps, 1.0)
    return {"log_loss": float(-np.log(given).mean()), "brier": float(np.mean(error**2))}
