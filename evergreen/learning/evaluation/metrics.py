"""What scikit-learn makes of labels and estimates, metric by metric."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Literal

from evergreen.config.objectives import METRICS, fitting
from evergreen.learning.evaluation.estimates import Estimates

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

Costs = Mapping[str, Mapping[str, float]]
ECE_BINS = 10


def measure(
    labels: "Array", estimates: Estimates, *, threshold: float = 0.5, costs: Costs | None = None
) -> dict[str, float]:
    """Return the metrics of `labels`, shape (n,), under estimates of the same rows, but those that are `undefined`.

    Parameters
    ----------
    threshold : a binary probability at or above it is answered with true.
    costs : as `EvaluateParams.costs`; without them there is no ``cost``.

    Notes
    -----
    Binary: of the positive label. Multiclass: macro averages are over all classes of the estimates, of which one that
    is never answered counts 0; ``roc_auc_ovr`` is of each class against the rest. Regression: in the target's unit,
    ``r2`` and ``mape`` aside.
    """
    labels, classes, said = _typed(labels, estimates, threshold)
    lacking = undefined(labels, estimates, threshold=threshold)
    metrics = {
        name: float(FUNCTIONS[name](labels, said[METRICS[name].of], classes))
        for name in fitting(estimates.task)
        if name not in lacking
    }
    if costs:
        metrics["cost"] = float(costs_of(labels, said["labels"], costs).mean())
    return metrics


def score(name: str, labels: "Array", estimates: Estimates, *, threshold: float = 0.5) -> float:
    """Return one metric, as a search compares trials by it; NaN where it is `undefined` whatever the answers are.

    Examples
    --------
    >>> import numpy as np
    >>> score("accuracy", np.array([True, False]), Estimates("binary", np.array([0.9, 0.6])))
    0.5
    """
    if name in undefined(labels, estimates):
        return float("nan")
    labels, classes, said = _typed(labels, estimates, threshold)
    return float(FUNCTIONS[name](labels, said[METRICS[name].of], classes))


def undefined(labels: "Array", estimates: Estimates, *, threshold: float | None = None) -> dict[str, str]:
    """Return why metrics have no value on these rows, by name. A value there would say more than the rows do.

    Without a `threshold`, precision and macro averages have one: a class that is never there or never answered counts
    0, for every trial of a search alike.
    """
    import numpy as np

    if not len(labels):
        return dict.fromkeys(fitting(estimates.task), "no rows")
    lacking: dict[str, str] = {}
    if estimates.task == "regression":
        values = labels.astype(np.float64)
        if np.ptp(values) == 0:
            lacking["r2"] = "the target does not vary"
        if (values == 0).any():
            lacking["mape"] = "the target is 0 in a row"
        with np.errstate(over="ignore", invalid="ignore"):
            off = np.square(np.concatenate([values - estimates.values, values - values.mean()])).sum()
        if not np.isfinite(off):
            lacking |= dict.fromkeys(("r2", "rmse"), "its squares are beyond the largest number")
    elif estimates.task == "binary":
        n_true = int(np.sum(labels.astype(np.bool_)))
        if n_true in (0, len(labels)):
            why = f"every row is {'true' if n_true else 'false'}"
            lacking |= dict.fromkeys(("roc_auc", "average_precision", "balanced_accuracy", "matthews"), why)
            if not n_true:
                lacking |= dict.fromkeys(("recall", "f1"), why)
        if threshold is not None and not (estimates.values >= threshold).any():
            lacking["precision"] = "no row is answered with true"
    else:
        present = np.unique(labels.astype(str)).tolist()
        absent = sorted(set(estimates.classes) - set(present))
        if absent:
            macro = ("f1_macro", "precision_macro", "recall_macro") if threshold is not None else ()
            lacking |= dict.fromkeys(("roc_auc_ovr", *macro), f"no row is '{absent[0]}'")
        if len(present) == 1:
            lacking["matthews"] = f"every row is '{present[0]}'"
    return lacking


def costs_of(labels: "Array", answers: "Array", costs: Costs) -> "Array":
    """Return what each answer costs, shape (n,), in the unit of `costs`; a truth value is ``true`` or ``false``."""
    import numpy as np

    truth, said = (
        np.where(values, "true", "false") if values.dtype == bool else values.astype(np.str_)
        for values in (labels, answers)
    )
    row_costs = np.zeros(len(labels))
    for actual, row in costs.items():
        for answer, cost in row.items():
            row_costs[(truth == actual) & (said == answer)] = cost
    return row_costs


def calibration_bins(probabilities: "Array") -> "Array":
    """Return the bin of each probability, shape (n,): ECE_BINS of equal mass, where equal values share the first."""
    import numpy as np

    edges = np.quantile(probabilities, np.linspace(0, 1, ECE_BINS + 1)[1:-1])
    bins: Array = np.searchsorted(edges, probabilities, side="right")
    return bins


def confidence_and_hits(labels: "Array", probabilities: "Array", classes: list[Any]) -> "tuple[Array, Array]":
    """Return what calibration compares, each of shape (n,): a probability, and whether what it is of came true.

    Binary: the probability of true. Multiclass: that of the likeliest class.
    """
    import numpy as np

    if probabilities.ndim == 1:
        return probabilities, labels.astype(np.float64)
    return probabilities.max(axis=1), (labels == np.array(classes)[probabilities.argmax(axis=1)]).astype(np.float64)


def _typed(
    labels: "Array", estimates: Estimates, threshold: float
) -> "tuple[Array, list[Any], dict[Literal['probabilities', 'labels', 'values'], Array]]":
    import numpy as np

    if estimates.task == "regression":
        return labels.astype(np.float64), [], {"values": estimates.values}
    if estimates.task == "binary":
        answers = estimates.values >= threshold
        return labels.astype(np.bool_), [False, True], {"probabilities": estimates.values, "labels": answers}
    answers = estimates.compared.astype(np.str_)
    return labels.astype(np.str_), list(estimates.classes), {"probabilities": estimates.values, "labels": answers}


def _roc_auc(labels: "Array", probabilities: "Array", _: list[Any]) -> float:
    from sklearn.metrics import roc_auc_score

    return float(roc_auc_score(labels, probabilities))


def _roc_auc_ovr(labels: "Array", probabilities: "Array", classes: list[Any]) -> float:
    from sklearn.metrics import roc_auc_score

    # scikit-learn's multiclass form wants rows that sum to 1 more exactly than some estimators do.
    areas = [roc_auc_score(labels == name, probabilities[:, position]) for position, name in enumerate(classes)]
    return float(sum(areas) / len(areas))


def _average_precision(labels: "Array", probabilities: "Array", _: list[Any]) -> float:
    from sklearn.metrics import average_precision_score

    return float(average_precision_score(labels, probabilities))


def _log_loss(labels: "Array", probabilities: "Array", classes: list[Any]) -> float:
    from sklearn.metrics import log_loss

    if probabilities.ndim == 2:  # those of estimators that count in 32 bits sum to 1 less exactly than it wants
        probabilities = probabilities / probabilities.sum(axis=1, keepdims=True)
    return float(log_loss(labels, probabilities, labels=classes))


def _brier(labels: "Array", probabilities: "Array", classes: list[Any]) -> float:
    from sklearn.metrics import brier_score_loss

    return float(brier_score_loss(labels, probabilities, labels=classes))


def _ece(labels: "Array", probabilities: "Array", classes: list[Any]) -> float:
    """Return the expected calibration error: over bins of equal mass, the mean of |confidence - accuracy|.

    Naeini, Cooper and Hauskrecht (2015); of the likeliest class in Guo, Pleiss, Sun and Weinberger (2017).
    """
    import numpy as np

    said, came = confidence_and_hits(labels, probabilities, classes)
    gaps = np.bincount(calibration_bins(said), weights=said - came)
    return float(np.abs(gaps).sum() / len(said))


def _accuracy(labels: "Array", answers: "Array", _: list[Any]) -> float:
    from sklearn.metrics import accuracy_score

    return float(accuracy_score(labels, answers))


def _balanced_accuracy(labels: "Array", answers: "Array", _: list[Any]) -> float:
    import numpy as np
    from sklearn.metrics import recall_score

    # balanced_accuracy_score warns where an answer is none of the labels; its value is this.
    return float(recall_score(labels, answers, labels=np.unique(labels), average="macro"))


def _matthews(labels: "Array", answers: "Array", _: list[Any]) -> float:
    from sklearn.metrics import matthews_corrcoef

    return float(matthews_corrcoef(labels, answers))


def _of_positive(function: str) -> "Callable[[Array, Array, list[Any]], float]":
    def of(labels: "Array", answers: "Array", _: list[Any]) -> float:
        from sklearn import metrics

        return float(getattr(metrics, function)(labels, answers, zero_division=0.0))

    return of


def _macro(function: str) -> "Callable[[Array, Array, list[Any]], float]":
    def of(labels: "Array", answers: "Array", classes: list[Any]) -> float:
        from sklearn import metrics

        return float(getattr(metrics, function)(labels, answers, labels=classes, average="macro", zero_division=0.0))

    return of


def _of_numbers(function: str) -> "Callable[[Array, Array, list[Any]], float]":
    def of(labels: "Array", values: "Array", _: list[Any]) -> float:
        from sklearn import metrics

        return float(getattr(metrics, function)(labels, values))

    return of


# Each takes labels, shape (n,), what is said of them (probabilities, answered labels or values) and the classes.
FUNCTIONS: "Mapping[str, Callable[[Array, Array, list[Any]], float]]" = {
    "roc_auc": _roc_auc,
    "average_precision": _average_precision,
    "balanced_accuracy": _balanced_accuracy,
    "accuracy": _accuracy,
    "log_loss": _log_loss,
    "brier": _brier,
    "ece": _ece,
    "precision": _of_positive("precision_score"),
    "recall": _of_positive("recall_score"),
    "f1": _of_positive("f1_score"),
    "f1_macro": _macro("f1_score"),
    "precision_macro": _macro("precision_score"),
    "recall_macro": _macro("recall_score"),
    "roc_auc_ovr": _roc_auc_ovr,
    "matthews": _matthews,
    "r2": _of_numbers("r2_score"),
    "rmse": _of_numbers("root_mean_squared_error"),
    "mae": _of_numbers("mean_absolute_error"),
    "median_absolute_error": _of_numbers("median_absolute_error"),
    "mape": _of_numbers("mean_absolute_percentage_error"),
    "pinball": _of_numbers("mean_pinball_loss"),
}
