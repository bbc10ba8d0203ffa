"""The charts: every window is in them at its height, and what their axes are called tells ticks apart."""

import re
from datetime import date, timedelta

import pytest
import stood
from hypothesis import given
from hypothesis import strategies as st
from stood import at, look, looked, promote, week

from evergreen.record.standing import pictures
from evergreen.record.standing.assemble import standing
from evergreen.record.standing.webpage import render


@pytest.fixture(scope="module")
def healthy(tmp_path_factory):
    """How a model stands after one look."""
    ledger = stood.ledger_in(tmp_path_factory.mktemp("ledger"))
    promote(ledger, 1, at("03-01"))
    looked(ledger, look(*week(0)))
    return standing(ledger, stood.MODEL, at=at("03-09T03:00"))


def of(healthy, *changes):
    """Return how it would stand after a look at a week for each of these changes of its window."""
    (window,) = healthy.windows
    weeks = [dict(zip(("start", "end"), week(n), strict=True)) for n in range(len(changes))]
    windows = tuple(window.model_copy(update={**a, **b}) for a, b in zip(weeks, changes, strict=True))
    return healthy.model_copy(update={"windows": windows})


def paths(drawn, kind):
    return re.findall(rf'<path class="{kind}" d="([^"]*)"/>', drawn)


def named(drawn, kind):
    return re.findall(rf'<span class="{kind}[^>]*>(?:<b>)?([^<]*)<', drawn)


def test_charts_hold_every_window_and_mark_every_version(tmp_path):
    ledger = stood.ledger_in(tmp_path)
    promote(ledger, 1, at("03-01"))
    looked(ledger, look(*week(0)))
    promote(ledger, 2, at("03-10"))
    looked(ledger, look(*week(1), version=2, performance=stood.performance(None)))
    looked(ledger, look(*week(2), version=2))
    page = render(standing(ledger, stood.MODEL, at=at("03-23T03:00")))
    marks = re.findall(r'class="mark" style="left:[\d.]+%">(v\d)<', page)
    assert marks == ["v1", "v2"] * 2
    assert page.count('class="hit"') == 9
    measured = page.split('class="plot"')[1]
    assert 'class="main"' not in measured  # the window in the middle was not measured: no line across it
    assert measured.count("h0") == 2 + 3  # two measured windows, three estimated ones


def test_last_value_that_is_known_stands_beside_each_line_and_is_read_aloud(healthy):
    none = {"value": None, "low": None, "high": None}
    drawn = pictures.performance(of(healthy, {"value": 0.81234}, none))
    assert named(drawn, "end") == ["0.812", "0.79"]
    assert 'aria-label="roc_auc of 2 windows, last measured 0.812; estimated 0.79"' in drawn
    assert "version 1: not measured, estimated 0.7900" in drawn
    assert "roc_auc 0.8123 [0.7800, 0.8200]" in drawn


def test_line_is_not_drawn_across_weeks_that_nobody_looked_at(healthy):
    found = of(healthy, *[{}] * 4)
    first, second, _, last = found.windows
    gap = found.model_copy(update={"windows": (first, second, last)})
    assert [path.count("L") for path in paths(pictures.performance(found), "main")] == [3]
    assert [path.count("L") for path in paths(pictures.performance(gap), "main")] == [1]


def test_promise_is_a_level_below_losses_that_break_it(healthy):
    drawn = pictures.losses(of(healthy, {"loss": 0.3, "promised": 0.15}))
    (limit,), (loss,) = paths(drawn, "limit"), paths(drawn, "dots")
    height = {name: float(re.findall(r"M[\d.]+ ([\d.]+)", path)[0]) for name, path in (("p", limit), ("l", loss))}
    assert height["l"] < height["p"] < 1000  # from the top
    assert (1000 - height["l"]) / (1000 - height["p"]) == pytest.approx(2, rel=1e-3)
    assert [*zip(named(drawn, "end"), re.findall(r"</b> ([a-z ]+)</span>", drawn), strict=False)] == [
        ("0.3", "measured"),
        ("0.11", "estimated"),
        ("0.15", "promised at most"),
    ]


def test_no_promise_is_no_level(healthy):
    assert paths(pictures.losses(of(healthy, {"promised": None})), "limit") == []


def test_rows_are_filled_where_served_hollow_where_not_and_refused_ones_apart(healthy):
    found = of(healthy, {"rows": 1000}, {"rows": 500, "source": "source"}, {"rows": 1_234, "refused": 100})
    drawn = pictures.traffic(found)
    assert [path.count("Z") for kind in ("bars", "hollow", "lost") for path in paths(drawn, kind)] == [2, 1, 1]
    assert named(drawn, "end") == ["1,234"]
    assert "2026-03-16 to 2026-03-23: 1,234 rows, 100 refused" in drawn
    assert named(drawn, "y") == ["0", "500", "1k", "1.5k"]


def test_labels_that_came_are_a_share_beside_what_is_needed(healthy):
    drawn = pictures.coverage(of(healthy, {"coverage": 0.5, "needed": 0.9}, {"coverage": None, "needed": 0.9}))
    (bar,) = paths(drawn, "bars")
    assert "V500.0" in bar
    assert bar.count("Z") == 1
    assert all(" 100.0H" in step for step in paths(drawn, "limit"))
    assert 'aria-label="50% of the due labels came, last"' in drawn
    assert "no label is due yet" in pictures.coverage(of(healthy, {"coverage": None, "needed": None}))


@given(least=st.floats(0.01, 1e7), spread=st.floats(1e-4, 10))
def test_no_two_ticks_are_called_the_same_however_little_a_metric_moves(healthy, least, spread):
    most = least * (1 + spread)
    drawn = pictures.performance(of(healthy, {"low": least, "value": least, "high": most, "estimated": None}))
    names = named(drawn, "y")
    assert len(names) == len(set(names)) >= 2
    units = {"k": 1e3, "M": 1e6, "G": 1e9}
    ticks = [float(name.rstrip("kMG")) * units.get(name[-1], 1) for name in names]
    assert ticks == sorted(ticks)
    assert ticks[0] <= least * (1 + 1e-6)
    assert ticks[-1] >= most * (1 - 1e-6)


@pytest.mark.parametrize(
    ("value", "shown"), [(0.80051, "0.801"), (999.6, "1k"), (1_234.5, "1.23k"), (999_999, "1M"), (2.5e9, "2.5G")]
)
def test_last_value_is_written_with_three_digits_whatever_its_size(healthy, value, shown):
    drawn = pictures.performance(of(healthy, {"value": value, "low": value, "high": value, "estimated": None}))
    assert named(drawn, "end") == [shown]


def test_a_model_of_many_versions_has_the_last_ones_marked(healthy):
    found = of(healthy, *({"version": n + 1} for n in range(30)))
    assert named(pictures.performance(found), "mark") == [f"v{n}" for n in range(19, 31)]


def test_single_day_is_a_picture_too(healthy):
    start = date(2026, 3, 2)
    found = of(healthy, {"start": start, "end": start + timedelta(days=1)})
    for draw in (pictures.performance, pictures.losses, pictures.traffic, pictures.coverage):
        assert "nan" not in draw(found)
        assert named(draw(found), "x") == ["2 Mar"]
