"""Calibration: a map from a model's probabilities to better ones, measured on folds that it was not fitted on."""

from collections.abc import Callable, Sequence
from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.pipeline import Pipeline

from evergreen.base.values import Value
from evergreen.config.contract.columns import Task
from evergreen.learning.evaluation import score
from evergreen.learning.evaluation.estimates import Estimates
from evergreen.learning.model.compiled import curves
from evergreen.learning.model.compiled.curves import EPSILON, Method

Array = np.ndarray[Any, Any]
METHODS: dict[Task, tuple[Method, ...]] = {"binary": ("sigmoid", "isotonic"), "multiclass": ("temperature",)}
MIN_GAIN = 0.01  # of the log loss: less is not worth another part in the model
ERRORS = 2  # standard errors of the gain, over the rows
PULL = 1e-6  # of the squared slope, which has no end where the labels are told apart without an error
MOST_STEPS = 100
LEAST_SHARE = 1e-6  # of a step, before it is given up


class CalibrationMap(Value):
    """A map of probabilities, or of values. `numbers`: as `curves.calibrated` takes them."""

    method: Method
    numbers: tuple[float, ...]

    def __call__(self, probabilities: Array) -> Array:
        """Return better ones: probabilities of true, shape (n,), or of each class, shape (n, k), or values, (n,)."""
        return curves.calibrated(probabilities, self.method, self.numbers)


class Calibration(Value):
    """What calibration does for the winner, on validation rows that it was not fitted on.

    Log loss in nats, and expected calibration error, each before and after. `is_applied` where the log loss falls by
    more than MIN_GAIN of itself and more than ERRORS standard errors. `curve` is fitted on all validation rows.
    """

    curve: CalibrationMap
    is_applied: bool
    log_loss: tuple[float, float]
    ece: tuple[float, float]
    n_rows: int


def choose(
    task: Task, classes: tuple[str, ...], labels: Sequence[Array], estimates: Sequence[Array], *, in_time: bool
) -> Calibration | None:
    """Return the best calibration of out-of-fold estimates; None for regression, or where no fold is left to measure.

    Parameters
    ----------
    labels, estimates : of each fold's validation rows, in the folds' order.
    in_time : a fold is measured by what was fitted on the folds before it, and on all others otherwise.
    """
    measured = range(1 if in_time else 0, len(labels))
    if task == "regression" or len(labels) < 2:
        return None
    truth = np.concatenate([labels[fold] for fold in measured])

    def mapped(method: Method) -> Array:
        parts = []
        for fold in measured:
            known = [other for other in range(len(labels)) if (other < fold if in_time else other != fold)]
            of_known = [np.concatenate([by_fold[other] for other in known]) for by_fold in (labels, estimates)]
            parts.append(fit(method, of_known[0], of_known[1], classes)(estimates[fold]))
        return np.concatenate(parts)

    before = np.concatenate([estimates[fold] for fold in measured])
    after = {method: mapped(method) for method in METHODS[task]}
    losses = {method: _losses(truth, values, classes) for method, values in after.items()}
    method = METHODS[task][0]
    for other in METHODS[task][1:]:  # isotonic steps tie rows that the model told apart, so it has to be worth it
        if _gains(losses[method], losses[other]):
            method = other
    stages = [Estimates(task, values, classes) for values in (before, after[method])]
    loss, error = ([score(name, truth, stage) for stage in stages] for name in ("log_loss", "ece"))
    return Calibration(
        curve=fit(method, np.concatenate(labels), np.concatenate(estimates), classes),
        is_applied=_gains(_losses(truth, before, classes), losses[method]),
        log_loss=(loss[0], loss[1]),
        ece=(error[0], error[1]),
        n_rows=len(truth),
    )


def _losses(labels: Array, estimates: Array, classes: tuple[str, ...]) -> Array:
    """Return the log loss of each row, shape (n,)."""
    safe = np.clip(estimates, EPSILON, 1 - EPSILON)
    if classes:
        of_label = safe[np.arange(len(labels)), np.searchsorted(classes, labels.astype(str))]
    else:
        of_label = np.where(labels, safe, 1 - safe)
    losses: Array = -np.log(of_label)
    return losses


def _gains(before: Array, after: Array) -> bool:
    """Return whether the mean loss falls by more than MIN_GAIN of itself, and by more than chance moves it."""
    gained = before - after
    error = gained.std() / np.sqrt(len(gained))
    return bool(gained.mean() > max(MIN_GAIN * before.mean(), ERRORS * error))


def fit(method: Method, labels: Array, estimates: Array, classes: tuple[str, ...] = ()) -> CalibrationMap:
    """Return the curve of a method that fits estimates to their labels best."""
    return CalibrationMap(
        method=method, numbers=_FITS[method](labels, np.clip(estimates, EPSILON, 1 - EPSILON), classes)
    )


