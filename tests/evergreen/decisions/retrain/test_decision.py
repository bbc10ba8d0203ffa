"""The retraining decision, as a table: what fires, what repairs, what holds back, and what nobody could judge."""

import pytest
from decided import GAIN, NONE, UNTRIED, days_ago, decide, estimated_of, faults_of, harm_of, refit_of, shift_of

from evergreen.config.params.retrain import RetrainParams
from evergreen.decisions.retrain import decision as retrain
from evergreen.decisions.retrain.signals import Found, Past


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
        ({"policy": "age-30", "past": {"promoted_at": days_ago(24)}}, ("age-30",), False, False),
        ({"policy": "age-30", "past": {"promoted_at": days_ago(25)}}, ("age-30",), True, False),
        ({"policy": "every-1", "past": {"promoted_at": days_ago(1)}}, ("every-1",), True, False),  # its own distance
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
            {"policy": "age-30", "labels": 150, "past": {"promoted_at": days_ago(5)}},
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


@pytest.mark.parametrize(
    ("policy", "verdict", "hangs"),
    [
        ("never", "broken", False),
        ("any(every-3,drift,rows-9,age-9)", "broken", False),
        ("any(every-3,harm)", "kept", False),
        ("any(every-3,harm)", "broken", True),
        ("harm", "unknown", False),
        ("probe", "kept", True),
        ("all(drift,cost)", "kept", True),
        ("estimated", "kept", True),
    ],
)
def test_probe_matters_to_who_asks_it_and_to_whoever_wants_a_repair(policy, verdict, hangs):
    params = RetrainParams(policy=policy, cooldown_days=0)
    assert retrain.hangs_on_probe(params, harm_of(verdict)) == hangs
    found = Found(shift_of("shifted"), harm_of(verdict), faults_of(), estimated_of(0.9), None, 900)
    tried = found._replace(probed=refit_of(0.1, 0.09))
    past = Past(days_ago(99), windows=9)
    same = retrain.decide(found, past, params, window_end=days_ago(0)) == retrain.decide(
        tried, past, params, window_end=days_ago(0)
    )
    assert same != hangs
