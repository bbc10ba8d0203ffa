"""Silence: a window was due for two days and nobody looked."""

import pytest
from happened import at, changed, looked

from evergreen.decisions.alerts.silence import Rhythm, silent

MONTHS = Rhythm(window="month", timezone="UTC")


def test_two_days_after_a_window_was_due_silence_is_an_incident_until_somebody_looks():
    facts = [looked("01", "02-01T02:00")]
    assert silent(facts, model="visits", now=at("03-02T23:59"), rhythm=MONTHS) == []
    (one,) = silent(facts, model="visits", now=at("03-03"), rhythm=MONTHS)
    assert (one.since, one.until) == (at("03-01"), None)
    later = silent([*facts, looked("02", "03-09")], model="visits", now=at("03-10"), rhythm=MONTHS)
    assert [(past.key, past.until) for past in later] == [(one.key, at("03-09"))]


def test_a_look_at_any_window_shows_that_somebody_looks():
    facts = [looked("01", "02-01T02:00"), looked("01", "03-02")]
    assert silent(facts, model="visits", now=at("04-02"), rhythm=MONTHS) == []


def test_looks_at_history_count_by_when_they_were_made():
    facts = [looked("01", "02-01", recorded=at("11-29")), looked("02", "03-01", recorded=at("11-29T01:00"))]
    assert silent(facts, model="visits", now=at("12-02T23:00"), rhythm=MONTHS) == []
    assert len(silent(facts, model="visits", now=at("12-03"), rhythm=MONTHS)) == 1


def test_before_the_first_champion_nobody_has_to_look():
    assert silent([], model="visits", now=at("12-01"), rhythm=MONTHS) == []
    (never,) = silent([changed(1, "02-10", epoch=1)], model="visits", now=at("06-01"), rhythm=MONTHS)
    assert never.since == at("03-01")


@pytest.mark.parametrize(
    ("window", "zone", "due"),
    [
        ("day", "UTC", "02-02"),
        ("week", "UTC", "02-02"),
        ("month", "UTC", "03-01"),
        ("day", "Asia/Tokyo", "02-01T15:00"),
        ("month", "America/New_York", "02-01T05:00"),
    ],
)
def test_what_is_due_follows_the_window_and_local_time(window, zone, due):
    (one,) = silent(
        [looked("01", "02-01T02:00")], model="visits", now=at("06-01"), rhythm=Rhythm(window=window, timezone=zone)
    )
    assert one.since == at(due)
