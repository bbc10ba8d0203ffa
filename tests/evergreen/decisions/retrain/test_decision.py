"""The retraining decision, as a table: what fires, what is a note, what is held back and what nobody could judge."""

from datetime import date, timedelta

import pytest

from evergreen.config.params.retrain import RetrainParams
from evergreen.decisions.drift.faults.verdict import Fault, Faults
from evergreen.decisions.drift.harm.promise import Promise
from evergreen.decisions.drift.harm.watch import Harm
from evergreen.decisions.drift.shift.verdict import Shift
from evergreen.decisions.retrain import decision as retrain

PARAMS = RetrainParams(max_age_days=90, cooldown_days=25, attempts=3)
ON_SHIFT = PARAMS.model_copy(update={"on_shift": True})
WINDOW_END = date(2024, 6, 1)
PROMISE = Promise(loss="brier", at_gate=0.1, at_most=0.15, tolerance=0.02, evidence="told")


def shift_of(verdict: str) -> Shift:
    about = {"n_reference": 9, "n_window": 9, "blocks_reference": 9, "blocks_window": 9}
    return Shift(verdict=verdict, evidence=f"{verdict}: told", persistent=False, **about)


def harm_of(verdict: str) -> Harm:
    return Harm(verdict=verdict, evidence="told", promise=PROMISE, limit=20.0)


def faults_of(*columns: str, verdict: str = "none") -> Faults:
    found = tuple(Fault(column=name, kind="constant", evidence="told", share=1.0) for name in columns)
    return Faults(
        verdict="fault" if columns else verdict, evidence="told", n_reference=9, n_window=9, columns=found
    )  # fmt: skip


def decide(
    harm: str = "kept",
    shift: str = "steady",
    *,
    faults: Faults | None = None,
    age: int = 30,
    since: int | None = None,
    attempts: int = 0,
    params: RetrainParams = PARAMS,
) -> retrain.Decision:
    return retrain.decide(
        shift_of(shift),
        harm_of(harm),
        faults or faults_of(),
        params,
        champion_data_end=WINDOW_END - timedelta(days=age),
        window_end=WINDOW_END,
        last_retraining=None if since is None else WINDOW_END - timedelta(days=since),
        attempts=attempts,
    )


@pytest.mark.parametrize(
    ("given", "triggers", "retrained", "unknown"),
    [
        ({}, (), False, False),
        ({"harm": "broken"}, ("harm",), True, False),
        ({"harm": "not enough data"}, (), False, False),
        ({"harm": "unknown"}, (), False, True),
        ({"shift": "shifted"}, (), False, False),  # a note
        ({"shift": "shifted", "params": ON_SHIFT}, ("shift",), True, False),
        ({"shift": "not enough data", "params": ON_SHIFT}, (), False, False),
        ({"shift": "no traffic", "params": ON_SHIFT}, (), False, False),
        ({"shift": "unknown", "params": ON_SHIFT}, (), False, True),
        ({"age": 89}, (), False, False),
        ({"age": 90}, ("age",), True, False),
        ({"harm": "broken", "shift": "shifted", "age": 90, "params": ON_SHIFT}, ("harm", "shift", "age"), True, False),
        ({"harm": "broken", "since": 24}, ("harm",), False, False),
        ({"harm": "broken", "since": 25}, ("harm",), True, False),
        ({"age": 90, "since": -10}, ("age",), False, False),  # an older window, looked at again
        ({"harm": "unknown", "shift": "unknown"}, (), False, True),
        ({"harm": "broken", "shift": "unknown"}, ("harm",), True, True),
        ({"harm": "unknown", "age": 90}, ("age",), True, True),
        ({"harm": "broken", "faults": faults_of("minutes")}, ("harm",), False, False),
        ({"age": 90, "faults": faults_of("minutes")}, ("age",), False, False),
        ({"harm": "broken", "faults": faults_of(verdict="unknown")}, ("harm",), True, False),
        ({"harm": "broken", "attempts": 2}, ("harm",), True, False),
        ({"harm": "broken", "attempts": 3}, ("harm",), False, False),
        ({"harm": "broken", "attempts": 3, "age": 90}, ("harm", "age"), False, False),
        ({"age": 90, "attempts": 3}, ("age",), True, False),
    ],
)
def test_decision_table(given, triggers, retrained, unknown):
    decision = decide(**given)
    assert (decision.triggers, decision.retrain, decision.unknown) == (triggers, retrained, unknown)


@pytest.mark.parametrize(
    ("given", "is_open"),
    [
        ({"harm": "broken", "attempts": 3}, True),
        ({"harm": "broken", "attempts": 2}, False),
        ({"harm": "kept", "attempts": 3}, False),
        ({"harm": "broken", "attempts": 3, "faults": faults_of("minutes")}, True),
        ({"harm": "broken", "attempts": 3, "since": 3}, True),
    ],
)
def test_circuit_is_open_while_harm_outlives_the_attempts(given, is_open):
    assert decide(**given).circuit_open == is_open


def test_decision_gives_a_reason_for_each_trigger_fired_or_not():
    assert decide("broken", "shifted").reasons == (
        "harm: broken: told",
        "shift: shifted: told; a note, since on_shift is off",
        "age: 30 days since the champion's data ended, at most 90",
    )


def test_cooldown_says_how_long():
    decision = decide("broken", since=5)
    assert decision.reasons[-1] == "held back by cooldown, 20 days left"
    assert decision.summary == "held back by cooldown, 20 days left: harm"


def test_what_holds_back_is_silent_when_nothing_fired():
    assert len(decide(since=5, attempts=9, faults=faults_of("minutes")).reasons) == 3


def test_broken_columns_and_the_attempts_are_named():
    assert decide("broken", faults=faults_of("minutes", "pages")).summary == (
        "held back until the data is mended: minutes, pages: harm"
    )
    assert decide("broken", attempts=4).summary == (
        "held back 4 retrainings in a row have not ended the harm; somebody has to look: harm"
    )


@pytest.mark.parametrize(
    ("given", "summary"),
    [
        ({}, "do not retrain: nothing fired"),
        ({"harm": "broken", "age": 90}, "retrain: harm, age"),
        ({"shift": "unknown", "age": 90}, "retrain: age; could not be judged: shift"),
        ({"harm": "unknown", "shift": "unknown"}, "do not retrain: nothing fired; could not be judged: harm, shift"),
    ],
)
def test_summary_is_one_line(given, summary):
    assert decide(**given).summary == summary


def test_decision_is_frozen_and_survives_json():
    decision = decide("broken")
    assert retrain.Decision.model_validate_json(decision.model_dump_json()) == decision
    with pytest.raises(ValueError, match="frozen"):
        decision.retrain = False
