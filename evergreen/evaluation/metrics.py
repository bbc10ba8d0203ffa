"""What a model is worth on rows it has not seen, in scikit-learn's metrics."""

from typing import TYPE_CHECKING, Any

from evergreen.estimates import Estimates

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]


def measure(labels: "Array", estimates: Estimates, *, threshold: float) -> dict[str, float]:
    """Return the metrics of `labels`, shape (n,), under estimates of the same rows; `threshold` is a binary label's.

    Binary: of the positive label. Multiclass: macro averages over the classes, each of which occurs in `labels`;
    ``roc_auc_ovr`` is of each class against the rest. Regression: in the target's unit, ``r2`` aside.
    """
    measures = {"binary": _of_truths, "multiclass": _of_classes, "regression": _of_numbers}
    return measures[estimates.task](labels, estimates, threshold)


def _of_truths(labels: "Array", estimates: Estimates, threshold: float) -> dict[str, float]:
    from sklearn import metrics

    probabilities = estimates.values
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


def _of_classes(labels: "Array", estimates: Estimates, _: float) -> dict[str, float]:
    import numpy as np
    from sklearn import metrics

    labels, chosen, classes = labels.astype(str), estimates.judged.astype(str), list(estimates.classes)
    against_rest = [
        metrics.roc_auc_score(labels == name, estimates.values[:, position]) for position, name in enumerate(classes)
    ]
    macro = {"labels": classes, "average": "macro", "zero_division": 0.0}
    return {
        "balanced_accuracy": float(metrics.balanced_accuracy_score(labels, chosen)),
        "accuracy": float(metrics.accuracy_score(labels, chosen)),
        "log_loss": float(metrics.log_loss(labels, estimates.values, labels=classes)),
        "f1_macro": float(metrics.f1_score(labels, chosen, **macro)),
        "precision_macro": float(metrics.precision_score(labels, chosen, **macro)),
        "recall_macro": float(metrics.recall_score(labels, chosen, **macro)),
        "roc_auc_ovr": float(np.mean(against_rest)),
    }


def _of_numbers(labels: "Array", estimates: Estimates, _: float) -> dict[str, float]:
    from sklearn import metrics

    values = estimates.values
    return {
        "r2": float(metrics.r2_score(labels, values)),
        "rmse": float(metrics.root_mean_squared_error(labels, values)),
        "mae": float(metrics.mean_absolute_error(labels, values)),
        "median_absolute_error": float(metrics.median_absolute_error(labels, values)),
    }
