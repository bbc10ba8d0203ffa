"""The retraining decision, as a table: what fires, what repairs, what holds back, and what nobody could judge."""

from datetime import date, timedelta

import pytest

from evergreen.config.params.retrain import RetrainParams
from evergreen.decisions.drift.estimated.decision import Estimated
from evergreen.decisions.drift.faults.verdict import Fault, Faults
from evergreen.decisions.drift.harm.promise import Promise
from evergreen.decisions.drift.harm.watch import Harm
from evergreen.decisions.drift.shift.verdict import Shift
from evergreen.decisions.retrain import decision as retrain
from evergreen.decisions.retrain.ladder import Probed, Rung
from evergreen.decisions.retrain.signals import Found, Past

WINDOW_END = date(2024, 6, 1)
PROMISE = Promise(loss="brier", at_gate=0.1, at_most=0.15, tolerance=0.02, evidence="told")
SEARCH = Rung(name="search", why_not="it is measured by the gate alone")


def days_ago(days: int) -> date:
    return WINDOW_END - timedelta(days=days)


def shift_of(verdict: str) -> Shift:
    about = {"n_reference": 9, "n_window": 9, "blocks_reference": 9, "blocks_window": 9}
    return Shift(verdict=verdict, evidence=f"{verdict}: told", persistent=False, **about)


def harm_of(verdict: str, labels: int = 900) -> Harm:
    return Harm(verdict=verdict, evidence="told", promise=PROMISE, limit=20.0, n_labels=labels, e_value=3.0)


def faults_of(*columns: str, verdict: str = "none") -> Faults:
    found = tuple(Fault(column=name, kind="constant", evidence="told", share=1.0) for name in columns)
    return Faults(
        verdict="fault" if columns else verdict, evidence="told", n_reference=9, n_window=9, columns=found
    )  # fmt: skip


def estimated_of(loss: float | None) -> Estimated:
    about = {"metric": "roc_auc", "loss_name": "brier", "n_reference": 9, "n_window": 9, "confidence": 0.95}
    return Estimated(verdict="unknown" if loss is None else "estimated", evidence="told", loss=loss, **about)


def refit_of(gain: float, low: float, *, champion: float = 0.2, restores: bool = True, cheaper: bool = False) -> Probed:
    """What a refit gains over a champion; a recalibration nothing, or as much (`cheaper`)."""
    figures = {"loss": champion - gain, "gain": gain, "low": low, "high": 2 * gain - low, "restores": restores}
    curve = Rung(name="recalibration", **figures) if cheaper else Rung(
        name="recalibration", loss=champion, gain=0.0, low=-0.01, high=0.01, restores=False
    )  # fmt: skip
    rungs = (curve, Rung(name="refit", window="recent", **figures), SEARCH)
    return Probed(
        evidence="tried", rows=500, days=14, champion_loss=champion, rungs=rungs, gain=gain, low=low, high=0.0
    )


GAIN, NONE, UNTRIED = refit_of(0.08, 0.06), refit_of(-0.01, -0.02, champion=0.1), Probed(evidence="could not be tried")


def decide(
    policy: str = "any(harm,probe)",
    harm: str = "kept",
    shift: str = "steady",
    *,
    faults: Faults | None = None,
    estimated: float | None = 0.1,
    probed: Probed | None = NONE,
    rows: int = 1000,
    labels: int = 900,
    age: int = 30,
    past: dict | None = None,
    **params: object,
) -> retrain.Decision:
    if probed:
        probed = probed.model_copy(update={"broken": harm == "broken"})
    return retrain.decide(
        Found(
            shift_of(shift), harm_of(harm, labels), faults or faults_of(), estimated_of(estimated), probed, rows
        ),
        Past(**{"champion_data_end": days_ago(age)} | (past or {})),
        RetrainParams(policy=policy, **{"cooldown_days": 25} | params),
        window_end=WINDOW_END,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("policy", "given", "fired"),
    [
        ("never", {"harm": "broken", "probed": GAIN, "age": 999}, False),
        ("every-3", {"past": {"windows": 2}}, False),
        ("every-3", {"past": {"windows": 3}}, True),
        ("rows-1000", {"labels": 999}, False),
        ("rows-1000", {"labels": 1000}, True),
        ("age-92", {"age": 91}, False),
        ("age-92", {"age": 92}, True),
        ("drift", {"shift": "shifted"}, True),
        ("drift", {"shift": "steady", "harm": "broken"}, False),
        ("drift", {"shift": "no traffic"}, None),
        ("drift", {"shift": "not enough data"}, None),
        ("drift", {"shift": "unknown"}, None),
        ("harm", {"harm": "broken"}, True),
        ("harm", {"harm": "kept"}, False),
        ("harm", {"harm": "not enough data"}, None),
        ("harm", {"harm": "unknown"}, None),
        ("estimated", {"estimated": 0.151}, True),
        ("estimated", {"estimated": 0.15}, False),
        ("estimated", {"estimated": None}, None),
        ("probe", {"probed": refit_of(0.01, 0.0021)}, True),
        ("probe", {"probed": refit_of(0.01, 0.0019)}, False),  # 1 % of the champion's loss of 0.2 is 0.002
        ("probe", {"probed": UNTRIED}, None),
        ("probe", {"probed": None}, None),
        ("cost", {"probed": refit_of(0.02, -0.01), "rows": 1000}, True),  # 20 wholly wrong answers
        ("cost", {"probed": refit_of(0.02, -0.01), "rows": 999}, False),
        ("cost", {"probed": refit_of(0.02, -0.01), "rows": 500, "past": {"regret": 10.0}}, True),
        ("cost", {"probed": refit_of(0.02, -0.01), "rows": 500, "past": {"regret": -1.0}}, False),
        ("cost", {"probed": UNTRIED, "past": {"regret": 19.0}}, None),
        ("cost", {"probed": UNTRIED, "past": {"regret": 20.0}}, True),
        ("cost", {"probed": UNTRIED}, None),
    ],
)
def test_each_signal_fires_is_silent_or_cannot_be_judged(policy, given, fired):
    decision = decide(policy, **given)
    assert decision.triggers == ((policy,) if fired else ())
    assert decision.unknown == (fired is None)
    assert decision.policy == policy
    assert decision.decided_by == (policy if fired else None)


