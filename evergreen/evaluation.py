"""What a model is worth on rows it has not seen, in scikit-learn's metrics, and the figures that show it."""

import io
from typing import TYPE_CHECKING, Any

from evergreen.artifacts import Value

if TYPE_CHECKING:
    import numpy as np
    from matplotlib.figure import Figure

    Array = np.ndarray[Any, Any]


class Report(Value):
    """Metrics of candidate and baseline on the same test rows, and of the candidate on its own train rows."""

    family: str
    baseline_family: str
    candidate: dict[str, float]
    baseline: dict[str, float]
    train: dict[str, float]
    n_train: int
    n_test: int


class Comparison(Value):
    """Candidate against champion on the same rows: the difference in ROC AUC and its interval.

    `why_not` says why the comparison is not valid; the numbers are None then.
    """

    champion_version: int
    champion: float | None = None
    difference: float | None = None
    low: float | None = None
    high: float | None = None
    why_not: str = ""


def measure(labels: "Array", probabilities: "Array", *, threshold: float) -> dict[str, float]:
    """Return the metrics of binary `labels`, shape (n,), under `probabilities` of the positive label, shape (n,)."""
    from sklearn import metrics

    chosen = probabilities >= threshold
    return {
        "roc_auc": float(metrics.roc_auc_score(labels, probabilities)),
        "average_precision": float(metrics.average_precision_score(labels, probabilities)),
        "log_loss": float(metrics.log_loss(labels, probabilities)),
        "brier": float(metrics.brier_score_loss(labels, probabilities)),
        "accuracy": float(metrics.accuracy_score(labels, chosen)),
        "precision": float(metrics.precision_score(labels, chosen, zero_division=0.0)),
        "recall": float(metrics.recall_score(labels, chosen)),
        "f1": float(metrics.f1_score(labels, chosen)),
    }


def figures(labels: "Array", candidate: "Array", baseline: "Array", *, threshold: float) -> dict[str, bytes]:
    """Return PNG figures by file name: ROC and precision-recall curves, reliability, and the confusion matrix."""
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


def _canvas() -> "tuple[Figure, Any]":
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5, 4.5), layout="constrained")
    return figure, figure.add_subplot()


def _png(figure: "Figure") -> bytes:
    target = io.BytesIO()
    figure.savefig(target, format="png", dpi=100, metadata={"Software": None})
    return target.getvalue()
