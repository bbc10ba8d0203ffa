"""What one number hides: classes, calibration, curves, residuals, and the surest mistakes."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from evergreen.config.contract.contract import Contract
from evergreen.learning.analysis.values import ClassMetrics, ConfidentError, Confusion, Curve, Reliability, Residuals
from evergreen.learning.evaluation.estimates import Estimates
from evergreen.learning.evaluation.metrics import calibration_bins, confidence_and_hits

Array = npt.NDArray[Any]
Points = tuple[Array, Array]

MOST_POINTS = 200  # of all curves of a kind together
MOST_CURVES = 10
N_ERRORS = 20
SHARES = (0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99)


def per_class(labels: Array, estimates: Estimates, *, threshold: float) -> tuple[ClassMetrics, ...]:
    """Return each class against the rest; a binary target has the classes false and true."""
    from sklearn.metrics import precision_recall_fscore_support, roc_auc_score

    truth, answers, classes, probabilities = _named(labels, estimates, threshold)
    parts = precision_recall_fscore_support(truth, answers, labels=classes, zero_division=np.nan)

    def of(position: int, name: str) -> ClassMetrics:
        precision, recall, f1, support = (part[position] for part in parts)
        known = 0 < support < len(truth)
        area = float(roc_auc_score(truth == name, probabilities[:, position])) if known else None
        return ClassMetrics(
            name=name,
            support=int(support),
            precision=_defined(precision),
            recall=_defined(recall),
            f1=_defined(f1),
            roc_auc=area,
        )

    return tuple(of(position, name) for position, name in enumerate(classes))


def confusion(labels: Array, estimates: Estimates, *, threshold: float) -> Confusion:
    """Return the rows by actual and by answered class."""
    from sklearn.metrics import confusion_matrix

    truth, answers, classes, _ = _named(labels, estimates, threshold)
    counts = confusion_matrix(truth, answers, labels=classes)
    return Confusion(classes=tuple(classes), counts=tuple(tuple(map(int, row)) for row in counts))


def reliability(labels: Array, estimates: Estimates) -> Reliability:
    """Return what was said and what came true, in the bins of the expected calibration error."""
    said, came = confidence_and_hits(
        labels if estimates.task == "binary" else labels.astype(np.str_), estimates.values, list(estimates.classes)
    )
    bins = calibration_bins(said)
    rows = np.bincount(bins)
    kept = rows > 0
    sums = [np.bincount(bins, weights=values)[kept] / rows[kept] for values in (said, came)]
    return Reliability(
        said=tuple(map(float, sums[0])), came_true=tuple(map(float, sums[1])), rows=tuple(map(int, rows[kept]))
    )


def roc(labels: Array, estimates: Estimates) -> tuple[Curve, ...]:
    """Return the ROC curve of true, or of each class against the rest (of the most frequent ones)."""
    from sklearn.metrics import roc_curve

    def of(positive: Array, said: Array) -> Points:
        false_rate, true_rate, _ = roc_curve(positive, said)
        return false_rate, true_rate

    return _curves(labels, estimates, of)


def precision_recall(labels: Array, estimates: Estimates) -> tuple[Curve, ...]:
    """Return precision by recall of true, or of each class against the rest (of the most frequent ones)."""
    from sklearn.metrics import precision_recall_curve

    def of(positive: Array, said: Array) -> Points:
        precision, recall, _ = precision_recall_curve(positive, said)
        return recall[::-1], precision[::-1]

    return _curves(labels, estimates, of)


def residuals(labels: Array, estimates: Estimates) -> Residuals:
    """Return quantiles of (actual - predicted): of all rows, and of each tenth of the rows by predicted value."""
    values = estimates.values.astype(np.float64)
    error = labels.astype(np.float64) - values
    parts = np.array_split(np.argsort(values, kind="stable"), 10)
    return Residuals(
        quantiles=_quantiles(error, SHARES),
        by_prediction=tuple(
            {"predicted": float(values[part].mean()), **_quantiles(error[part], (0.25, 0.5, 0.75))}
            for part in parts
            if len(part)
        ),
    )


def confident_errors(
    rows: pd.DataFrame, labels: Array, estimates: Estimates, contract: Contract, *, threshold: float
) -> tuple[ConfidentError, ...]:
    """Return the rows that were answered wrongly and most surely; of numbers, those that are furthest off.

    A row is named by its time and key, but by no personal value; without either, by its number in the test table.
    """
    if estimates.task == "regression":
        answers, sure = estimates.values, np.abs(labels.astype(np.float64) - estimates.values)
        wrong = sure > 0
    elif estimates.task == "binary":
        answers = estimates.values >= threshold
        sure, wrong = np.where(answers, estimates.values, 1 - estimates.values), answers != labels.astype(np.bool_)
    else:
        answers, sure = estimates.compared, estimates.values.max(axis=1)
        wrong = answers.astype(np.str_) != labels.astype(np.str_)
    positions = np.flatnonzero(wrong)
    positions = positions[np.argsort(-sure[positions], kind="stable")][:N_ERRORS]
    personal = {column.name for column in contract.columns if column.pii}
    named = [name for name in dict.fromkeys([contract.time, *contract.key]) if name and name not in personal]

    def of(position: int) -> ConfidentError:
        row = rows.iloc[position]
        return ConfidentError(
            row={name: str(row[name]) for name in named} or {"row": str(position)},
            label=_text(labels[position]),
            answer=_text(answers[position]),
            probability=None if estimates.task == "regression" else float(sure[position]),
        )

    return tuple(map(of, positions.tolist()))


def _named(labels: Array, estimates: Estimates, threshold: float) -> tuple[Array, Array, list[str], Array]:
    """Return labels and answers as names, the classes, and their probabilities, shape (n, k)."""
    if estimates.task == "binary":
        names = np.array(["false", "true"])
        both = np.column_stack([1 - estimates.values, estimates.values])
        return names[labels.astype(int)], names[(estimates.values >= threshold).astype(int)], list(names), both
    return labels.astype(np.str_), estimates.compared.astype(np.str_), list(estimates.classes), estimates.values


def _curves(labels: Array, estimates: Estimates, of: Callable[[Array, Array], Points]) -> tuple[Curve, ...]:
    if estimates.task == "binary":
        wanted = [("true", labels.astype(np.bool_), estimates.values)]
    else:
        names = labels.astype(np.str_)
        supports = {name: int((names == name).sum()) for name in estimates.classes}
        frequent = sorted(supports, key=lambda name: -supports[name])[:MOST_CURVES]
        columns = dict(zip(estimates.classes, estimates.values.T, strict=True))
        wanted = [(name, names == name, columns[name]) for name in frequent]
    wanted = [(name, positive, said) for name, positive, said in wanted if 0 < positive.sum() < len(labels)]
    most = MOST_POINTS // max(1, len(wanted))
    return tuple(_thinned(name, of(positive, said), most) for name, positive, said in wanted)


def _thinned(name: str, points: Points, most: int) -> Curve:
    """Return at most so many points of a curve, which lie equally far apart along it."""
    x, y = points
    way = np.append(0.0, np.cumsum(np.abs(np.diff(x)) + np.abs(np.diff(y))))
    kept: Sequence[int] = np.unique(np.searchsorted(way, np.linspace(0, way[-1], most))).tolist()
    return Curve(name=name, x=tuple(float(x[at]) for at in kept), y=tuple(float(y[at]) for at in kept))


def _quantiles(values: Array, shares: tuple[float, ...]) -> dict[str, float]:
    return {f"{share:g}": float(quantile) for share, quantile in zip(shares, np.quantile(values, shares), strict=True)}


def _defined(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def _text(value: Any) -> str:
    if isinstance(value, (bool, np.bool_)):
        return str(bool(value)).lower()
    return f"{value:.6g}" if isinstance(value, (float, np.floating)) else str(value)
