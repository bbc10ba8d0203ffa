"""What stands behind the tiles: windows, inputs, decisions with what they cost and gained, and who let a model in."""

from datetime import date, timedelta

import pytest
import stood
from stood import at, look, looked, promote, week

from evergreen.decisions.drift.harm.days import Day
from evergreen.record.ledger.ledger import Ledger
from evergreen.record.registry.history import Reign
from evergreen.record.standing import parts
from evergreen.record.standing.rows import rows

MONDAY = at("03-09T02:00")
NEVER = at("12-01")


@pytest.fixture
def ledger(tmp_path):
    ledger = stood.ledger_in(tmp_path)
    promote(ledger, 1, at("03-01"), reason="requested: better than the prior")
    return ledger


def known(ledger, now=NEVER):
    return rows(ledger, stood.MODEL, at=now)


def last(ledger):
    return known(ledger).looks[-1]


def test_decisions_say_what_each_cost_and_gained_the_newest_first(ledger):
    one = looked(ledger, look(*week(0), decision=stood.DUE))
    stood.retrained(ledger, one, "promoted", version=2)
    promote(ledger, 2, MONDAY + timedelta(minutes=1))
    two = looked(ledger, look(*week(1), version=2, decision=stood.DUE))
    stood.retrained(ledger, two, "refused", gain=0.004, rung="recalibration", training=False)
    looked(ledger, look(*week(2), version=2))
    newest, repaired, trained = parts.decided(known(ledger))
    assert (newest.decision, newest.outcome, newest.cost, newest.gain) == ("keep", None, None, None)
    assert (trained.outcome, trained.became, trained.training) == ("promoted", 2, True)
    assert trained.cost == 40.0  # of CPU, of the step that ran
    assert (trained.gain, trained.gain_of) == (0.012, "roc_auc")  # as the gate measured it
    assert (repaired.rung, repaired.training) == ("recalibration", False)
    assert (repaired.gain, repaired.gain_of) == (0.004, "loss")


def test_decision_of_a_policy_says_what_decided_and_what_would_have_changed_it(ledger):
    decision = {"decided_by": "probe", "would_change": ["a gain above 0.01"], "rung": "refit"}
    one = look(*week(0), decision=stood.DUE)
    payload = one.model_dump(mode="json", exclude={"steps"})
    ledger.now = one.as_of
    ledger.record(stood.MODEL, "look", one.key, {**payload, "decision": {**payload["decision"], **decision}})
    (decided,) = parts.decided(known(ledger))
    assert (decided.decided_by, decided.rung, decided.would_change) == ("probe", "refit", ("a gain above 0.01",))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({}, "keep"),
        ({"retrain": True, "triggers": ("harm",)}, "retrain"),
        ({"triggers": ("harm",)}, "held back"),
        ({"triggers": ("harm",), "unknown": True}, "held back"),
        ({"unknown": True}, "unknown"),
    ],
)
def test_decision_is_to_retrain_to_keep_held_back_or_unknown(ledger, change, said):
    looked(ledger, look(*week(0), decision=stood.QUIET.model_copy(update=change)))
    assert [one.decision for one in parts.decided(known(ledger))] == [said]


def test_no_more_than_ten_decisions_are_told(ledger):
    for n in range(12):
        looked(ledger, look(*week(n)))
    assert len(known(ledger).looks) == 12
    assert [one.start for one in parts.decided(known(ledger))] == [week(n)[0] for n in range(11, 1, -1)]


def test_loss_of_a_window_is_that_of_its_labels_and_not_the_mean_of_its_days(ledger):
    start = week(0)[0]
    days = (Day(day=start, n=900, loss=90.0), Day(day=start + timedelta(days=1), n=100, loss=60.0))
    looked(ledger, look(*week(0), days=days, quarantined=3))
    window = parts.window(last(ledger))
    assert window.loss == pytest.approx(0.15)  # 150 of 1 000, where the mean of the days is 0.35
    assert (window.promised, window.refused, window.value, window.low) == (0.15, 3, 0.8, 0.78)
    looked(ledger, look(*week(1), days=(), harm=stood.KEPT.model_copy(update={"promise": vain()})))
    assert (parts.window(last(ledger)).loss, parts.window(last(ledger)).promised) == (None, None)


def vain():
    """Return a promise that no loss breaks."""
    return stood.PROMISE.model_copy(update={"at_most": 1.0})


