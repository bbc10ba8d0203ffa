"""Charts: axes with round ticks, lines that break, labels that do not touch."""

import re
from datetime import UTC, date, datetime, timedelta, timezone
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evergreen.record.standing.chart import (
    Axis,
    End,
    bars,
    day_named,
    days_axis,
    instants_axis,
    line,
    ordinal,
    plot,
    values_axis,
)

MARCH = date(2026, 3, 1)


@given(st.lists(st.floats(-1e9, 1e9, allow_subnormal=False), min_size=1, max_size=9))
def test_axis_holds_every_value_between_few_round_ticks(values):
    axis = values_axis(values)
    span = max(abs(axis.least), abs(axis.most), 1e-9)
    assert axis.least <= min(values) + 1e-6 * span
    assert axis.most >= max(values) - 1e-6 * span
    assert 2 <= len(axis.ticks) <= 6


@given(st.integers(1, 20_000))
def test_days_have_at_least_one_tick_and_never_a_crowd(n):
    axis = days_axis(MARCH, MARCH + timedelta(days=n))
    assert len(axis.ticks) <= 11
    assert all(axis.least <= tick <= axis.most for tick in axis.ticks)
    assert all(day_named(tick, axis) for tick in axis.ticks)


def test_values_of_one_size_still_have_an_axis():
    assert values_axis([0.8, 0.8]).least <= 0.8 <= values_axis([0.8, 0.8]).most
    assert values_axis([]).ticks
    assert values_axis([5.0, 9.0], zero=True).least == 0.0
    assert values_axis([float("nan"), 1.0, float("inf")]).most < 10


def test_line_breaks_where_nothing_is_known_and_shows_what_stands_alone():
    points = [(MARCH + timedelta(days=n), value) for n, value in enumerate([0.1, 0.2, None, 0.4])]
    drawn = line(points, Axis(MARCH.toordinal(), MARCH.toordinal() + 10), Axis(0.0, 1.0), kind="main", dots="dots")
    (path,) = re.findall(r'class="main" d="([^"]*)"', drawn)
    assert path == "M0.0 900.0L100.0 800.0"
    (dots,) = re.findall(r'class="dots" d="([^"]*)"', drawn)
    assert dots.count("M") == 3
    assert "M300.0 600.0h0" in dots


def test_bar_is_as_high_as_its_value():
    days = Axis(MARCH.toordinal(), MARCH.toordinal() + 10)
    drawn = bars([(MARCH, MARCH + timedelta(days=10), 0.25)], days, Axis(0.0, 1.0), kind="bars")
    assert "V750.0" in drawn


@pytest.mark.parametrize("values", [(0.5, 0.5, 0.5), (0.1, 0.11, 0.9), (1.0, 1.0)])
def test_labels_at_the_end_do_not_touch(values):
    days = Axis(MARCH.toordinal(), MARCH.toordinal() + 10)
    ends = [End(f"series {n}", value, f"{value}") for n, value in enumerate(values)]
    drawn = plot("", days, Axis(0.0, 1.0), about="a", shown=str, high=100, ends=ends)
    places = sorted(float(top) for top in re.findall(r'class="end" style="top:([-\d.]+)%"', drawn))
    assert all(b - a >= 14.99 for a, b in pairwise(places))


def test_what_data_says_is_escaped():
    days = Axis(MARCH.toordinal(), MARCH.toordinal() + 10)
    evil = "</svg><script>alert(1)</script>"
    drawn = plot(
        "", days, Axis(0.0, 1.0), about=evil, shown=str, high=9, ends=[End(evil, 0, evil)], marks=[(MARCH, evil)]
    )
    assert "<script" not in drawn
    assert drawn.count("&lt;script&gt;") == 6


@given(st.integers(0, 90_000_000), st.integers(0, 86_399))
def test_time_from_seconds_to_years_has_few_ticks_with_names(seconds, after_midnight):
    start = datetime(2026, 3, 1, tzinfo=UTC) + timedelta(seconds=after_midnight)
    axis = instants_axis(start, start + timedelta(seconds=seconds))
    assert len(axis.ticks) <= 11
    assert all(axis.least <= tick <= axis.most for tick in axis.ticks)
    assert all(day_named(tick, axis) for tick in axis.ticks)


def test_hours_stand_where_they_are_between_midnights():
    noon = datetime(2026, 3, 1, 12, tzinfo=UTC)
    assert ordinal(noon) == ordinal(MARCH) + 0.5
    assert ordinal(datetime(2026, 3, 1, 13, tzinfo=timezone(timedelta(hours=1)))) == ordinal(noon)
