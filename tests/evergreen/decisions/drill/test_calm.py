"""Days drawn anew are days that were, by the week; and where nothing changed, alarms are as rare as is stated."""

from datetime import date, timedelta

import numpy as np
import pytest
from daily import Process, bins_of, profile_of
from scipy import stats

from evergreen.decisions.drift.harm.days import Day
from evergreen.decisions.drift.harm.promise import Promise
from evergreen.decisions.drill import calm
from evergreen.decisions.drill.calm import BLOCK, History, drawn, measure

FIRST = date(2024, 1, 1)  # a Monday
PROMISED = Promise(loss="error", at_gate=0.1, at_most=0.13, tolerance=0.02, evidence="", days=((100, 10.0),) * 14)


def history(n_days=56, *, seed=0, process=Process(share=0.2, weekly=0.3)):  # noqa: B008  a frozen value
    rng = np.random.default_rng(seed)
    days = np.repeat(np.arange(n_days), 60)
    columns = {name: process.normal(days, rng) for name in ("x", "y")}
    return profile_of(days, columns, {name: bins_of(values) for name, values in columns.items()})


def losses(n_days=28, rate=0.1, *, seed=0):
    rng = np.random.default_rng(seed)
    return [Day(day=FIRST + timedelta(i), n=100, loss=float(rng.binomial(100, rate))) for i in range(n_days)]


def test_drawn_days_are_days_of_the_history_in_weeks_that_keep_their_weekday():
    known = history()
    again = drawn(known, 30, date(2024, 5, 1), np.random.default_rng(1))  # a Wednesday
    assert again.days == tuple(date(2024, 5, 1) + timedelta(i) for i in range(30))
    sources = [int(np.flatnonzero((known.counts["x"] == row).all(axis=1))[0]) for row in again.counts["x"]]
    assert [known.days[at].weekday() for at in sources] == [day.weekday() for day in again.days]
    for begin in range(0, 30, BLOCK):
        block = sources[begin : begin + BLOCK]
        assert block == list(range(block[0], block[0] + len(block)))
    assert again.moments["y"].tolist() == known.moments["y"][sources].tolist()
    assert (again.rows == 60).all()


def test_days_that_the_history_did_not_have_are_not_made_up():
    known = history()
    weekdays = [at for at, day in enumerate(known.days) if day.weekday() < 5]
    cut = known.within()
    cut = type(known)(
        bins=known.bins, days=tuple(known.days[at] for at in weekdays), rows=known.rows[weekdays],
        counts={name: counts[weekdays] for name, counts in known.counts.items()},
        moments={name: moments[weekdays] for name, moments in known.moments.items()}, lost={},
    )  # fmt: skip
    again = drawn(cut, 28, date(2024, 5, 1), np.random.default_rng(1))
    assert {day.weekday() for day in again.days} == {0, 1, 2, 3, 4}


@pytest.mark.parametrize("process", [Process(), Process(share=0.3, weekly=0.5)], ids=["alone", "of the day"])
def test_alarms_are_as_rare_as_stated_where_nothing_changed(process, monkeypatch):
    monkeypatch.setattr(calm, "WINDOWS", 40)
    monkeypatch.setattr(calm, "STREAMS", 20)
    rows = history(process=process)
    given = History(rows=rows, said=history(seed=9), losses=losses())
    found = list(measure(given, PROMISED, shift_alpha=0.01, harm_alpha=0.05, seed=7))
    assert [(one.alarm, one.stated) for one in found] == [
        ("shift", 0.01), ("faults", 0.01), ("shift of predictions", 0.01), ("harm", 0.05),
    ]  # fmt: skip
    for one in found:
        assert one.kept
        assert one.measured == one.raised / one.n == 0.0
        assert (one.low, one.high) == (0.0, pytest.approx(stats.beta.ppf(0.975, 1, one.n)))


def test_alarm_that_is_raised_more_often_than_stated_is_said_so(monkeypatch):
    monkeypatch.setattr(calm, "WINDOWS", 5)
    monkeypatch.setattr(calm, "STREAMS", 20)
    given = History(rows=history(), said=None, losses=losses(rate=0.3))  # a promise that these days do not keep
    *_, harm = measure(given, PROMISED, shift_alpha=0.01, harm_alpha=0.05, seed=7)
    assert (harm.raised, harm.measured, harm.kept) == (20, 1.0, False)
    assert harm.low == pytest.approx(stats.beta.ppf(0.025, 20, 1))


def test_short_history_and_no_promise_are_not_drawn_and_say_why():
    given = History(rows=history(10), said=None, losses=losses(8))
    shift, faults, harm = measure(given, PROMISED, shift_alpha=0.01, harm_alpha=0.05, seed=7)
    assert {one.why_not for one in (shift, faults)} == {"10 days of history, 14 are needed"}
    assert (harm.why_not, harm.measured, harm.kept) == ("8 days have labels, 14 are needed", None, None)
    nothing = PROMISED.model_copy(update={"at_most": 1.0})
    *_, harm = measure(given, nothing, shift_alpha=0.01, harm_alpha=0.05, seed=7)
    assert harm.why_not == "nothing was promised"


def test_same_seed_draws_the_same(monkeypatch):
    monkeypatch.setattr(calm, "WINDOWS", 3)
    monkeypatch.setattr(calm, "STREAMS", 3)
    given = History(rows=history(), said=None, losses=losses())
    one, other = (list(measure(given, PROMISED, shift_alpha=0.01, harm_alpha=0.05, seed=7)) for _ in range(2))
    assert one == other
