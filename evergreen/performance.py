"""How good a window's predictions turned out to be, once its labels are known: ROC AUC with its interval."""

from typing import Literal

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats

from evergreen.artifacts import Value
from evergreen.errors import DataError

Array = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

# The interval is a normal approximation; with fewer rows of either class it says more than the rows do.
LEAST_PER_CLASS = 10


class PerformanceError(DataError):
    """Labels and probabilities do not belong together, or cannot be compared."""


class Performance(Value):
    """A window's matured performance, on its labelled rows.

    `low`, `high`: the interval of `auc` at `confidence`. `log_loss` in nats. The AUC is None where the verdict is
    "unknown", the other two where no row has a label; `evidence` says why.
    """

    verdict: Literal["measured", "unknown"]
    evidence: str
    n_labelled: int
    n_unlabelled: int
    confidence: float
    auc: float | None = None
    low: float | None = None
    high: float | None = None
    log_loss: float | None = None
    brier: float | None = None


class AucDifference(Value):
    """`difference` = `first` - `second`, ROC AUC on the same rows, with its interval at `confidence`."""

    first: float
    second: float
    difference: float
    low: float
    high: float
    confidence: float
    n: int


def measure(labels: pd.Series, probabilities: npt.ArrayLike, *, confidence: float = 0.95) -> Performance:
    """Return what `probabilities` of the positive label were worth.

    Parameters
    ----------
    labels : shape (n,), true or false; missing where the outcome is not known (yet).
    probabilities : shape (n,), in [0, 1], row by row those of `labels`.
    confidence : of the two-sided interval, in (0, 1).

    Returns
    -------
    Performance, "unknown" with fewer than 10 labelled rows of either class.

    Raises
    ------
    PerformanceError if the lengths differ, a label is neither true, false nor missing, or a probability is missing or
    outside [0, 1].

    Notes
    -----
    Variance by DeLong, DeLong and Clarke-Pearson (1988); normal interval, cut to [0, 1]. Under perfect separation that
    variance is 0; the open end is then the exact bound (Clopper and Pearson, 1934) of as many pairs without an
    exception as the smaller class has rows.

    Examples
    --------
    >>> found = measure(pd.Series([True, False] * 50), [0.6, 0.4, 0.3, 0.5] * 25)
    >>> found.auc, round(found.low, 3), round(found.high, 3)
    (0.5, 0.36, 0.64)
    """
    scores = np.asarray(probabilities, dtype=np.float64)
    if len(scores) != len(labels):
        raise PerformanceError("PF001", f"{len(labels)} labels for {len(scores)} probabilities")
    bad = int((~((scores >= 0) & (scores <= 1))).sum())
    if bad:
        raise PerformanceError("PF002", f"{bad} of {len(scores)} probabilities are missing or outside [0, 1]")
    known = labels.notna().to_numpy()
    if not labels[known].isin([True, False]).all():
        raise PerformanceError("PF004", f"labels are true, false or missing; these are of type {labels.dtype}")
    positive, scores = labels[known].to_numpy(dtype=bool), scores[known]
    few = _too_few(positive)
    auc, low, high = (None, None, None) if few else _interval(positive, scores, confidence=confidence)
    return Performance(
        verdict="unknown" if few else "measured",
        evidence=few or f"AUC {auc:.4f} [{low:.4f}, {high:.4f}] on {len(positive)} labelled rows",
        n_labelled=len(positive),
        n_unlabelled=int((~known).sum()),
        confidence=confidence,
        auc=auc,
        low=low,
        high=high,
        log_loss=_log_loss(positive, scores) if len(positive) else None,
        brier=float(np.mean((scores - positive) ** 2)) if len(positive) else None,
    )