def test_broken_inputs_stand_first_and_the_rest_by_how_much_the_answers_moved(ledger):
    columns = (
        stood.column("age", effect=0.01),
        stood.column("city", effect=0.3, verdict="shifted", evidence="moved"),
        stood.column("height", effect=0.0),
        stood.column("zone", effect=None, verdict="not enough data"),
    )
    looked(ledger, look(*week(0), shift=stood.shift(*columns), faults=stood.broken_column("height")))
    found = parts.inputs(last(ledger))
    assert [(one.name, one.state) for one in found] == [
        ("height", "BAD"),
        ("city", "NOTE"),
        ("age", "OK"),
        ("zone", "UNKNOWN"),
    ]
    assert (found[0].fault, found[0].verdict, found[0].missing) == ("all missing", "missing", (0.0, 0.0))
    assert (found[1].fault, found[1].evidence) == (None, "moved")


def test_column_that_is_broken_and_has_no_reference_is_an_input_too(ledger):
    looked(ledger, look(*week(0), shift=stood.shift(), faults=stood.broken_column("gone")))
    (one,) = parts.inputs(last(ledger))
    assert (one.name, one.state, one.effect, one.missing) == ("gone", "BAD", None, (None, None))


def test_champion_is_who_answers_and_who_let_it_in(ledger):
    promote(ledger, 2, at("03-05"), by="ann", reason="a holiday")
    found = known(ledger)
    assert parts.reigns(found.changes) == ((1, at("03-01")), (2, at("03-05")))
    champion = parts.champion(found.reign(MONDAY))
    assert (champion.version, champion.by, champion.why, champion.kind) == (2, "ann", "a holiday", "promotion")
    assert (champion.made_of, champion.metrics["roc_auc"]) == (date(2026, 1, 1), 0.8)


def test_champion_of_before_the_gate_said_why_is_told_all_the_same(tmp_path):
    ledger = Ledger(f"sqlite:///{tmp_path / 'bare.db'}")
    ledger.promote("visits", 1, {}, expected_epoch=0)
    (entry,) = ledger.changes("visits")
    champion = parts.champion(Reign(entry=entry, until=None))
    assert (champion.by, champion.why, champion.made_of, champion.metrics) == ("gate", "", None, {})


def test_provenance_names_the_model_and_the_rows_that_all_was_read_from(ledger):
    looked(ledger, look(*week(0)))
    found = known(ledger)
    named = dict(parts.provenance(found.reign(MONDAY), found.last))
    promotion, final = ledger.entries(stood.MODEL, "promotion", "look")
    assert named == {
        "model": f"{1:064x}",
        "run_id": "r",
        "promoted by entry": f"{promotion.seq}, {promotion.hash}",
        "ledger to entry": f"{final.seq}, {final.hash}",
    }
    assert parts.provenance(None, None) == ()


def test_incidents_are_told_once_open_and_over(ledger):
    looked(ledger, look(*week(0), harm=stood.BROKEN, faults=stood.broken_column("age")))
    looked(ledger, look(*week(1), harm=stood.BROKEN))
    fault, harm = sorted(parts.told(known(ledger)), key=lambda one: one.title)
    assert (harm.until, harm.severity, harm.runbook) == (None, "page", "docs/runbooks/harm.md")
    assert (fault.subject, fault.since, fault.until) == ("age", at("03-09T02:00"), at("03-16T02:00"))
    assert [one.until for one in parts.told(known(ledger, at("03-10")))] == [None, None]


def test_rollout_under_way_says_what_the_last_look_found_and_whom_it_answers(ledger):
    one = stood.rolled_out(ledger, 2, at("04-01"))
    (found,) = parts.rolled_out(known(ledger))
    assert (found.name, found.version, found.champion, found.step) == ("rollout-1", 2, 1, "shadow")
    assert (found.share, found.ended, found.says, found.state) == (0, None, "newer", "OK")
    one = stood.moved(ledger, one, "advanced", at("04-03"), step=1)
    stood.noted(ledger, one, at("04-04"), reason="a person has to look: it shifted", person=True, exposed=812)
    (found,) = parts.rolled_out(known(ledger))
    assert (found.step, found.share, found.since) == ("5 %", 0.05, at("04-03"))
    assert (found.says, found.state, found.answered) == ("a person has to look: it shifted", "NOTE", 812)
    (then,) = parts.rolled_out(known(ledger, at("04-02")))
    assert then.step == "shadow"


def test_rollouts_that_ended_say_how_and_the_newest_is_first(ledger):
    one = stood.rolled_out(ledger, 2, at("04-01"))
    stood.moved(ledger, one, "returned", at("04-02"), reason="it loses more", evidence={"exposed": 57})
    two = stood.rolled_out(ledger, 3, at("04-05"))
    stood.moved(ledger, two, "finished", at("04-09"), step=3)
    newest, returned = parts.rolled_out(known(ledger))
    assert (newest.did, newest.state, newest.share) == ("finished", "OK", 1)
    assert (returned.did, returned.state, returned.share, returned.answered) == ("returned", "BAD", 0, 57)
    assert returned.says == "it loses more"
