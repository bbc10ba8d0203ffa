"""Streams of labels by day, of a model whose error rate is known, and changes; and what others watch them with."""

from datetime import date, timedelta
from typing import NamedTuple

import numpy as np
from scipy import stats

from evergreen.decisions.drift.harm.days import Day
from evergreen.decisions.drift.harm.promise import Promise, promise_of
from evergreen.decisions.drift.harm.watch import Harm, watch
from evergreen.learning.evaluation.clusters import Clusters

FIRST = date(2026, 1, 1)
LABELS = 40_000


class Shock(NamedTuple):
    """What the rows of a day share: their expected loss is beta distributed over days.

    `share`: of the variance of a label; `memory`: the correlation of a day with the next, of normal scores.
    """

    share: float = 0.0
    memory: float = 0.0


ALONE = Shock()


def sizes_of(size: int | tuple[int, int], labels: int, rng: np.random.Generator) -> np.ndarray:
    """Return how many labels each day has: `size`, or log-uniform between two, until there are `labels`."""
    if isinstance(size, int):
        return np.full(-(-labels // size), size)
    drawn = np.exp(rng.uniform(*np.log(size), size=labels // size[0])).astype(int)
    return drawn[: int(np.searchsorted(np.cumsum(drawn), labels)) + 1]


def rates_of(n: int, mean: np.ndarray | float, shock: Shock, rng: np.random.Generator) -> np.ndarray:
    """Return the expected loss of n days, shape (n,), whose mean is `mean`."""
    means = np.broadcast_to(np.asarray(mean, dtype=float), n)
    if not shock.share:
        return means
    scores = rng.normal(size=n)
    for i in range(1, n if shock.memory else 0):
        scores[i] = shock.memory * scores[i - 1] + np.sqrt(1 - shock.memory**2) * scores[i]
    both = (1 - shock.share) / shock.share
    return stats.beta.ppf(stats.norm.cdf(scores), means * both, (1 - means) * both)


def errors(sizes: np.ndarray, mean: np.ndarray | float, shock: Shock, rng: np.random.Generator) -> np.ndarray:
    """Return how many labels of each day are wrong, shape (days,)."""
    return rng.binomial(sizes, rates_of(len(sizes), mean, shock, rng))


def days(sizes: np.ndarray, loss: np.ndarray) -> list[Day]:
    """Return consecutive days."""
    return [
        Day(day=FIRST + timedelta(i), n=n, loss=s)
        for i, (n, s) in enumerate(zip(sizes.tolist(), loss.tolist(), strict=True))
    ]


def change(sizes: np.ndarray, at: int | None, before: float, after: float) -> np.ndarray:
    """Return the mean of each day, which changes with the first day that begins at or after `at` labels."""
    begins = np.cumsum(sizes) - sizes
    return np.where(begins >= at, after, before) if at is not None else np.full(len(sizes), before)


def gate(sizes: np.ndarray, rate: float, shock: Shock, rng: np.random.Generator, **given: float) -> Promise:
    """Return the promise of a gate with days of these sizes, of 0 and 1 losses."""
    wrong = errors(sizes, rate, shock, rng)
    losses = np.concatenate([np.arange(n) < k for n, k in zip(sizes, wrong, strict=True)]).astype(float)
    return promise_of(
        losses, Clusters("day", np.repeat(np.arange(len(sizes)), sizes), in_time=True), loss="error", **given
    )


def promised(at_most: float, sizes: np.ndarray, wrong: np.ndarray) -> Promise:
    """Return a promise of exactly `at_most`, with days of a gate."""
    pairs = tuple((n, float(k)) for n, k in zip(sizes.tolist(), wrong.tolist(), strict=True))
    return Promise(loss="error", at_gate=at_most, at_most=at_most, tolerance=0.0, evidence="of a test", days=pairs)


class Tally(NamedTuple):
    """What came of many streams: shares that alarmed before the change and, of the others, after; and the median delay.

    `delay`: labels from the change to the end of the day of the alarm; infinite where half found nothing.
    """

    early: float
    found: float
    delay: float


def tally(sizes: list[np.ndarray], alarms: list[int | None], at: int | None) -> Tally:
    """Return what came of streams with days of these sizes that alarmed on these days (positions, from 0 on)."""
    begins = at if at is not None else 10**12
    seen = np.array([np.cumsum(s)[a] if a is not None else np.inf for s, a in zip(sizes, alarms, strict=True)])
    if at is None:
        return Tally(float(np.isfinite(seen).mean()), 0.0, np.inf)
    early = seen <= begins
    late = seen[~early]
    return Tally(float(early.mean()), float(np.isfinite(late).mean()), float(np.median(late - begins)))


def alarm(found: Harm) -> int | None:
    """Return the position of the day that broke the promise, from 0 on."""
    return None if found.noticed is None else (found.noticed - FIRST).days


def streams(
    n: int,
    *,
    size: int | tuple[int, int],
    rate: float,
    at_most: float,
    more: float = 0.05,
    at: int | None = None,
    shock: Shock = ALONE,
    gate_days: int = 14,
    seed: int = 0,
) -> Tally:
    """Return what `watch` makes of n streams of 40,000 labels whose rate rises by `more` at a label."""
    rng = np.random.default_rng(seed)
    all_sizes, alarms = [], []
    for _ in range(n):
        sizes = sizes_of(size, LABELS, rng)
        before = rng.choice(sizes, gate_days) if gate_days else sizes[:0]
        promise = promised(at_most, before, errors(before, rate, shock, rng))
        wrong = errors(sizes, change(sizes, at, rate, rate + more), shock, rng)
        alarms.append(alarm(watch(days(sizes, wrong), promise)))
        all_sizes.append(sizes)
    return tally(all_sizes, alarms, at)


def running_mean(sizes: np.ndarray, wrong: np.ndarray, at_most: float, alpha: float = 0.05) -> int | None:
    """Return when the mean since the start lies above the promise, by the confidence sequence of Robbins (1970)."""
    n = np.cumsum(sizes)
    tuned = n / 1_000
    half = np.sqrt(2 * at_most * (1 - at_most) * (tuned + 1) / tuned / n * np.log(np.sqrt(tuned + 1) / (2 * alpha) + 1))
    return _first(np.cumsum(wrong) / n - half > at_most)


def z_tests(sizes: np.ndarray, wrong: np.ndarray, at_most: float, window: int = 500, alpha: float = 0.05) -> int | None:
    """Return when a window of 500 labels lies above the promise by a z-test of its own."""
    n, k = np.cumsum(sizes), np.cumsum(wrong)
    ends = np.flatnonzero(np.diff(n // window, prepend=0))
    labels, losses = np.diff(n[ends], prepend=0), np.diff(k[ends], prepend=0)
    z = (losses / labels - at_most) / np.sqrt(at_most * (1 - at_most) / labels)
    first = _first(z > stats.norm.isf(alpha))
    return None if first is None else int(ends[first])


def _first(alarms: np.ndarray) -> int | None:
    return int(np.argmax(alarms)) if alarms.any() else None
