"""Days without rows: a source that stopped, and not one that rests as it always did."""

from datetime import date, timedelta

import numpy as np
import pytest

from evergreen.decisions.drift.faults.decision import decide
from evergreen.decisions.drift.faults.silence import find_silence
from evergreen.decisions.drift.profile.profile import Profile

FIRST, START = date(2024, 1, 1), date(2024, 3, 1)  # a Monday; a Friday
END = date(2024, 4, 1)


def profile(days, rows=50):
    return Profile(bins={}, days=tuple(days), rows=np.full(len(days), rows), counts={}, moments={}, lost={})


def every(start, end, *, without=()):
    days = [start + timedelta(i) for i in range((end - start).days)]
    return [day for day in days if day not in without]


DAILY = profile(every(FIRST, START))
WEEKDAYS = profile([day for day in every(FIRST, START) if day.weekday() < 5])


def test_source_that_stopped_is_a_fault_from_its_first_silent_day():
    found = find_silence(DAILY, profile(every(START, date(2024, 3, 11))), start=START, end=END)
    assert (found.kind, found.since, found.share) == ("silent", date(2024, 3, 11), pytest.approx(21 / 31))
    assert "none came from 2024-03-11 to 2024-03-31, 21 days in a row; in the reference at most 0" in found.evidence


@pytest.mark.parametrize(("silent", "is_fault"), [(2, False), (3, True)])
def test_silence_within_a_window_counts_from_three_days_on(silent, is_fault):
    gap = {date(2024, 3, 12) + timedelta(i) for i in range(silent)}
    found = find_silence(DAILY, profile(every(START, END, without=gap)), start=START, end=END)
    assert (found is not None) is is_fault
    assert found is None or found.since == date(2024, 3, 12)


def test_window_that_begins_silent_is_a_fault():
    found = find_silence(DAILY, profile(every(date(2024, 3, 6), END)), start=START, end=END)
    assert (found.since, found.evidence[:45]) == (START, "none came from 2024-03-01 to 2024-03-05, 5 da")


def test_weekends_and_twice_as_long_are_none_where_the_reference_rests_on_weekends():
    days = [day for day in every(START, END) if day.weekday() < 5]
    assert find_silence(WEEKDAYS, profile(days), start=START, end=END) is None
    long_weekend = [day for day in days if day not in (date(2024, 3, 15), date(2024, 3, 18))]
    assert find_silence(WEEKDAYS, profile(long_weekend), start=START, end=END) is None  # Friday to Monday: 4 days
    longer = [day for day in long_weekend if day != date(2024, 3, 19)]
    assert find_silence(WEEKDAYS, profile(longer), start=START, end=END).since == date(2024, 3, 15)


def test_days_that_are_not_over_are_not_silent():
    seen = profile(every(START, date(2024, 3, 11)))
    assert find_silence(DAILY, seen, start=START, end=date(2024, 3, 11)) is None
    assert find_silence(DAILY, seen, start=START, end=date(2024, 3, 13)) is None


def test_window_without_any_row_is_no_traffic():
    assert find_silence(DAILY, profile([]), start=START, end=END) is None
    assert decide(DAILY, profile([]), period=(START, END)).verdict == "no traffic"


def test_decision_names_the_silence_among_the_faults_and_looks_for_none_without_a_period():
    seen = profile(every(START, date(2024, 3, 11)))
    found = decide(DAILY, seen, period=(START, END))
    assert (found.verdict, [(fault.column, fault.kind) for fault in found.columns]) == ("fault", [("rows", "silent")])
    assert decide(DAILY, seen).verdict == "none"
