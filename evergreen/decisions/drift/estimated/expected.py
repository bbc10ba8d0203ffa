"""What is expected of rows whose labels nobody knows, and how far that is off."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy import special
from sklearn.linear_model import LogisticRegression

Array = npt.NDArray[np.float64]

EPSILON = 1e-6  # nothing is surer
STRENGTH = 1e4  # of evidence against which a coefficient of 1 weighs as one row


class Expected(NamedTuple):
    """A metric of the window: its `value`, and what each row adds to its error.

    `reference`, shape (n,), through what was fitted on it; `window`, shape (m,), through which rows it has. Each sums
    to 0.
    """

    value: float
    reference: Array
    window: Array


class OfChances(NamedTuple):
    """A metric of rows that are true with given chances: its value, what each row adds, and how a chance moves it."""

    value: float
    rows: Array
    slopes: Array


class Calibrated:
    """Chances that rows are true, from what a model says of them, as fitted on labelled rows.

    Beta calibration (Kull, Silva Filho and Flach, 2017): a logistic regression on ln p and -ln(1 - p), which leaves a
    model that is right as it is. Of 150, 1,000 and 5,000 rows it was off by 0.010, 0.004 and 0.000 in the ROC AUC that
    it led to, on average over 60 samples, and isotonic regression by 0.040, 0.014 and 0.004: it fits the noise.
    """

    def __init__(self, said: Array, true: Array, weights: Array) -> None:
        self._design, fitted = _design(said), LogisticRegression(C=STRENGTH, solver="newton-cholesky", tol=1e-8)
        fitted.fit(self._design[:, 1:], true > 0, weights)
        self._coefficients = np.concatenate([fitted.intercept_, fitted.coef_[0]])
        chances = self._chances(self._design)
        slopes = (weights * chances * (1 - chances))[:, np.newaxis] * self._design
        bend = self._design.T @ slopes + np.diag([0, 1 / STRENGTH, 1 / STRENGTH])
        self._moved = np.linalg.solve(bend, ((weights * (true - chances))[:, np.newaxis] * self._design).T)

    def chances(self, said: Array) -> Array:
        """Return the chance of each row, shape (m,)."""
        return self._chances(_design(said))

    def expect(self, said: Array, metric: OfChances) -> Expected:
        """Return a metric of rows' chances with what the fit adds to its error: the fit's influence function."""
        design = _design(said)
        chances = self._chances(design)
        added = ((metric.slopes * chances * (1 - chances)) @ design) @ self._moved
        return Expected(metric.value, added - added.mean(), metric.rows)

    def _chances(self, design: Array) -> Array:
        chances: Array = special.expit(design @ self._coefficients)
        return chances


def _design(said: Array) -> Array:
    bounded = np.clip(said, EPSILON, 1 - EPSILON)
    return np.column_stack([np.ones(len(said)), np.log(bounded), -np.log1p(-bounded)])


def brier(said: Array, chances: Array) -> OfChances:
    """Return the expected squared distance of probabilities `said` from what comes true.

    Examples
    --------
    >>> brier(np.array([0.2]), np.array([0.5])).value
    0.34
    """
    return _mean((1 - said) ** 2, said**2, chances)


def error(answers: npt.NDArray[np.bool_], chances: Array) -> OfChances:
    """Return the expected share of wrong answers.

    Examples
    --------
    >>> error(np.array([True, False]), np.array([0.75, 0.25])).value
    0.25
    """
    is_true = answers.astype(np.float64)
    return _mean(1 - is_true, is_true, chances)


def roc_auc(said: Array, chances: Array) -> OfChances:
    """Return the expected ROC AUC of scores `said`: the share of pairs, one true and one false, in the right order.

    Ties count half, and what a pair counts is the chance that it is one.

    Examples
    --------
    >>> roc_auc(np.array([0.1, 0.8]), np.array([0.0, 1.0])).value
    1.0
    """
    n, n_true = len(said), float(chances.sum())
    _, places = np.unique(said, return_inverse=True)
    of_true, of_false = np.bincount(places, chances), np.bincount(places, 1 - chances)
    below = (np.cumsum(of_false) - of_false / 2)[places]
    above = n_true - (np.cumsum(of_true) - of_true / 2)[places]
    pairs = n_true * (n - n_true)
    value = float(chances @ below) / pairs
    added = chances * below + (1 - chances) * above - value * (chances * (n - n_true) + (1 - chances) * n_true)
    return OfChances(value, added / pairs, (below - above - value * (n - 2 * n_true)) / pairs)


def _mean(if_true: Array, if_false: Array, chances: Array) -> OfChances:
    losses = chances * if_true + (1 - chances) * if_false
    n, value = len(losses), float(losses.mean())
    return OfChances(value, (losses - value) / n, (if_true - if_false) / n)


def weighted_mean(losses: Array, weights: Array, said: Array, said_now: Array) -> Expected:
    """Return the weighted mean of the reference's losses, moved as they follow its estimates to the window's mean.

    Parameters
    ----------
    losses, weights, said : of the reference, shape (n,); `said_now` : the estimates of the window, shape (m,).

    Notes
    -----
    The regression estimator of survey sampling (Cassel, Särndal and Wretman, 1976), with one auxiliary variable.
    """
    spread = said.std() or 1.0
    before, after = (np.column_stack([np.ones(len(x)), (x - said.mean()) / spread]) for x in (said, said_now))
    moment = np.linalg.pinv(before.T @ (weights[:, np.newaxis] * before))
    line = moment @ before.T @ (weights * losses)
    along = after @ line
    value = float(along.mean())
    added = (after.mean(axis=0) @ moment @ before.T) * weights * (losses - before @ line)
    return Expected(value, added - added.mean(), (along - value) / len(along))
