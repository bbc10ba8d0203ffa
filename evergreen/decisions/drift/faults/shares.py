"""Shares of rows that rose beyond all that the reference's days showed, and by much."""

from dataclasses import dataclass

import numpy as np
from scipy import special, stats

from evergreen.decisions.drift.faults import stretches
from evergreen.decisions.drift.faults.stretches import Floats, Whole

ERROR, CHANCE = 1e-4, 1e-3  # of one stretch: that its days are so by nature; that its rows are by chance
FEW_ROWS = 10  # a day with fewer says little on its own
BEYOND, LEAST_ODDS = 0.5, 1.0  # of the way from the usual to the worst, in logits, that is left free above; at least
MOST_LASTING = 0.95  # the highest correlation of neighbouring days that is believed


@dataclass(frozen=True)
class Risen:
    """From day `start` to before day `end` of the window, `share` of `n` rows, where at most `limit` were expected.

    `usual`: of the reference's rows. `worst`: of as many of the reference's days in a row as excuse the stretch.
    """

    start: int
    end: int
    n: int
    hits: int
    limit: float
    usual: float
    worst: float

    @property
    def share(self) -> float:
        """Of the stretch's rows."""
        return self.hits / self.n


def risen(
    hits: Whole, rows: Whole, before: Whole, before_rows: Whole, *, least: float, shortest: int = 1
) -> Risen | None:
    """Return the stretch of the window in which a share of rows rose most clearly, or None where none did.

    Parameters
    ----------
    hits, rows : by day of the window, shape (D,): rows that are concerned, and all; of all at least one.
    before, before_rows : the same by day of the reference, shape (B,).
    least : the smallest rise that counts, in (0, 1); with B days 2 / B, if that is more.
    shortest : days of a stretch that counts, or all of a shorter window.

    Notes
    -----
    A stretch of L days has the largest of three limits. (1) `worst + least`, where `worst` is the largest share of as
    many days of the reference in a row as excuse that many (`stretches.patient`). (2) Beyond `worst` half its distance
    from the mean of the reference's days, in logits, and at least 1. (3) The upper limit, at an error of 1e-4 by
    Student's t, of the mean of L days, in logits, if the reference's days are a series that forgets geometrically
    (AR(1)). A share counts as above its limit when so many hits had a probability below 1e-3 at the limit, by Chernoff:
    n * KL(share, limit) > ln 1000.
    """
    usual = float(before.sum() / before_rows.sum())
    least = max(least, 2 / len(before))
    if (hits / np.maximum(rows, 1)).max() <= usual + least:
        return None
    looked = stretches.every(len(rows))
    n, found = looked.sums(rows), looked.sums(hits)
    shares = found / np.maximum(n, 1)
    days = _Days(before, before_rows)
    worst = np.full(len(n), np.nan)
    limits = np.ones(len(n))
    asked = (shares > usual + least) & (looked.lengths >= min(shortest, len(rows)))
    for length in np.unique(looked.lengths[asked]):
        here = looked.lengths == length
        worst[here] = days.worst(stretches.patient(int(length), len(before)))
        limits[here] = min(max(usual + least, days.limit(worst[here][0], int(length), least=least)), 1 - 1e-9)
    strength = np.where(shares > limits, n * gain(shares, limits), 0.0)
    best = int(np.argmax(strength))
    if strength[best] <= -np.log(CHANCE):
        return None
    return Risen(
        start=int(looked.starts[best]),
        end=int(looked.ends[best]),
        n=int(n[best]),
        hits=int(found[best]),
        limit=float(limits[best]),
        usual=usual,
        worst=float(worst[best]),
    )


def gain(shares: Floats, limits: Floats) -> Floats:
    """Return the Kullback-Leibler divergence of shares from limits, in nats."""
    return np.asarray(special.rel_entr(shares, limits) + special.rel_entr(1 - shares, 1 - limits))


class _Days:
    """How a share varies from day to day of the reference."""

    def __init__(self, hits: Whole, rows: Whole) -> None:
        self._hits, self._rows = hits[rows > 0], rows[rows > 0]
        self._usual = float(hits.sum() / rows.sum())
        typical = float(np.median(self._rows))  # one for all days: the logit of no hits must not follow the rows
        smoothed = (self._hits / self._rows * typical + 0.5) / (typical + 1)
        logits = special.logit(smoothed)
        self._mean, self._deviation = float(logits.mean()), float(logits.std(ddof=1))
        self._far = float(stats.t.isf(ERROR, len(logits) - 1))
        centred = logits - self._mean
        total = float((centred**2).sum())
        lasting = float((centred[1:] * centred[:-1]).sum()) / total if total > 0 else 0.0
        kept = min(max(lasting, 0.0), MOST_LASTING)
        self._inflation = (1 + kept) / (1 - kept)

    def worst(self, length: int) -> float:
        looked = stretches.of_length(len(self._rows), min(length, len(self._rows)))
        n, hits = looked.sums(self._rows), looked.sums(self._hits)
        shares = hits / n
        believed = (n >= FEW_ROWS) | (n * gain(shares, np.full(len(n), self._usual)) > np.log(20 * len(n)))
        return float(max(shares[believed].max(initial=0.0), self._usual))

    def limit(self, worst: float, length: int, *, least: float) -> float:
        shown = float(special.logit(np.clip(worst, 1e-9, 1 - 1e-9)))
        further = shown + max(LEAST_ODDS, BEYOND * (shown - self._mean))
        return max(worst + least, float(special.expit(further)), self._predicted(length))

    def _predicted(self, length: int) -> float:
        b = len(self._rows)
        variance = min(1.0, self._inflation / length) + min(1.0, self._inflation / b)
        return float(special.expit(self._mean + self._far * self._deviation * np.sqrt(variance)))
