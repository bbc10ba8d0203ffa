"""What an experiment measures by row, and what the champion's answer to the same row says of it beforehand."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from evergreen.config.contract.columns import Task
from evergreen.decisions.experiments.design import METRICS, MetricName

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Answers:
    """What was said of rows, each of shape (n,); NaN or None where nothing is.

    `label`: a truth value or a class; `estimate`: the probability of true, or of the label where there are classes, or
    the value.
    """

    label: npt.NDArray[np.object_]
    estimate: Array


def needs_label(metric: MetricName) -> bool:
    """Return whether a row counts only once its label is known."""
    return metric != "latency"


def measured(
    metric: MetricName, answers: Answers, target: npt.NDArray[np.object_], latency_ms: Array, task: Task
) -> Array:
    """Return a metric of each row; NaN where it is not known.

    Parameters
    ----------
    target : the labels, None where none is known.

    Raises
    ------
    ValueError if the task has no such metric.

    Examples
    --------
    >>> said = Answers(np.array([True, False], dtype=object), np.array([0.9, 0.4]))
    >>> truth = np.array([False, None], dtype=object)
    >>> measured("brier", said, truth, np.array([1.0, 2.0]), "binary").round(2).tolist()
    [0.81, nan]
    """
    if metric not in METRICS[task]:
        raise ValueError(f"a {task} task has no metric {metric!r}")
    if metric == "latency":
        return latency_ms
    known = np.array([label is not None for label in target], dtype=np.bool_)
    found = np.full(len(target), np.nan)
    if metric == "error":
        found[known] = answers.label[known] != target[known]
        return found
    truth = target[known].astype(np.float64)
    if metric == "target":
        found[known] = truth
    elif metric == "brier":
        found[known] = (answers.estimate[known] - truth) ** 2
    else:
        found[known] = np.abs(answers.estimate[known] - truth)
    return found


def expected(metric: MetricName, champion: Answers, task: Task) -> Array | None:
    """Return what the champion's answer to each row says of a metric before anybody is assigned; None of latency.

    Of an error: the probability that its label is wrong; of a Brier score: p (1 - p); of a target, and of the error of
    a value: its estimate.

    Examples
    --------
    >>> said = Answers(np.array([True, False], dtype=object), np.array([0.9, 0.4]))
    >>> expected("error", said, "binary").round(2).tolist(), expected("latency", said, "binary")
    ([0.1, 0.4], None)
    """
    if metric == "latency":
        return None
    if metric == "error":
        if task == "multiclass":
            return 1 - champion.estimate
        says_true = np.array([label is True or label == 1 for label in champion.label], dtype=np.bool_)
        return np.where(says_true, 1 - champion.estimate, champion.estimate)
    return champion.estimate * (1 - champion.estimate) if metric == "brier" else champion.estimate
