"""The part of a version whose time lies in a period."""

import random
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pyarrow.parquet as pq
import pytest
from versions import ASUNCION, NEW_YORK, ST_JOHNS, TYPES, at, publish, rows_of, write

from evergreen.data import datasets
from evergreen.data.typed.schema import UNREADABLE

EXAMPLE = {
    "at": at("2013-01-31T05:00"), "n": 1, "m": 0, "x": 0.5, "t": "a", "u": "", "b": False, UNREADABLE: None
}  # fmt: skip


MONTHS = [{**EXAMPLE, "at": at(f"2013-{month:02d}-15T12:00"), "n": month} for month in range(1, 5)]


@pytest.mark.parametrize("zone", [NEW_YORK, ST_JOHNS, ASUNCION])
def test_period_gives_the_rows_that_filtering_gives(tmp_path, zone):
    pick = random.Random(7)
    begin = at("2009-09-20T00:00") if zone != ASUNCION else at("2017-08-20T00:00")
    times = [begin + timedelta(minutes=pick.randrange(150 * 24 * 60)) for _ in range(400)]
    times += [at("2009-11-01T02:20"), at("2009-11-01T02:30:30"), at("2009-11-01T03:00"), None]
    rows = [{"at": instant, "n": n} for n, instant in enumerate(times)]
    path, _, manifest = publish(tmp_path, [rows_of(rows[:250]), rows_of(rows[250:])], zone=zone)
    days = [begin.date() + timedelta(days=pick.randrange(160)) for _ in range(24)]
    days += [date(begin.year, month, 1) for month in (10, 11, 12)]
    for number in range(40):
        start, end = sorted(pick.sample(days, 2))
        start, end = (None if number % 7 == 1 else start), (None if number % 7 == 2 else end)
        scratch = tmp_path / f"scratch-{number}"
        scratch.mkdir()
        fragments, files = datasets.within(
            path, manifest, time="at", zone=zone, start=start, end=end, scratch=scratch
        )  # fmt: skip
        first, last = (midnight(day, zone) for day in (start, end))
        expected = sorted(
            n for n, i in enumerate(times)
            if i is None or ((first is None or i >= first) and (last is None or i < last))
        )  # fmt: skip
        assert files.keys() == {part.path for part in fragments}
        found = [n for part in fragments for n in pq.read_table(files[part.path], partitioning=None)["n"].to_pylist()]
        assert sorted(found) == expected, (start, end)
        again = write(tmp_path / f"again-{number}", [rows_of([rows[n] for n in expected])], zone=zone)[0]
        assert datasets.digest(TYPES, fragments) == datasets.digest(TYPES, again)


def midnight(day: date | None, zone: str) -> datetime | None:
    return day and datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(zone)).astimezone(UTC)


def test_whole_months_of_a_period_are_taken_as_they_are(tmp_path):
    path, _, manifest = publish(tmp_path, [rows_of(MONTHS)])
    period = {"start": date(2013, 2, 1), "end": date(2013, 4, 1)}
    fragments, files = datasets.within(path, manifest, time="at", zone=NEW_YORK, scratch=tmp_path / "none", **period)
    assert fragments == manifest.fragments[1:3]
    assert all(file.is_relative_to(path) for file in files.values())
