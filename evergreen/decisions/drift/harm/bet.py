"""A bet against the promise that the expected loss is at most r: what it wins is the evidence that it is broken.

Who starts with 1 and bets against a promise that is kept gets to 20 with a probability of at most 1/20, whenever one
looks and however long it goes on (Ville, 1939; betting on bounded means: Waudby-Smith and Ramdas, 2024). A bet that
goes on since deployment loses so much while all is well that it never recovers. So a part w_s of the 1 is kept for each
day s and put down on that day (Shin, Ramdas and Rinaldo, 2024): a change is found by the bets that began with it. Half
of the 1 is put down in equal parts over two years, the other half by 1 / (s log(s)^2), which never ends.

A bet that the loss is q and not r multiplies by (q / r)^(k m) ((1 - q) / (1 - r))^(k (1 - m)) on a day with n labels of
mean loss m, which count as k, chosen before that day. All bets on one q are a single number S, which becomes
(S + w) times that factor, so neither time nor memory for a day grows. If the factor's expectation, given the days
before, is at most 1, then S and what is not put down yet, W, are together a nonnegative supermartingale that starts at
1: E[S_t + W_t] <= S_{t-1} + w_t + W_t = S_{t-1} + W_{t-1}. So is the mean over several q. And the expectation is at
most 1

- for k <= n where the labels of a day are independent, with losses in [0, 1] of expectation at most r given the days
  before: losses of 0 or 1 are the worst (Hoeffding, 1963), and a power of at most 1 of such a factor is no more;
- for k <= 1 however the labels of a day hang together, as m is then a single loss in [0, 1];
- in between as far as days vary by no more than those before them told (`spread`). That is a model. No day multiplies
  by more than 12, which only lowers the expectation, so that a rare bad day that no day before told of breaks nothing.
"""

from datetime import date
from math import log
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt
from scipy import special

from evergreen.decisions.drift.harm.spread import Spread

Array = npt.NDArray[np.float64]
ODDS: Final[Array] = np.array([0.1, 0.2, 0.4, 0.8, 1.6, 3.2])  # how far the q lie above r, in log odds
MOST_OF_A_DAY = log(12)
LIFE_DAYS = 730
WHOLE = 2.1098  # the sum of 1 / (k log(k)^2) over k from 2 on, rounded up


def part(day: int) -> float:
    """Return the part of the 1 that is put down on the n-th day, from 1 on; all of them add up to at most 1.

    Examples
    --------
    >>> 0.99 < sum(part(day) for day in range(1, 1_000_000)) + 0.5 / WHOLE / log(1e6) <= 1
    True
    """
    return 0.5 / (WHOLE * (day + 1) * log(day + 1) ** 2) + (0.5 / LIFE_DAYS if day <= LIFE_DAYS else 0.0)


def worth(n: int, share: float) -> float:
    """Return as how many independent labels n count that have such a share of what they vary in common.

    Examples
    --------
    >>> worth(100, 0.0), round(worth(100, 0.05), 1), worth(100, 1.0)
    (100.0, 16.8, 1.0)
    """
    return n / (1 + (n - 1) * share)


class Start(NamedTuple):
    """The first day of a bet, None where nothing is put down yet, and the mark of the spread before it."""

    day: date | None
    mark: Array


class Block(NamedTuple):
    """Days that are judged as one: how many are `left`, their labels and summed loss, and what is put down on them.

    `share`: what labels of a day have in common, as it was known before the first of them.
    """

    start: Start
    share: float
    left: int
    n: int
    loss: float
    down: float


class Bet:
    """The evidence against an expected loss of at most `rate`, in (0, 1), day by day.

    `days`: so far. `evidence`: the logarithm of what the bets have won, 0 at the start.
    """

    def __init__(self, rate: float, spread: Spread) -> None:
        against = special.expit(special.logit(rate) + ODDS)
        self.won, self.lost = np.log(against / rate), np.log((1 - against) / (1 - rate))
        self.days, self.evidence = 0, 0.0
        self.bets = np.full(len(ODDS), -np.inf)  # logarithms of what those on each q have
        self._best = np.full(len(ODDS), -np.inf)  # what the best start of each would have made of 1 (Page, 1954)
        self._starts = [Start(None, spread.mark())] * len(ODDS)
        self._spread, self._kept = spread, 1.0
        self._block: Block | None = None

    @property
    def start(self) -> Start:
        """Where the bet began that would have won most: the most likely change."""
        return self._starts[int(np.argmax(self._best))]

    def share(self) -> float:
        """Return what labels of the next day are taken to have in common."""
        return self._spread.share(self.start.mark)

    def growth(self, worth: float, mean: float) -> Array:
        """Return the logarithm of what a day of such worth multiplies the bets on each q by, shape (q,)."""
        return np.minimum(worth * (mean * self.won + (1 - mean) * self.lost), MOST_OF_A_DAY)

    def add(self, day: date, n: int, mean: float) -> None:
        """Take in a day, later than those before; days that hang together are judged when the last of them is there."""
        self.days += 1
        if self._block is None:
            start = Start(day, self._spread.mark())
            self._block = Block(start, self.share(), self._spread.length(self.start.mark), 0, 0.0, 0.0)
        start, share, left, labels, loss, down = self._block
        block = Block(start, share, left - 1, labels + n, loss + n * mean, down + part(self.days))
        self._block = block if block.left else None
        if not block.left:
            self._judge(block)
        self._spread.add(n, mean)

    def _judge(self, block: Block) -> None:
        factor = self.growth(worth(block.n, block.share), block.loss / block.n)
        down = log(block.down)
        self.bets = np.logaddexp(self.bets, down) + factor
        for bet in np.flatnonzero(self._best < 0):
            self._best[bet], self._starts[bet] = 0.0, block.start
        self._best += factor
        self._kept = max(self._kept - block.down, 0.0)
        won = float(np.logaddexp.reduce(self.bets)) - log(len(ODDS))
        self.evidence = float(np.logaddexp(won, log(self._kept) if self._kept else -np.inf))
