"""Incidents of what was decided: refused thrice, decided and not done, a person's turn."""

from happened import answered, at, changed, looked, proposed, retrained

from evergreen.decisions.alerts import decided

DUE = {"retrain": True, "summary": "retrain: harm"}


def test_third_refusal_in_a_row_is_an_incident_and_a_fourth_is_the_same():
    refusals = [retrained(f"{month:02}", f"{month:02}-28") for month in range(1, 5)]
    assert decided.refused(refusals[:2], model="visits") == []
    (third,), (fourth,) = (decided.refused(refusals[:n], model="visits") for n in (3, 4))
    assert third.key == fourth.key
    assert (fourth.since, fourth.until) == (at("03-28"), None)
    assert "4 retrainings in a row" in fourth.evidence


def test_one_that_passes_ends_it_and_counting_begins_anew():
    row = [retrained(f"{month:02}", f"{month:02}-28") for month in range(1, 6)]
    passed = retrained("03", "03-29", verdict="proposed")
    (one,) = decided.refused([*row[:3], passed, *row[3:]], model="visits")
    assert (one.until, one.ended) == (at("03-29"), "a retraining passed the gate")


def test_a_decision_that_nobody_carried_out_for_a_day_is_an_incident_since_it_was_recorded():
    facts = [looked("01", "02-01", **DUE)]
    assert decided.not_done(facts, model="visits", now=at("02-01T23:59")) == []
    (one,) = decided.not_done(facts, model="visits", now=at("02-02"))
    assert (one.since, one.until) == (at("02-01"), None)
    assert "retrain: harm" in one.evidence


def test_it_ends_when_it_is_done_or_decided_otherwise_and_one_done_in_time_was_none():
    look, late = looked("01", "02-01", **DUE), at("05-01")
    (done,) = decided.not_done([look, retrained("01", "02-05")], model="visits", now=late)
    (otherwise,) = decided.not_done([look, looked("02", "03-01")], model="visits", now=late)
    assert (done.until, done.ended) == (at("02-05"), "it was done")
    assert (otherwise.until, otherwise.ended) == (at("03-01"), "a later look decided otherwise")
    assert decided.not_done([look, retrained("01", "02-01T05:00")], model="visits", now=late) == []


def test_a_decision_about_history_is_late_a_day_after_it_was_recorded():
    look = looked("01", "02-01", **DUE, recorded=at("09-01"))
    assert decided.not_done([look], model="visits", now=at("09-01T12:00")) == []


def test_version_that_waits_is_an_incident_until_somebody_answers():
    facts = [proposed(2, "02-01")]
    (one,) = decided.waiting(facts, model="visits", now=at("02-02"))
    assert (one.subject, one.until) == ("v2", None)
    assert "until 2026-02-04 00:00 UTC" in one.evidence
    (over,) = decided.waiting([*facts, answered(2, "02-02"), changed(2, "02-02")], model="visits", now=at("02-03"))
    assert (over.key, over.until, over.ended) == (one.key, at("02-02"), "approval by ada: fine")


def test_it_ends_too_when_time_is_up_or_another_version_becomes_champion():
    (late,) = decided.waiting([proposed(2, "02-01")], model="visits", now=at("02-09"))
    assert (late.until, late.ended) == (at("02-04"), "nobody answered in time")
    (stale,) = decided.waiting([proposed(2, "02-01"), changed(3, "02-02")], model="visits", now=at("02-03"))
    assert (stale.until, stale.ended) == (at("02-02"), "version 3 became champion")
    (for_ever,) = decided.waiting([proposed(2, "02-01", hours=None)], model="visits", now=at("12-01"))
    assert for_ever.until is None
