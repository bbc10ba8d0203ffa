"""Recalibration: a fitted model's answers, mapped to what came true since; the model itself stays as it is."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from scipy.optimize import minimize

from evergreen.base.errors import DataError
from evergreen.config.contract.columns import Task
from evergreen.learning.evaluation import score
from evergreen.learning.evaluation.estimates import Estimates
from evergreen.learning.model.compiled.curves import EPSILON
from evergreen.learning.tuning import calibration
from evergreen.learning.tuning.calibration import Calibration, CalibrationMap, put_together, taken_apart

Array = np.ndarray[Any, Any]
PULL = 1.0  # rows that speak for no offset of a class, so that one that never came does not vanish


class CannotRepairError(DataError):
    """A rung that cannot be made; its text says why."""


def cannot(why: str) -> CannotRepairError:
    """Return the error of a rung that cannot be made."""
    return CannotRepairError("RET002", why, where="repair", next_step="Train instead: evergreen retrain --reason WHY")


def fit_map(task: Task, labels: Array, estimates: Estimates) -> CalibrationMap:
    """Return the map of a model's answers that fits what came true best.

    Binary: slope and intercept of the log odds (Platt, 1999), of which the intercept alone answers a change of the base
    rate (Saerens, Latinne and Decaestecker, 2002). Multiclass: a temperature and an offset of each class. Regression:
    the median residual.

    Parameters
    ----------
    labels : shape (n,), as the target is fitted; for multiclass, rows of classes that the model knows.

    Raises
    ------
    CannotRepairError if the labels are of one class, or the model ranks rows the wrong way round.
    """
    if task == "regression":
        return CalibrationMap(method="offset", numbers=(float(np.median(labels - estimates.values)),))
    if len(np.unique(labels)) < 2:
        raise cannot("the labels that came since are of one class")
    if task == "multiclass":
        return _offsets(labels, estimates)
    fitted = calibration.fit("sigmoid", labels, estimates.values)
    if fitted.numbers[0] <= 0:
        raise cannot("the model ranks rows the wrong way round by now, which no calibration mends")
    return fitted


def _offsets(labels: Array, estimates: Estimates) -> CalibrationMap:
    classes = estimates.classes
    at = np.searchsorted(classes, labels.astype(str))
    logarithms = np.log(np.clip(estimates.values, EPSILON, 1 - EPSILON))
    came = np.eye(len(classes))[at]

    def loss(numbers: Array) -> tuple[float, Array]:
        slope, offsets = np.exp(-numbers[0]), numbers[1:]
        sums = slope * logarithms + offsets
        sums = sums - sums.max(axis=1, keepdims=True)
        logs = sums - np.log(np.exp(sums).sum(axis=1, keepdims=True))
        wrong = np.exp(logs) - came
        by_temperature = -slope * float((wrong * logarithms).sum())
        value = -float(logs[np.arange(len(at)), at].sum()) + PULL / 2 * float(offsets @ offsets)
        return value, np.append(by_temperature, wrong.sum(axis=0) + PULL * offsets)

    bounds = [(-3.0, 3.0), *[(None, None)] * len(classes)]
    numbers = minimize(loss, np.zeros(1 + len(classes)), jac=True, method="L-BFGS-B", bounds=bounds).x
    return CalibrationMap(method="offsets", numbers=(float(np.exp(numbers[0])), *map(float, numbers[1:])))


def composed(before: CalibrationMap | None, then: CalibrationMap) -> CalibrationMap:
    """Return one map for two: `before`, where there is one, and `then` of its answers.

    Of an isotonic map the knots' answers are mapped, and what lies between two knots stays a straight line.

    Examples
    --------
    >>> one = CalibrationMap(method="sigmoid", numbers=(2.0, 1.0))
    >>> composed(one, CalibrationMap(method="sigmoid", numbers=(0.5, 0.1))).numbers
    (1.0, 0.6)
    """
    if before is None:
        return then
    if then.method == "offset":
        return CalibrationMap(method="offset", numbers=(before.numbers[0] + then.numbers[0],))
    if then.method == "offsets":
        temperature, *offsets = then.numbers
        earlier = before.numbers[1:] or (0.0,) * len(offsets)
        both = [now + was / temperature for now, was in zip(offsets, earlier, strict=True)]
        return CalibrationMap(method="offsets", numbers=(before.numbers[0] * temperature, *both))
    if before.method == "isotonic":
        half = len(before.numbers) // 2
        mapped = then(np.array(before.numbers[half:]))
        return CalibrationMap(method="isotonic", numbers=(*before.numbers[:half], *map(float, mapped)))
    (slope, intercept), (was_slope, was_intercept) = then.numbers, before.numbers
    return CalibrationMap(method="sigmoid", numbers=(slope * was_slope, slope * was_intercept + intercept))


def recalibrated(pipeline: Any, then: CalibrationMap) -> tuple[Any, CalibrationMap]:
    """Return a fitted pipeline whose answers pass through one more map, and the one map that they pass through now."""
    fitted, before = taken_apart(pipeline)
    curve = composed(before, then)
    return put_together(fitted, curve), curve


def own_calibration(manifest: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Return the calibration that a model was fitted with, before it was repaired, as its manifest says it."""
    kept: Mapping[str, Any] | None = manifest["own_calibration"] if "repair" in manifest else manifest["calibration"]
    return kept


def own_curve(manifest: Mapping[str, Any]) -> CalibrationMap | None:
    """Return the curve of `own_calibration`: what a refit of the model takes along."""
    kept = own_calibration(manifest)
    return CalibrationMap.model_validate(kept["curve"]) if kept else None


def out_of_fold(task: Task, labels: Array, estimates: Estimates, blocks: Sequence[Array]) -> Estimates:
    """Return the answers of blocks of rows, each mapped by what all other blocks fit, in the order of the rows.

    Parameters
    ----------
    blocks : positions of the rows, each row in one.
    """
    mapped = np.array(estimates.values, dtype=np.float64)
    for block in blocks:
        others = np.setdiff1d(np.arange(len(labels)), block)
        known = Estimates(task, estimates.values[others], estimates.classes)
        mapped[block] = fit_map(task, labels[others], known)(estimates.values[block])
    return Estimates(task, mapped, estimates.classes)


def described(
    task: Task, labels: Array, before: Estimates, after: Estimates, curve: CalibrationMap
) -> Calibration | None:
    """Return what a recalibration does, measured on rows that it was not fitted on; None for regression."""
    if task == "regression":
        return None
    loss, error = ([score(name, labels, stage) for stage in (before, after)] for name in ("log_loss", "ece"))
    return Calibration(
        curve=curve,
        is_applied=True,
        log_loss=(loss[0], loss[1]),
        ece=(error[0], error[1]),
        n_rows=len(labels),
    )