@pytest.mark.parametrize(
    ("given", "triggers", "retrained", "unknown"),
    [
        ({"policy": "any(harm,probe)", "harm": "broken", "probed": GAIN}, ("harm", "probe"), True, False),
        ({"policy": "any(harm,probe)", "harm": "unknown", "probed": GAIN}, ("probe",), True, False),
        ({"policy": "any(harm,probe)", "harm": "unknown"}, (), False, True),
        ({"policy": "all(harm,probe)", "harm": "broken", "probed": UNTRIED}, ("harm",), False, True),
        ({"policy": "all(harm,probe)", "harm": "broken"}, ("harm",), False, False),
        ({"policy": "all(harm,probe)", "harm": "broken", "probed": GAIN}, ("harm", "probe"), True, False),
        ({"policy": "majority(harm,drift,probe)", "shift": "shifted", "probed": GAIN}, ("drift", "probe"), True, False),
        ({"policy": "majority(harm,drift,probe)", "harm": "unknown", "shift": "shifted"}, ("drift",), False, True),
        ({"policy": "drift", "shift": "shifted", "faults": faults_of("minutes")}, ("drift",), False, False),
        ({"policy": "every-1", "faults": faults_of("minutes")}, ("every-1",), False, False),
        ({"policy": "every-1", "faults": faults_of(verdict="unknown")}, ("every-1",), True, False),
        ({"policy": "every-1", "past": {"promoted_at": days_ago(24)}}, ("every-1",), False, False),
        ({"policy": "every-1", "past": {"promoted_at": days_ago(25)}}, ("every-1",), True, False),
        ({"policy": "every-1", "past": {"promoted_at": days_ago(-9)}}, ("every-1",), False, False),  # looked at again
        ({"policy": "every-1", "past": {"trainings": 12}}, ("every-1",), False, False),
        ({"policy": "every-1", "past": {"trainings": 11}}, ("every-1",), True, False),
        ({"policy": "every-1", "labels": 199}, ("every-1",), False, False),
        ({"policy": "every-1", "labels": 200}, ("every-1",), True, False),
        ({"policy": "every-1", "past": {"failed": 3}}, ("every-1",), False, False),
        ({"policy": "every-1", "past": {"failed": 2}}, ("every-1",), True, False),
    ],
)
def test_decision_table(given, triggers, retrained, unknown):
    decision = decide(**given)
    assert (decision.triggers, decision.retrain, decision.unknown) == (triggers, retrained, unknown)


@pytest.mark.parametrize(
    ("given", "rung", "window"),
    [
        ({"harm": "broken", "probed": refit_of(0.08, 0.06, cheaper=True)}, "recalibration", None),
        ({"harm": "broken", "probed": GAIN}, "refit", "recent"),
        ({"harm": "broken", "probed": refit_of(-0.01, -0.02)}, "search", None),  # broken, and nothing helps
        ({"harm": "broken", "probed": UNTRIED}, None, None),
        ({"probed": GAIN}, "refit", "recent"),
        ({"policy": "every-1", "probed": GAIN}, None, None),  # a training for its own sake
        ({"policy": "any(harm,every-1)", "harm": "broken", "probed": GAIN}, "refit", "recent"),
        ({"harm": "broken", "probed": GAIN, "past": {"refused": ("refit",)}}, "search", None),
        ({"harm": "broken", "probed": GAIN, "past": {"refused": ("refit", "search")}}, "refit", "recent"),
    ],
)
def test_what_is_measured_asks_for_the_cheapest_rung_that_the_gate_has_not_refused(given, rung, window):
    decision = decide(**given)
    assert (decision.retrain, decision.rung, decision.window) == (True, rung, window)


def test_harm_that_no_repair_would_end_trains_nothing_unless_the_calendar_asks_too():
    over = decide(harm="broken", probed=NONE)
    assert (over.retrain, over.held_by, over.summary) == (
        False,
        ("repair",),
        "held back since no repair is worth it: tried: harm",
    )
    due = decide("any(harm,every-1)", "broken", probed=NONE)
    assert (due.retrain, due.rung) == (True, None)