def _sigmoid(labels: Array, estimates: Array, _: tuple[str, ...]) -> tuple[float, ...]:
    """Platt's (1999), on the log odds: a model that is right already keeps slope 1 and intercept 0.

    Newton's steps with sums by numpy alone: BLAS sums more than some 10,000 numbers by as many threads as there are at
    the moment, and each number of them gives other last digits.
    """
    if len(np.unique(labels)) < 2:
        raise ValueError("a curve needs labels of both classes")
    came, odds = labels.astype(float), curves.log_odds(estimates)
    middle = float(odds.mean())
    odds = odds - middle

    def loss(slope: float, height: float) -> float:
        sums = slope * odds + height
        return float((np.logaddexp(0, sums) - came * sums).sum()) + PULL / 2 * slope**2

    slope, height = 1.0, middle
    now = loss(slope, height)
    for _step in range(MOST_STEPS):
        said = curves.linked(slope * odds + height, "Sigmoid")
        wrong, spread = said - came, said * (1 - said)
        by_slope, by_height = float((wrong * odds).sum()) + PULL * slope, float(wrong.sum())
        bend, both, of_height = (spread * odds**2).sum() + PULL, (spread * odds).sum(), spread.sum()
        within = bend * of_height - both**2
        if not within > 0:
            break
        down = (of_height * by_slope - both * by_height) / within, (bend * by_height - both * by_slope) / within
        share = 1.0
        while (then := loss(slope - share * down[0], height - share * down[1])) > now and share > LEAST_SHARE:
            share /= 2
        if not then < now:
            break
        slope, height, now = slope - share * float(down[0]), height - share * float(down[1]), then
    return slope, height - slope * middle


def _isotonic(labels: Array, estimates: Array, _: tuple[str, ...]) -> tuple[float, ...]:
    from sklearn.isotonic import IsotonicRegression

    least = 1 / (len(labels) + 2)
    fitted = IsotonicRegression(y_min=least, y_max=1 - least).fit(estimates, labels)
    return (*map(float, fitted.X_thresholds_), *map(float, fitted.y_thresholds_))


def _temperature(labels: Array, estimates: Array, classes: tuple[str, ...]) -> tuple[float, ...]:
    """One number for all classes (Guo, Pleiss, Sun and Weinberger, 2017): the likeliest stays so."""
    from scipy.optimize import minimize_scalar

    at = np.searchsorted(classes, labels.astype(str))

    def loss(log_temperature: float) -> float:
        mapped = CalibrationMap(method="temperature", numbers=(float(np.exp(log_temperature)),))(estimates)
        return -float(np.log(mapped[np.arange(len(at)), at]).mean())

    return (float(np.exp(minimize_scalar(loss, bounds=(-3, 3), method="bounded").x)),)


_FITS: dict[Method, Callable[[Array, Array, tuple[str, ...]], tuple[float, ...]]] = {
    "sigmoid": _sigmoid,
    "isotonic": _isotonic,
    "temperature": _temperature,
}


class CalibratedPipeline(ClassifierMixin, BaseEstimator):  # type: ignore[misc]  # no types
    """A fitted classifier whose probabilities pass through a curve."""

    def __init__(self, pipeline: Any, method: Method, numbers: Sequence[float]) -> None:
        self.pipeline, self.method, self.numbers = pipeline, method, numbers

    def fit(self, X: Any, y: Any) -> Self:  # noqa: N803  scikit-learn's names
        """Fit the classifier anew; the curve stays."""
        self.pipeline.fit(X, y)
        return self

    @property
    def classes_(self) -> Array:
        classes: Array = self.pipeline.classes_
        return classes

    @property
    def feature_names_in_(self) -> Array:
        names: Array = self.pipeline.feature_names_in_
        return names

    def predict_proba(self, X: Any) -> Array:  # noqa: N803
        """Return the probabilities of the classes, shape (n, k)."""
        curve, said = CalibrationMap(method=self.method, numbers=tuple(self.numbers)), self.pipeline.predict_proba(X)
        if self.method in ("temperature", "offsets"):
            return curve(said)
        of_true = curve(said[:, 1])
        return np.column_stack([1 - of_true, of_true])

    def predict(self, X: Any) -> Array:  # noqa: N803
        """Return the likeliest class of each row."""
        chosen: Array = self.classes_[self.predict_proba(X).argmax(axis=1)]
        return chosen


class ShiftedPipeline(RegressorMixin, BaseEstimator):  # type: ignore[misc]  # no types
    """A fitted regressor to whose values a number is added."""

    def __init__(self, pipeline: Any, offset: float) -> None:
        self.pipeline, self.offset = pipeline, offset

    def fit(self, X: Any, y: Any) -> Self:  # noqa: N803
        """Fit the regressor anew; the offset stays."""
        self.pipeline.fit(X, y)
        return self

    @property
    def feature_names_in_(self) -> Array:
        names: Array = self.pipeline.feature_names_in_
        return names

    def predict(self, X: Any) -> Array:  # noqa: N803
        """Return the values, shape (n,)."""
        said: Array = self.pipeline.predict(X) + self.offset
        return said


def taken_apart(pipeline: Any) -> tuple[Any, CalibrationMap | None]:
    """Return the fitted pipeline within, and the map that its answers pass through, if they do."""
    if isinstance(pipeline, CalibratedPipeline):
        return pipeline.pipeline, CalibrationMap(method=pipeline.method, numbers=tuple(pipeline.numbers))
    if isinstance(pipeline, ShiftedPipeline):
        return pipeline.pipeline, CalibrationMap(method="offset", numbers=(pipeline.offset,))
    return pipeline, None


def put_together(pipeline: Any, curve: CalibrationMap | None) -> Any:
    """Return a fitted pipeline whose answers pass through a map; the rest as `taken_apart`."""
    if curve is None:
        return pipeline
    if curve.method == "offset":
        return ShiftedPipeline(pipeline, curve.numbers[0])
    return CalibratedPipeline(pipeline, curve.method, list(curve.numbers))


def calibrated(pipeline: Pipeline, calibration: Calibration | None) -> Any:
    """Return a fitted pipeline with its curve, where calibration is applied."""
    return put_together(pipeline, calibration.curve if calibration and calibration.is_applied else None)
