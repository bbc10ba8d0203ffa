"""Which look decides of a window."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from evergreen.record.windows import latest

MARCH, APRIL, MAY = date(2024, 3, 1), date(2024, 4, 1), date(2024, 5, 1)
NOON = datetime(2024, 6, 1, 12, tzinfo=UTC)


@dataclass(frozen=True)
class Looked:
    start: date = MARCH
    end: date = APRIL
    as_of: datetime = NOON
    data: str = "d"


def at(hours, data="d"):
    return Looked(as_of=NOON + timedelta(hours=hours), data=data)


def test_latest_time_decides_of_each_window_and_windows_stand_by_period():
    april, early, late = Looked(APRIL, MAY), at(1, "early"), at(2, "late")
    assert latest([april, late, early]) == [late, april]
    assert latest([late, at(2, "again")])[0].data == "again"  # as of one time: the one recorded last
    assert latest([]) == []


def test_windows_that_overlap_are_windows_of_their_own():
    week = Looked(MARCH, date(2024, 3, 8))
    assert latest([Looked(), week]) == [week, Looked()]  # by their ends
