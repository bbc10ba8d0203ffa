"""What the ledger knew of a model by a time: what was recorded later, or of another model, is not in it."""

from datetime import timedelta

import pytest
import stood
from stood import at, look, looked, promote, week

from evergreen.base.errors import IntegrityError
from evergreen.record.standing.rows import rows

MONDAY = at("03-09T02:00")


@pytest.fixture
def ledger(tmp_path):
    ledger = stood.ledger_in(tmp_path)
    promote(ledger, 1, at("03-01"))
    return ledger


def test_nothing_that_was_recorded_later_is_known(ledger):
    one = looked(ledger, look(*week(0), harm=stood.BROKEN, decision=stood.DUE))
    stood.retrained(ledger, one, "promoted", version=2)
    before = rows(ledger, stood.MODEL, at=MONDAY)
    promote(ledger, 2, at("03-10"))
    looked(ledger, look(*week(0), as_of=at("03-11")), when=at("03-11"))
    looked(ledger, look(*week(1), version=2))
    assert rows(ledger, stood.MODEL, at=MONDAY) == before
    assert (len(before.looks), len(before.retrained), len(before.changes), len(before.incidents)) == (1, 1, 1, 1)
    assert rows(ledger, stood.MODEL, at=MONDAY - timedelta(seconds=1)).looks == ()


def test_of_one_window_the_latest_look_is_known_and_windows_stand_by_their_ends(ledger):
    looked(ledger, look(*week(1)))
    late = looked(ledger, look(*week(0), as_of=at("03-17")))
    looked(ledger, look(*week(0), as_of=at("03-12")), when=at("03-18"))
    found = rows(ledger, stood.MODEL, at=at("04-01"))
    assert [(one.start, one.as_of) for one in found.looks] == [
        (week(0)[0], late.as_of),
        (week(1)[0], at("03-16T02:00")),
    ]


def test_champion_is_the_one_of_the_time_that_is_asked_for(ledger):
    promote(ledger, 2, at("03-10"))
    found = rows(ledger, stood.MODEL, at=at("04-01"))
    reigns = [found.reign(when) for when in (at("02-01"), at("03-01"), at("03-09"), at("03-10"))]
    assert [reign and reign.version for reign in reigns] == [None, 1, 1, 2]


def test_retraining_of_before_there_were_repairs_was_a_training(ledger):
    one = looked(ledger, look(*week(0), decision=stood.DUE))
    ledger.record(stood.MODEL, "retraining", one.incident, {"outcome": {"verdict": "refused"}})
    (done,) = rows(ledger, stood.MODEL, at=MONDAY).retrained
    assert (done.incident, done.training, done.rung, done.outcome.checks) == (one.incident, True, None, ())


def test_rows_of_another_model_and_of_other_kinds_are_left_out(ledger):
    before = rows(ledger, stood.MODEL, at=MONDAY)
    ledger.record("another", "look", "v1:odd", {"rows": "many"})
    ledger.record(stood.MODEL, "window", "w", {"anything": True})
    assert rows(ledger, stood.MODEL, at=MONDAY) == before
    assert rows(ledger, "never trained", at=MONDAY).last is None


def test_ledger_that_is_damaged_is_not_drawn(ledger):
    ledger.record(stood.MODEL, "look", "v1:odd", {"rows": "many"})
    with pytest.raises(IntegrityError, match="is no Glance"):
        rows(ledger, stood.MODEL, at=at("12-01"))


def test_retraining_without_an_outcome_is_damage_too(ledger):
    ledger.record(stood.MODEL, "retraining", "v1:odd", {"outcome": "fine"})
    with pytest.raises(IntegrityError, match=r"retraining of visits.* is no Retrained"):
        rows(ledger, stood.MODEL, at=at("12-01"))
