"""A look as those read it who need a little of it: the same as the whole one, of any age."""

from datetime import UTC, timedelta

import pytest
import stood
from stood import at, look, looked, promote, week

from evergreen.base.errors import IntegrityError
from evergreen.record.glances import glances_at
from evergreen.record.looks import Look


@pytest.fixture
def ledger(tmp_path):
    ledger = stood.ledger_in(tmp_path)
    promote(ledger, 1, at("03-01"))
    return ledger


def only(ledger):
    (glance,) = glances_at(ledger, ledger.entries(stood.MODEL)).values()
    return glance


def recorded(ledger, one, **changes):
    """Record a look of which something is written otherwise; None takes it away."""
    payload = {**one.model_dump(mode="json", exclude={"steps"}), **changes}
    ledger.record(stood.MODEL, "look", one.key, {name: said for name, said in payload.items() if said is not None})


def test_what_is_read_is_what_the_whole_look_says(ledger):
    columns = stood.column("age", verdict="shifted", effect=0.2), stood.column("city")
    given = {"shift": stood.shift(*columns, verdict="shifted"), "harm": stood.BROKEN, "decision": stood.DUE}
    one = looked(ledger, look(*week(0), **given, faults=stood.broken_column("zone"), audit=stood.audited(0.2)))
    glance = only(ledger)
    (entry,) = ledger.entries(stood.MODEL, "look")
    whole = Look.model_validate(entry.payload)
    assert whole == one
    assert (glance.key, glance.incident, glance.recorded) == (whole.key, whole.incident, entry.at)
    for name in ("version", "start", "end", "as_of", "source", "rows", "quarantined"):
        assert getattr(glance, name) == getattr(whole, name)
    assert [(one.name, one.effect, one.verdict) for one in glance.shift.moved] == [
        (one.name, one.effect, one.verdict) for one in columns
    ]
    assert [(one.column, one.kind, one.evidence) for one in glance.faults.columns] == [
        ("zone", "missing", "all missing")
    ]
    assert (glance.harm.verdict, glance.harm.since, glance.harm.promise.at_most) == ("broken", week(0)[0], 0.15)
    assert (glance.labels.coverage, glance.labels.watermark) == (whole.labels.coverage, whole.labels.watermark)
    assert (glance.performance.low, glance.estimated.loss, glance.audit.low) == (0.78, 0.11, 0.2)
    assert (glance.decision.retrain, glance.decision.triggers) == (True, ("harm",))


def test_only_looks_are_read_each_by_its_number(ledger):
    one, two = (looked(ledger, look(*week(n))) for n in range(2))
    stood.retrained(ledger, one, "refused")
    found = glances_at(ledger, ledger.entries(stood.MODEL))
    assert {seq: glance.key for seq, glance in found.items()} == {
        entry.seq: entry.key for entry in ledger.entries(stood.MODEL, "look")
    }
    assert [glance.key for glance in found.values()] == [one.key, two.key]


def test_look_of_before_there_was_an_audit_or_a_probe_is_read_and_so_is_one_that_says_more(ledger):
    recorded(ledger, look(*week(0)), audit=None, probed=None, causes=None, days=None, invented_later={"a": 1})
    glance = only(ledger)
    assert (glance.audit, glance.probed, glance.causes, glance.days) == (None, None, (), ())


def test_cause_that_is_unknown_explains_nothing(ledger):
    recorded(ledger, look(*week(0), causes=(*stood.cause("unknown"), *stood.cause("concept drift"))))
    assert only(ledger).explained == ("concept drift",)


@pytest.mark.parametrize(("late", "is_history"), [(0, False), (23, False), (24, True), (24 * 300, True)])
def test_look_that_is_made_a_day_after_its_time_is_at_history(ledger, late, is_history):
    one = look(*week(0))
    looked(ledger, one, when=one.as_of + timedelta(hours=late))
    assert only(ledger).is_history is is_history


def test_time_of_a_look_is_the_same_instant_in_whatever_zone_it_was_written(ledger):
    recorded(ledger, look(*week(0)), as_of="2026-03-09T11:00:00+09:00")
    assert only(ledger).as_of.astimezone(UTC) == at("03-09T02:00")


@pytest.mark.parametrize("odd", [{"rows": "many"}, {"start": None}, {"decision": {"retrain": True}}])
def test_entry_that_holds_no_look_is_damage(ledger, odd):
    recorded(ledger, look(*week(0)), **odd)
    with pytest.raises(IntegrityError, match="is no Glance"):
        only(ledger)
