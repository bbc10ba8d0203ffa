"""How often alarms are raised where nothing changed: on blocks of days of one's own history, drawn anew."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import NamedTuple

import numpy as np
from scipy import stats

from evergreen.base.values import Value
from evergreen.decisions.drift.faults import decision as faulty
from evergreen.decisions.drift.harm.days import Day
from evergreen.decisions.drift.harm.promise import Promise
from evergreen.decisions.drift.harm.watch import watch
from evergreen.decisions.drift.profile.profile import Profile
from evergreen.decisions.drift.shift import decision as shifting

BLOCK = 7  # days that stay together
LEAST_DAYS = 2 * BLOCK  # of history
WINDOW, YEAR = 30, 365  # days
WINDOWS, STREAMS = 200, 100
FAULTS_STATED = 0.01  # of windows; no limit of a fault is one of windows, and this is what they are held to
CONFIDENCE = 0.95


class Measured(Value):
    """How often an alarm was raised, of `n` draws in which nothing changed.

    `alarm`: which; `of`: what was drawn. `measured` lies in [`low`, `high`], Clopper and Pearson's interval at 95 %.
    `kept`: whether no more was measured than is stated. `why_not`: why nothing was drawn; the figures are None then.
    """

    alarm: str
    of: str
    stated: float
    n: int = 0
    raised: int = 0
    measured: float | None = None
    low: float | None = None
    high: float | None = None
    kept: bool | None = None
    why_not: str = ""


class History(NamedTuple):
    """Rows by day, and the days' losses, of a time in which nothing is said to have changed."""

    rows: Profile
    said: Profile | None
    losses: Sequence[Day]


def measure(
    history: History, promise: Promise, *, shift_alpha: float, harm_alpha: float, seed: int
) -> Iterator[Measured]:
    """Yield how often each alarm is raised where reference and window are drawn from the same history.

    Notes
    -----
    Blocks of seven days that followed each other are drawn with replacement, each onto the weekday that it began on
    where the history has it twice, so that what days share, how they hang together within a week, and the season of the
    week stay; a season of the year does not. Reference and window are drawn apart, from the same days: nothing changed.
    Windows have 30 days, of which `faults` and `shift` say what they say; streams have a year, of which `harm` is asked
    whether it ever calls the promise broken.
    """
    rng = np.random.default_rng(seed)
    yield _of_windows("shift", history.rows, shift_alpha, rng, _is_shifted(shift_alpha))
    yield _of_windows("faults", history.rows, FAULTS_STATED, rng, _is_broken)
    if history.said is not None:
        yield _of_windows("shift of predictions", history.said, shift_alpha, rng, _is_said_otherwise(shift_alpha))
    yield _of_streams(history.losses, promise, harm_alpha, rng)


def drawn(history: Profile, days: int, start: date, rng: np.random.Generator) -> Profile:
    """Return days from `start` on, made of blocks of the history's days."""
    positions = _drawn_days(history.days, days, start, rng)
    at = [position for position, _ in positions]
    return replace(
        history,
        days=tuple(day for _, day in positions),
        rows=history.rows[at],
        counts={name: counts[at] for name, counts in history.counts.items()},
        moments={name: moments[at] for name, moments in history.moments.items()},
        undated=0,
    )


def _drawn_days(known: Sequence[date], days: int, start: date, rng: np.random.Generator) -> list[tuple[int, date]]:
    """Return positions among known days, and the days that they stand for now."""
    where = {day: position for position, day in enumerate(known)}
    last = known[-1] - timedelta(days=BLOCK - 1)
    begins = [known[0] + timedelta(days=i) for i in range((last - known[0]).days + 1)]
    found: list[tuple[int, date]] = []
    for offset in range(0, days, BLOCK):
        day = start + timedelta(days=offset)
        alike = [begin for begin in begins if begin.weekday() == day.weekday()]
        among = alike if len(alike) > 1 else begins
        begin = among[int(rng.integers(len(among)))]
        for i in range(min(BLOCK, days - offset)):
            source = begin + timedelta(days=i)
            if source in where:
                found.append((where[source], day + timedelta(days=i)))
    return found


def _of_windows(
    alarm: str, history: Profile, stated: float, rng: np.random.Generator, raises: Callable[[Profile, Profile], bool]
) -> Measured:
    of = f"windows of {WINDOW} days"
    span = (history.days[-1] - history.days[0]).days + 1 if history.days else 0
    if span < LEAST_DAYS:
        return Measured(alarm=alarm, of=of, stated=stated, why_not=f"{span} days of history, {LEAST_DAYS} are needed")
    first = history.days[0]
    raised = sum(
        raises(drawn(history, span, first, rng), drawn(history, WINDOW, first + timedelta(days=span), rng))
        for _ in range(WINDOWS)
    )
    return _measured(alarm, of, stated, raised, WINDOWS)


def _of_streams(days: Sequence[Day], promise: Promise, stated: float, rng: np.random.Generator) -> Measured:
    of = f"streams of {YEAR} days of labels"
    known = [day for day in days if day.n]
    if len(known) < LEAST_DAYS or promise.at_most >= 1:
        why = (
            "nothing was promised"
            if promise.at_most >= 1
            else f"{len(known)} days have labels, {LEAST_DAYS} are needed"
        )
        return Measured(alarm="harm", of=of, stated=stated, why_not=why)
    when = [day.day for day in known]
    raised = 0
    for _ in range(STREAMS):
        stream = [
            known[position].model_copy(update={"day": day})
            for position, day in _drawn_days(when, YEAR, when[-1] + timedelta(days=1), rng)
        ]
        raised += watch(stream, promise, alpha=stated).verdict == "broken"
    return _measured("harm", of, stated, raised, STREAMS)


def _measured(alarm: str, of: str, stated: float, raised: int, n: int) -> Measured:
    interval = stats.binomtest(raised, n).proportion_ci(CONFIDENCE, method="exact")
    return Measured(
        alarm=alarm,
        of=of,
        stated=stated,
        n=n,
        raised=raised,
        measured=raised / n,
        low=float(interval.low),
        high=float(interval.high),
        kept=raised / n <= stated,
    )


def _is_shifted(alpha: float) -> Callable[[Profile, Profile], bool]:
    return lambda reference, window: shifting.decide(reference, window, alpha=alpha).verdict == "shifted"


def _is_said_otherwise(alpha: float) -> Callable[[Profile, Profile], bool]:
    def raises(reference: Profile, window: Profile) -> bool:
        found = shifting.decide(reference, window, alpha=alpha).predictions
        return any(column.verdict == "shifted" for column in found)

    return raises


def _is_broken(reference: Profile, window: Profile) -> bool:
    first = window.days[0] if window.days else reference.days[-1] + timedelta(days=1)
    period = (first, first + timedelta(days=WINDOW))
    return faulty.decide(reference, window, period=period).verdict == "fault"
