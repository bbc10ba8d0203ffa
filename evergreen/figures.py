"""The figures that show what a model is worth, as PNG bytes by file name: the same bytes every time."""

import io
from typing import TYPE_CHECKING, Any

from evergreen.estimates import Estimates

if TYPE_CHECKING:
    import numpy as np
    from matplotlib.figure import Figure

    Array = np.ndarray[Any, Any]

MOST_CURVES = 10  # beyond that a legend hides the curves


def draw(labels: "Array", candidate: Estimates, baseline: Estimates, *, threshold: float) -> dict[str, bytes]:
    """Return figures of `labels`, shape (n,), and of two models' estimates of the same rows.

    Binary: ROC and precision-recall curves, reliability, and the confusion matrix at `threshold`. Multiclass: the
    confusion matrix, and the ROC curve of each class against the rest. Regression: predicted against actual values,
    and residuals.
    """
    if candidate.task == "binary":
        return _of_truths(labels, candidate.values, baseline.values, threshold)
    if candidate.task == "multiclass":
        return _of_classes(labels.astype(str), candidate)
    return _of_numbers(labels, candidate.values)


def _of_truths(labels: "Array", candidate: "Array", baseline: "Array", threshold: float) -> dict[str, bytes]:
    from sklearn import metrics
    from sklearn.calibration import CalibrationDisplay

    scores = {"candidate": candidate, "baseline": baseline}
    drawn: dict[str, bytes] = {}
    for name, display in (("roc", metrics.RocCurveDisplay), ("precision_recall", metrics.PrecisionRecallDisplay)):
        figure, axes = _canvas()
        for label, probabilities in scores.items():
            display.from_predictions(labels, probabilities, name=label, ax=axes)
        drawn[f"{name}.png"] = _png(figure)
    figure, axes = _canvas()
    for label, probabilities in scores.items():
        CalibrationDisplay.from_predictions(labels, probabilities, n_bins=10, strategy="quantile", name=label, ax=axes)
    drawn["reliability.png"] = _png(figure)
    figure, axes = _canvas()
    metrics.ConfusionMatrixDisplay.from_predictions(labels, candidate >= threshold, ax=axes, colorbar=False)
    drawn["confusion_matrix.png"] = _png(figure)
    return drawn


def _of_classes(labels: "Array", candidate: Estimates) -> dict[str, bytes]:
    from sklearn import metrics

    drawn: dict[str, bytes] = {}
    figure, axes = _canvas()
    metrics.ConfusionMatrixDisplay.from_predictions(
        labels,
        candidate.judged.astype(str),
        labels=list(candidate.classes),
        ax=axes,
        colorbar=False,
        xticks_rotation="vertical",
        include_values=len(candidate.classes) <= MOST_CURVES,
    )
    drawn["confusion_matrix.png"] = _png(figure)
    figure, axes = _canvas()
    by_rows = sorted(candidate.classes, key=lambda name: -int((labels == name).sum()))
    for name in by_rows[:MOST_CURVES]:
        probabilities = candidate.values[:, candidate.classes.index(name)]
        metrics.RocCurveDisplay.from_predictions(labels == name, probabilities, name=name, ax=axes)
    drawn["roc_ovr.png"] = _png(figure)
    return drawn


def _of_numbers(labels: "Array", candidate: "Array") -> dict[str, bytes]:
    from sklearn.metrics import PredictionErrorDisplay

    drawn: dict[str, bytes] = {}
    for name, kind in (("predicted", "actual_vs_predicted"), ("residuals", "residual_vs_predicted")):
        figure, axes = _canvas()
        PredictionErrorDisplay.from_predictions(
            labels, candidate, kind=kind, ax=axes, subsample=1_000, random_state=0, scatter_kwargs={"alpha": 0.5}
        )
        drawn[f"{name}.png"] = _png(figure)
    return drawn


def _canvas() -> "tuple[Figure, Any]":
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5, 4.5), layout="constrained")
    return figure, figure.add_subplot()


def _png(figure: "Figure") -> bytes:
    target = io.BytesIO()
    figure.savefig(target, format="png", dpi=100, metadata={"Software": None})
    return target.getvalue()
