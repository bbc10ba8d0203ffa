"""Days without rows where the reference had some every day: a source that stopped."""

from datetime import date, timedelta
from itertools import pairwise

import numpy as np

from evergreen.decisions.drift.faults.verdict import Fault
from evergreen.decisions.drift.profile.profile import Profile

LEAST_DAYS = 3
TIMES = 2  # the longest silence of the reference


def find_silence(reference: Profile, window: Profile, *, start: date, end: date) -> Fault | None:
    """Return the fault that no row came for longer than the reference makes likely.

    Parameters
    ----------
    start, end : the days that are over of the window, without the last.

    Notes
    -----
    A silence is three days and more, and more than twice the longest between two rows of the reference: weekends and
    holidays that it had excuse as many and twice as many. Nothing is said of a window without any row, which is no
    traffic.
    """
    there = sorted(day for day, n in zip(window.days, window.rows, strict=True) if n and start <= day < end)
    if not there:
        return None
    silences = _silences([start - timedelta(days=1), *there, end])
    usual = max((days for _, days in _silences(_days(reference))), default=0)
    begin, longest = max(silences, key=lambda silence: silence[1])
    if longest < LEAST_DAYS or longest <= TIMES * usual:
        return None
    return Fault(
        column="rows",
        kind="silent",
        evidence=f"none came from {begin} to {begin + timedelta(days=longest - 1)}, {longest} days in a row; in the "
        f"reference at most {usual}",
        share=longest / (end - start).days,
        since=begin,
    )


def _days(profile: Profile) -> list[date]:
    return [profile.days[at] for at in np.flatnonzero(profile.rows)]


def _silences(days: list[date]) -> list[tuple[date, int]]:
    """Return the first day and the length of what lies between days, in order."""
    return [(one + timedelta(days=1), (other - one).days - 1) for one, other in pairwise(days)]