def auc_difference(
    labels: npt.ArrayLike, first: npt.ArrayLike, second: npt.ArrayLike, *, confidence: float
) -> AucDifference:
    """Return the difference in ROC AUC of two scorers of the same rows, with its interval.

    Parameters
    ----------
    labels : shape (n,), true or false, none missing.
    first, second : shape (n,), scores; higher means more likely true. Any monotone scale.
    confidence : of the two-sided interval, in (0, 1).

    Raises
    ------
    PerformanceError if the lengths differ, a score is missing, or either class has fewer than 10 rows.

    Notes
    -----
    The paired variance of DeLong, DeLong and Clarke-Pearson (1988): it is that of the row-wise differences of the two
    scorers' placement values, so what the scorers share cancels. Scorers that order every pair alike differ by 0, with
    an interval of width 0.

    Examples
    --------
    >>> labels, good = [True, False] * 50, [0.6, 0.4, 0.3, 0.5] * 25
    >>> found = auc_difference(labels, good, [0.5] * 100, confidence=0.95)
    >>> found.difference, round(found.low, 3), round(found.high, 3)
    (0.0, -0.14, 0.14)
    """
    positive = np.asarray(labels, dtype=bool)
    scores = [np.asarray(each, dtype=np.float64) for each in (first, second)]
    if any(len(each) != len(positive) for each in scores):
        raise PerformanceError("PF001", f"{len(positive)} labels for {len(scores[0])} and {len(scores[1])} scores")
    if any(np.isnan(each).any() for each in scores):
        raise PerformanceError("PF002", "a score is missing")
    few = _too_few(positive)
    if few:
        raise PerformanceError("PF003", few, next_step="Compare on a longer period.")
    (true_a, false_a), (true_b, false_b) = (_placements(positive, each) for each in scores)
    difference = float(true_a.mean() - true_b.mean())
    half = _half_width(true_a - true_b, false_a - false_b, confidence=confidence)
    return AucDifference(
        first=float(true_a.mean()),
        second=float(true_b.mean()),
        difference=difference,
        low=difference - half,
        high=difference + half,
        confidence=confidence,
        n=len(positive),
    )


def _placements(positive: Mask, scores: Array) -> tuple[Array, Array]:
    """Return each positive's share of negatives below it, and each negative's share of positives above it.

    Ties count half. By midranks (Sun and Xu, 2014): O(n log n), where all pairs would be O(n²).
    """
    n_true, n_false = int(positive.sum()), int((~positive).sum())
    overall = stats.rankdata(scores)
    above = (overall[positive] - stats.rankdata(scores[positive])) / n_false
    below = 1 - (overall[~positive] - stats.rankdata(scores[~positive])) / n_true
    return above, below


def _half_width(of_true: Array, of_false: Array, *, confidence: float) -> float:
    variance = of_true.var(ddof=1) / len(of_true) + of_false.var(ddof=1) / len(of_false)
    return float(stats.norm.isf((1 - confidence) / 2) * np.sqrt(variance))


def _interval(positive: Mask, scores: Array, *, confidence: float) -> tuple[float, float, float]:
    of_true, of_false = _placements(positive, scores)
    auc = float(of_true.mean())
    if auc in (0.0, 1.0):
        bound = float(((1 - confidence) / 2) ** (1 / min(len(of_true), len(of_false))))
        return (auc, bound, 1.0) if auc else (auc, 0.0, 1 - bound)
    half = _half_width(of_true, of_false, confidence=confidence)
    return auc, max(auc - half, 0.0), min(auc + half, 1.0)


def _log_loss(positive: Mask, scores: Array) -> float:
    # A confident miss counts as the smallest float, as in scikit-learn, not as infinity.
    given = np.clip(np.where(positive, scores, 1 - scores), np.finfo(np.float64).eps, 1.0)
    return float(-np.log(given).mean())


def _too_few(positive: Mask) -> str:
    n_true = int(positive.sum())
    n_false = len(positive) - n_true
    if min(n_true, n_false) >= LEAST_PER_CLASS:
        return ""
    return f"{n_true} positive and {n_false} negative labels; at least {LEAST_PER_CLASS} of each are needed"
