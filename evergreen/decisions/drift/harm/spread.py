"""How much days differ beyond chance, and how long they hang together: learnt from days that went before.

Errors of a day share its storm. If the expected loss of days varies by the share s of what a single label varies, n
labels of a day say as much as n / (1 + (n - 1) s) independent ones (the design effect; Kish, 1965).

Days are compared with others of the same level: those of the gate, those before the most likely change, and those after
it. Otherwise a change would pass for a spread, and a spread excuses much.
"""

from collections import deque
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy import special

Array = npt.NDArray[np.float64]
SHARES: Final[Array] = np.concatenate([[0.0], np.geomspace(1e-4, 1.0, 25)])
LEAST_DAYS = 4  # before which a day counts as one label
UNSURE = 0.1  # how often the share is larger than what it is taken to be
LEAST_CORRELATED, Z_CORRELATED = 8, 1.645  # days before which, and standard errors above which, days hang together
LEAST_BLOCKS = 6  # of days that hang together, in the days so far: fewer cannot tell that they do
MOST_FORGETFUL = 0.85
LEAST_VARIED = 1e-6  # of the most that labels vary: days that vary by less are all the same
LONGEST = 10  # days
LAGS = 3
SETTLED = 14  # days of a level, before which it may be a spell of bad days


class Spread:
    """What days so far say of the next: memory and time for a day do not grow with their number.

    Parameters
    ----------
    rate : the promised loss, in (0, 1); `rate` (1 - `rate`) is the most that the loss of a label varies.
    """

    def __init__(self, rate: float) -> None:
        self._rate, self._most = rate, rate * (1 - rate)
        # Sums over days: how many; by share, of weights and weighted losses and their squares; and by lag, of products.
        self._total = np.zeros(1 + 3 * len(SHARES) + 3 * LAGS)
        self._gate = self._total.copy()
        self._recent = deque([self._gate], maxlen=SETTLED + 1)  # the sums of 14 days ago, and since
        self._roots, self._off = np.zeros(LAGS), np.zeros(LAGS)

    def add(self, n: int, mean: float) -> None:
        """Take in a day of `n` labels with this mean loss."""
        off = mean - self._rate
        weights = n / (self._most * (1 + (n - 1) * SHARES))
        self._roots[1:], self._off[1:] = self._roots[:-1], self._off[:-1]
        self._roots[0], self._off[0] = n**0.5, off * n**0.5
        roots, offs = self._roots, self._off
        lagged = (offs[0] * offs, roots[0] * offs + offs[0] * roots, roots[0] * roots)
        self._total = self._total + np.concatenate([[1.0], weights, weights * off, weights * off**2, *lagged])
        self._recent.append(self._total)

    def begin(self) -> None:
        """Say that the days so far were the gate's, and that the next is the first of the stream."""
        self._gate = self._total
        self._recent = deque([self._gate], maxlen=SETTLED + 1)
        self._roots[:] = self._off[:] = 0

    def mark(self) -> Array:
        """Return a mark that stands between the days so far and the next."""
        return self._total

    def share(self, change: Array) -> float:
        """Return how much of what a label varies its day has in common, in [0, 1]; nine times in ten, more than that.

        Parameters
        ----------
        change : the mark of the most likely change.

        Notes
        -----
        The upper end of the Q profile (Viechtbauer, 2007): the smallest share under which the weighted squares of days
        around their mean are no more than the 10 % quantile of chi-square. 1 before there are four days.
        """
        settled = self._total[0] - change[0] >= SETTLED
        levels = self._levels(change if settled else self._total, self._total)
        free = float(np.maximum(levels[:, 0] - 1, 0).sum())
        if free < LEAST_DAYS - 1:
            return 1.0
        weights, offs, squares = levels[:, 1 : 1 + 3 * len(SHARES)].reshape(-1, 3, len(SHARES)).transpose(1, 0, 2)
        off = offs / np.where(weights > 0, weights, 1)
        level = np.clip(self._rate + off, 0, 1)
        more = np.maximum(level * (1 - level) / self._most, 1)  # labels vary by more where more are lost
        around = ((squares - offs * off) / more).sum(axis=0)
        fits = around <= 2 * special.gammaincinv(free / 2, UNSURE)
        return float(SHARES[int(np.argmax(fits))]) if fits.any() else 1.0

    def length(self, change: Array) -> int:
        """Return how many days hang together so that they are to be judged as one: 1 where they do not.

        Notes
        -----
        With an autocorrelation of shocks r, (1 + r) / (1 - r) days make one independent (Bartlett, 1946). Labels of
        small days hide r in noise, which the second lag tells from forgetting: r is the ratio of the second to the
        first. There have to be days for six such blocks. What the last 14 days say does not count yet.
        """
        levels = self._levels(change, self._recent[0])
        n = float(np.maximum(levels[:, 0] - 1, 0).sum())
        products, sums, roots = levels[:, 1 + 3 * len(SHARES) :].reshape(-1, 3, LAGS).transpose(1, 0, 2)
        level = sums[:, :1] / np.where(roots[:, :1] > 0, 2 * roots[:, :1], 1)
        square, first, second = (products - level * sums + level**2 * roots).sum(axis=0).tolist()
        if n < LEAST_CORRELATED or square <= LEAST_VARIED * n * self._most or first <= 0:
            return 1
        r = (n * first / square + 1) / (n - 4)  # the estimate from n values is about (1 + 4 r) / n too low
        if r <= Z_CORRELATED / n**0.5:
            return 1
        r = min(max(r, second / first), MOST_FORGETFUL)
        return int(max(1, min(round((1 + r) / (1 - r)), n // LEAST_BLOCKS, LONGEST)))

    def _levels(self, change: Array, until: Array) -> Array:
        """Return the sums of the gate's days, of those before the change, and of those after it."""
        before = change if change[0] < until[0] else until
        return np.stack([self._gate, before - self._gate, until - before])
