"""Which windows are due: unseen ones in order, once for all ticks that were missed, and again as labels come."""

from datetime import date, timedelta

import pytest

from evergreen.decisions.due import Looked, complete_windows, due

MARCH, APRIL, MAY, JUNE, JULY = (date(2024, month, 1) for month in range(3, 8))
ALL = {MARCH + timedelta(days=n) for n in range(122)}  # until the end of June


def looked(start, end, *, on, complete=True, rows=10, delay=1):
    return Looked(start=start, end=end, day=on, known=on - timedelta(days=delay), complete=complete, rows=rows)


def ask(*looks, today, size="month", data_end=MARCH, with_rows=ALL, delay=1):
    known = today - timedelta(days=delay)
    return due(size, looks, data_end=data_end, today=today, known=known, with_rows=with_rows)


def test_nothing_is_due_before_a_window_is_complete():
    assert ask(today=date(2024, 3, 31)) == ()
    assert ask(today=MARCH) == ()


def test_ten_missed_ticks_are_one_catch_up_of_each_window_in_order():
    assert ask(today=date(2024, 6, 10)) == ((MARCH, APRIL), (APRIL, MAY), (MAY, JUNE))


def test_window_that_was_looked_at_with_all_its_labels_is_not_due_again():
    done = looked(MARCH, APRIL, on=date(2024, 4, 2))
    assert ask(done, today=date(2024, 4, 20)) == ()
    assert ask(done, today=MAY) == ((APRIL, MAY),)


def test_last_window_is_looked_at_once_a_day_until_its_labels_are_complete():
    waits = looked(MARCH, APRIL, on=date(2024, 4, 2), complete=False)
    assert ask(waits, today=date(2024, 4, 2)) == ()
    assert ask(waits, today=date(2024, 4, 3)) == ((MARCH, APRIL),)


def test_earlier_window_is_looked_at_again_once_more_labels_are_due_and_the_last_one_after_it():
    early = looked(MARCH, APRIL, on=date(2024, 4, 2), complete=False, delay=60)
    last = looked(APRIL, MAY, on=date(2024, 5, 20), delay=60)
    assert ask(early, last, today=date(2024, 5, 20), delay=60) == ((MARCH, APRIL), (APRIL, MAY))
    grown_old = looked(MARCH, APRIL, on=date(2024, 6, 20), complete=False, delay=60)
    assert (MARCH, APRIL) not in ask(grown_old, last, today=date(2024, 6, 25), delay=60)


def test_source_that_ended_long_ago_is_looked_at_once_where_it_has_rows_and_once_at_the_end():
    today = date(2030, 1, 15)
    assert ask(today=today) == (
        (MARCH, APRIL), (APRIL, MAY), (MAY, JUNE), (JUNE, JULY), (date(2029, 12, 1), date(2030, 1, 1)),
    )  # fmt: skip


def test_empty_newest_window_is_looked_at_and_is_due_when_its_rows_have_come():
    until_may = {day for day in ALL if day < MAY}
    before = looked(MARCH, APRIL, on=date(2024, 4, 2)), looked(APRIL, MAY, on=date(2024, 5, 2))
    assert ask(*before, today=JUNE, with_rows=until_may) == ((MAY, JUNE),)
    empty = looked(MAY, JUNE, on=JUNE, rows=0)
    assert ask(*before, empty, today=date(2024, 6, 2), with_rows=until_may) == ()
    assert ask(*before, empty, today=date(2024, 6, 2)) == ((MAY, JUNE),)


def test_window_that_somebody_looked_at_before_it_was_over_is_due_when_it_is():
    early = looked(MARCH, APRIL, on=date(2024, 3, 20))
    assert ask(early, today=APRIL) == ((MARCH, APRIL),)


def test_days_that_the_champion_has_seen_make_no_window_due():
    assert ask(today=MAY, data_end=date(2024, 4, 20)) == ((APRIL, MAY),)
    assert ask(today=MAY, data_end=MAY) == ()


def test_changed_schedule_looks_at_no_day_twice_but_where_windows_overlap():
    month = looked(MARCH, APRIL, on=date(2024, 4, 2))
    weeks = ask(month, size="week", today=date(2024, 4, 16))
    assert weeks == ((APRIL, date(2024, 4, 8)), (date(2024, 4, 8), date(2024, 4, 15)))  # 1 April is a Monday
    seen = [looked(start, end, on=end) for start, end in weeks]
    assert ask(month, *seen, size="week", today=date(2024, 4, 17)) == ()
    assert ask(month, *seen, size="month", today=MAY) == ((APRIL, MAY),)


@pytest.mark.parametrize(
    ("size", "after", "today", "expected"),
    [
        ("day", date(2024, 2, 28), date(2024, 3, 2), ["2024-02-28", "2024-02-29", "2024-03-01"]),
        ("week", date(2024, 1, 1), date(2024, 1, 14), ["2024-01-01"]),
        ("month", date(2023, 12, 31), date(2024, 2, 1), ["2023-12-01", "2024-01-01"]),
    ],
)
def test_windows_follow_the_calendar(size, after, today, expected):
    assert [str(start) for start, _ in complete_windows(size, after=after, today=today)] == expected
