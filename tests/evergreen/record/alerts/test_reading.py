"""What the ledger's rows say of incidents: which kinds a look can judge, of whom, and as of when."""

from datetime import timedelta

import pytest
import stood
from stood import at, look, looked, promote, week

from evergreen.base.errors import IntegrityError
from evergreen.decisions.alerts.facts import Answered, Changed, Looked, Proposed, Retrained
from evergreen.decisions.drift.faults.skew import ColumnSkew, Skew
from evergreen.decisions.drift.faults.verdict import Fault
from evergreen.decisions.retrain.ladder import Probed
from evergreen.record.alerts.reading import KINDS, facts_of
from evergreen.record.glances import glances_at

MONDAY = at("03-09")
WELL = {"data-fault": {}, "skew": {}, "harm": {}, "labels-late": {}, "circuit-open": {}}
UNTOLD = {"verdict": "not enough data", "evidence": "too little is known"}


@pytest.fixture
def ledger(tmp_path):
    return stood.ledger_in(tmp_path)


def facts(ledger):
    entries = ledger.entries(stood.MODEL, *KINDS)
    return facts_of(ledger, entries, glances_at(ledger, entries))


def found(ledger, **changes):
    """Return what a look at the first week finds that found this."""
    looked(ledger, look(*week(0), **changes))
    return facts(ledger)[-1].found


def late(coverage):
    return stood.labels("immature", MONDAY, coverage=coverage, needed=0.9)


def test_look_is_told_with_its_window_its_times_and_its_decision(ledger):
    one = looked(ledger, look(*week(0), decision=stood.DUE), when=at("03-09T02:05"))
    assert facts(ledger) == [
        Looked(
            at=at("03-09T02:00"),
            recorded=at("03-09T02:05"),
            window=one.incident,
            start=one.start,
            end=one.end,
            version=1,
            found=WELL,
            retrain=True,
            summary="retrain: harm",
        )
    ]


@pytest.mark.parametrize(
    ("changes", "kind", "said"),
    [
        ({"faults": stood.broken_column("age")}, "data-fault", {"age": "age: all missing"}),
        ({"harm": stood.BROKEN}, "harm", {"v1": "above the promise"}),
        ({"automatic": stood.BROKEN}, "automation", {"v1": "above the promise"}),
        ({"automatic": stood.KEPT}, "automation", {}),
        ({"labels": late(0.5)}, "labels-late", {"": "labels are immature"}),
        ({"labels": late(0.9)}, "labels-late", {}),
        ({"probed": Probed(evidence="no memory", failed=True)}, "probe-failed", {"": "no memory"}),
        ({"probed": Probed(evidence="told", gain=0.01)}, "probe-failed", {}),
        (
            {"decision": stood.QUIET.model_copy(update={"circuit_open": True, "summary": "it did not help"})},
            "circuit-open",
            {"": "it did not help"},
        ),
    ],
)
def test_what_a_look_found_is_told_of_whom_it_is_about_and_of_nothing_else(ledger, changes, kind, said):
    assert found(ledger, **changes) == {**WELL, kind: said}


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({"faults": stood.NO_FAULT.model_copy(update=UNTOLD)}, "data-fault"),
        ({"skew": Skew(n_pairs=0, **UNTOLD)}, "skew"),
        ({"harm": stood.KEPT.model_copy(update={"verdict": "unknown"})}, "harm"),
        ({"labels": late(None)}, "labels-late"),
        ({"probed": Probed(evidence="nothing is new")}, "probe-failed"),
    ],
)
def test_what_a_look_cannot_judge_is_not_told_either_way(ledger, changes, kind):
    assert found(ledger, **changes) == {name: said for name, said in WELL.items() if name != kind}


def test_two_faults_of_one_column_are_of_that_column_with_both_said(ledger):
    columns = [("age", "half is missing"), ("age", "some are -1"), ("city", "all is missing")]
    faults = tuple(Fault(column=name, kind="missing", evidence=said, share=0.5) for name, said in columns)
    broken = stood.NO_FAULT.model_copy(update={"verdict": "fault", "columns": faults})
    assert found(ledger, faults=broken)["data-fault"] == {
        "age": "age: half is missing: some are -1",
        "city": "city: all is missing",
    }


def test_fault_without_a_column_is_the_tables(ledger):
    broken = stood.NO_FAULT.model_copy(update={"verdict": "fault", "evidence": "it cannot be read"})
    assert found(ledger, faults=broken)["data-fault"] == {"": "it cannot be read"}


def test_columns_that_are_served_otherwise_are_told_and_those_alike_are_not(ledger):
    columns = tuple(
        ColumnSkew(name=name, verdict=verdict, evidence=f"{name} told")
        for name, verdict in (("a", "skew"), ("b", "none"))
    )
    skew = Skew(verdict="skew", evidence="one differs", n_pairs=9, columns=columns)
    assert found(ledger, skew=skew)["skew"] == {"a": "a: a told"}


def test_training_proposal_answer_and_change_are_told_in_their_order(ledger):
    promote(ledger, 1, at("03-01"))
    one = looked(ledger, look(*week(0), decision=stood.DUE))
    ledger.now = at("03-09T03:00")
    stood.retrained(ledger, one, "proposed", version=2)
    stood.propose(ledger, 2)
    ledger.now = at("03-10")
    ledger.record(stood.MODEL, "approval", "2", {"by": "ada", "reason": "fine"})
    promote(ledger, 2, at("03-11"))
    changed, _, trained, proposed, answered, again = facts(ledger)
    assert changed == Changed(at=at("03-01"), recorded=at("03-01"), version=1, epoch=1)
    assert trained == Retrained(at=at("03-09T03:00"), window=one.incident, verdict="proposed", reason="r")
    assert proposed == Proposed(at=at("03-09T03:00"), version=2, epoch=1, expires=None)
    assert answered == Answered(at=at("03-10"), version=2, answer="approval by ada: fine")
    assert again == Changed(at=at("03-11"), recorded=at("03-11"), version=2, epoch=2)


def test_history_that_is_walked_in_an_hour_is_as_long_as_it_was(ledger):
    promote(ledger, 1, at("11-29"))
    for n in range(3):
        when = at("11-29") + timedelta(minutes=20 * n + 1)
        one = looked(ledger, look(*week(n), decision=stood.DUE), when=when)
        stood.retrained(ledger, one, "promoted", version=n + 2)
        promote(ledger, n + 2, when)
    told = facts(ledger)[1:]
    days = [at("03-09T02:00") + timedelta(weeks=n) for n in range(3)]
    assert [fact.at for fact in told] == [day for day in days for _ in range(3)]
    assert {fact.recorded.date() for fact in told if not isinstance(fact, Retrained)} == {at("11-29").date()}


def test_what_follows_a_look_at_now_is_as_of_when_it_was_done(ledger):
    looked(ledger, look(*week(0), as_of=at("03-09T02:00")), when=at("11-29"))
    one = looked(ledger, look(*week(1)))
    ledger.now = at("11-30")
    stood.retrained(ledger, one, "refused")
    *_, trained = facts(ledger)
    assert trained.at == at("03-16T02:00")


def test_entry_that_does_not_hold_what_its_kind_holds_is_damage(ledger):
    ledger.record(stood.MODEL, "proposal", "2", {"version": "two"})
    with pytest.raises(IntegrityError, match="is no Proposal"):
        facts(ledger)