def test_repair_that_fits_no_model_passes_the_budget_but_not_the_cooldown():
    curve = refit_of(0.08, 0.06, cheaper=True)
    assert decide(harm="broken", probed=curve, past={"trainings": 12}).retrain
    assert decide(harm="broken", probed=GAIN, past={"trainings": 12}).held_by == ("budget",)
    assert decide(harm="broken", probed=curve, past={"promoted_at": days_ago(5)}).held_by == ("cooldown",)


@pytest.mark.parametrize("harm", ["broken", "kept"])
def test_circuit_stays_open_whether_or_not_something_fires(harm):
    assert decide(harm=harm, past={"failed": 3}).circuit_open
    assert not decide(harm=harm, past={"failed": 2}).circuit_open


def test_decision_gives_a_reason_for_each_signal_fired_or_not():
    assert decide("any(drift,age-92,cost)", shift="shifted").reasons == (
        "drift: shifted: told",
        "age-92: 30 days since the champion's data ended, of 92",
        "cost: a refit would have saved -10 wholly wrong answers since the last training, of 20",
    )


def test_what_holds_back_says_how_long_and_how_much():
    held = decide("every-1", labels=150, past={"promoted_at": days_ago(5), "trainings": 12})
    assert held.reasons[1:] == (
        "held back by too few labels, 150 since the champion's data ended, 200 needed",
        "held back by cooldown, 20 days left",
        "held back by budget, 12 trainings in 365 days, of 12",
    )
    assert held.summary == (
        "held back by too few labels, 150 since the champion's data ended, 200 needed: every-1"
    )  # fmt: skip
    assert held.held_by == ("labels", "cooldown", "budget")


def test_fault_and_open_circuit_are_told_even_to_a_policy_that_fires_by_nothing():
    told = decide("never", faults=faults_of("minutes", "pages"))
    assert told.summary == "do not retrain: nothing fired; held back until the data is mended: minutes, pages"
    quiet = decide(past={"promoted_at": days_ago(5)})
    assert quiet.summary == "do not retrain: nothing fired"
    assert len(quiet.reasons) == 2


@pytest.mark.parametrize(
    ("given", "lines"),
    [
        (
            {"probed": refit_of(0.01, 0.0012)},
            (
                "harm: evidence against the promise of 20; it is 3",
                "probe: a gain that is surely above 0.002; it is 0.0012",
            ),
        ),
        ({"policy": "age-92"}, ("age-92: 92 days since its data ended; 30 so far",)),
        ({"policy": "age-30"}, ("age-30: fewer than 30 days since its data ended",)),
        ({"policy": "all(age-30,harm)"}, ("harm: evidence against the promise of 20; it is 3",)),
        ({"policy": "never"}, ("never: another policy, or evergreen retrain --reason TEXT",)),
        (
            {"policy": "every-1", "labels": 150, "past": {"promoted_at": days_ago(5)}},
            (
                "labels: 50 more labelled rows",
                "cooldown: a window that ends 20 days later, or a shorter retrain.cooldown_days",
            ),
        ),
    ],
)
def test_what_would_have_changed_it_is_told_with_its_number(given, lines):
    assert decide(**given).would_change == lines


def test_numbers_that_were_compared_are_kept_beside_their_limits():
    decision = decide("any(harm,probe,every-3)", probed=GAIN, past={"windows": 2, "trainings": 4, "failed": 1})
    assert decision.inputs == {
        "harm": 3.0, "probe": 0.06, "every-3": 2, "data": "none", "circuit": 1, "labels": 900, "cooldown": None,
        "budget": 4,
    }  # fmt: skip
    assert decision.limits == {
        "harm": 20.0, "probe": 0.002, "every-3": 3, "data": "none", "circuit": 3, "labels": 200, "cooldown": 25,
        "budget": 12,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("given", "summary"),
    [
        ({}, "do not retrain: nothing fired"),
        ({"harm": "broken", "probed": GAIN}, "retrain by refit: harm, probe"),
        ({"policy": "any(every-1,drift)", "shift": "unknown"}, "retrain: every-1; could not be judged: drift"),
        (
            {"harm": "unknown", "probed": None},
            "do not retrain: nothing fired; could not be judged: harm, probe",
        ),
    ],
)
def test_summary_is_one_line(given, summary):
    assert decide(**given).summary == summary


def test_decision_is_frozen_and_survives_json():
    decision = decide(harm="broken", probed=GAIN)
    assert retrain.Decision.model_validate_json(decision.model_dump_json()) == decision
    with pytest.raises(ValueError, match="frozen"):
        decision.retrain = False


def test_decision_of_before_there_were_policies_is_read():
    kept = {
        "retrain": True, "unknown": False, "triggers": ["shift", "age"], "reasons": ["told"], "summary": "retrain: age",
    }  # fmt: skip
    decision = retrain.Decision.model_validate(kept)
    assert (decision.triggers, decision.policy, decision.held_by, decision.would_change) == (
        ("shift", "age"), "", (), (),
    )  # fmt: skip
