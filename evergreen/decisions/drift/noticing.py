"""What share of rows to audit: how soon the harm watch notices a fault with the labels of that share alone."""

from collections.abc import Sequence
from datetime import date, timedelta
from statistics import median_low

import numpy as np

from evergreen.base.values import Value
from evergreen.decisions.drift.harm.days import Day
from evergreen.decisions.drift.harm.promise import Promise
from evergreen.decisions.drift.harm.watch import watch

SHARES = (0.001, 0.01, 0.1, 1.0)
FAULTS = (0.02, 0.05, 0.1)
STREAMS = 3  # that are imagined; the one in the middle is told
HEALTHY_DAYS = 60
LONGEST_DAYS = (14, 60, 365)  # that are looked at, as long as nothing is noticed
FIRST = date(2000, 1, 1)


class Noticed(Value):
    """How soon a fault is noticed with the labels of a share of served rows.

    `share`: in (0, 1]. `fault`: how much the expected loss rises. `labels_per_day`: that are asked for. `days`,
    `labels`: from the fault until the promise is broken, in the middle of 3 imagined streams; None where that takes
    more than a year, the loss stays under the promise, or nothing was promised.
    """

    share: float
    fault: float
    labels_per_day: float
    days: int | None
    labels: int | None


def table(
    promise: Promise,
    *,
    rows_per_day: float,
    shares: Sequence[float] = SHARES,
    faults: Sequence[float] = FAULTS,
    alpha: float = 0.05,
    seed: int = 0,
) -> tuple[Noticed, ...]:
    """Return how soon each fault is noticed with each share, share by share: what the page shows."""
    return tuple(
        notice(promise, rows_per_day=rows_per_day, share=share, fault=fault, alpha=alpha, seed=seed)
        for share in shares
        for fault in faults
    )


def notice(
    promise: Promise, *, rows_per_day: float, share: float, fault: float, alpha: float = 0.05, seed: int = 0
) -> Noticed:
    """Return how soon a fault is noticed with the labels of a share of rows.

    Parameters
    ----------
    promise : what the harm watch holds the champion to; before the fault its loss is `at_gate`.
    rows_per_day : that are served, at least 0.
    share : of them whose labels are asked for, in [0, 1].
    fault : how much the expected loss rises at once, after 60 healthy days.
    alpha : of the harm watch.

    Notes
    -----
    The watch itself is asked about streams of days that differ as those of the gate do (`promise.days`), with losses of
    0 or 1, which are the slowest to tell. Smaller losses, as of a Brier score, are noticed no later.
    """
    found = []
    before = promise.at_gate
    if before is not None and before + fault > promise.at_most:
        generator = np.random.default_rng(seed)
        streams = [_stream(promise, before, generator, rows_per_day * share, fault) for _ in range(STREAMS)]
        found = [delay for stream in streams if (delay := _delay(stream, promise, alpha)) is not None]
    is_noticed = len(found) > STREAMS // 2
    unnoticed = [(LONGEST_DAYS[-1] + 1, 0)] * (STREAMS - len(found))
    days, labels = median_low([*found, *unnoticed]) if is_noticed else (None, None)
    return Noticed(share=share, fault=fault, labels_per_day=rows_per_day * share, days=days, labels=labels)


def _stream(
    promise: Promise, before: float, generator: np.random.Generator, labels_per_day: float, fault: float
) -> list[Day]:
    n_days = HEALTHY_DAYS + LONGEST_DAYS[-1]
    rates = np.array([loss / n for n, loss in promise.days if n] or [before])
    of_day = generator.choice(rates, n_days) - rates.mean() + before
    of_day[HEALTHY_DAYS:] += fault
    n = generator.poisson(labels_per_day, n_days)
    losses = generator.binomial(n, np.clip(of_day, 0, 1))
    return [
        Day(day=FIRST + timedelta(days), n=labels, loss=loss)
        for days, (labels, loss) in enumerate(zip(n.tolist(), losses.tolist(), strict=True))
    ]


def _delay(stream: Sequence[Day], promise: Promise, alpha: float) -> tuple[int, int] | None:
    """Return after how many days, and labels, the fault is noticed; None where it is not, or the alarm was before."""
    for longest in LONGEST_DAYS:
        noticed = watch(stream[: HEALTHY_DAYS + longest], promise, alpha=alpha).noticed
        if noticed is not None:
            days = (noticed - FIRST).days + 1 - HEALTHY_DAYS
            return (days, sum(day.n for day in stream[HEALTHY_DAYS : HEALTHY_DAYS + days])) if days > 0 else None
    return None
