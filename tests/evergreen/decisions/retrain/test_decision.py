"""The retraining decision, as a table: what fires, what is noise, what is held back and what nobody could judge."""

from datetime import date, timedelta

import pytest

from evergreen.config.params.retrain import RetrainParams
from evergreen.decisions.drift.decision import DriftReport
from evergreen.decisions.performance import Performance
from evergreen.decisions.retrain import decision as retrain

PARAMS = RetrainParams(max_drop=0.02, on_drift=True, max_age_days=90, cooldown_days=25)
WINDOW_END = date(2024, 6, 1)
AT_GATE = 0.75


def drift_of(verdict: str) -> DriftReport:
    return DriftReport(
        verdict=verdict, summary=f"{verdict}: told", n_reference=9, n_current=9, min_columns=1, columns=()
    )


def performance_of(auc: float | None, *, half: float = 0.005) -> Performance:
    measured = {"value": auc, "low": auc - half, "high": auc + half} if auc is not None else {}
    return Performance(
        verdict="measured" if measured else "unknown",
        evidence="told",
        n_labelled=9,
        n_unlabelled=0,
        confidence=0.95,
        metric="roc_auc",
        **measured,
    )


def decide(
    drift: str = "no drift",
    auc: float | None = AT_GATE,
    *,
    half: float = 0.005,
    age: int = 30,
    since: int | None = None,
    params: RetrainParams = PARAMS,
    at_gate: float = AT_GATE,
) -> retrain.Decision:
    return retrain.decide(
        drift_of(drift),
        performance_of(auc, half=half),
        params,
        at_gate=at_gate,
        champion_data_end=WINDOW_END - timedelta(days=age),
        window_end=WINDOW_END,
        last_retraining=None if since is None else WINDOW_END - timedelta(days=since),
    )


@pytest.mark.parametrize(
    ("given", "triggers", "retrained", "unknown"),
    [
        ({}, (), False, False),
        ({"auc": 0.80}, (), False, False),
        ({"auc": 0.735}, (), False, False),  # a significant fall, and a tolerated one
        ({"auc": 0.70}, ("performance",), True, False),
        ({"auc": 0.70, "half": 0.06}, (), False, False),  # a large fall, within noise
        ({"auc": 0.70, "half": 0.049}, ("performance",), True, False),
        ({"drift": "drift"}, ("drift",), True, False),
        ({"drift": "drift", "params": PARAMS.model_copy(update={"on_drift": False})}, (), False, False),
        ({"age": 89}, (), False, False),
        ({"age": 90}, ("age",), True, False),
        ({"drift": "drift", "auc": 0.70, "age": 90}, ("performance", "drift", "age"), True, False),
        ({"drift": "drift", "since": 24}, ("drift",), False, False),
        ({"drift": "drift", "since": 25}, ("drift",), True, False),
        ({"age": 90, "since": -10}, ("age",), False, False),  # an older window, looked at again
        ({"drift": "unknown"}, (), False, True),
        ({"auc": None}, (), False, True),
        ({"at_gate": float("nan")}, (), False, True),
        ({"drift": "unknown", "auc": None}, (), False, True),
        ({"drift": "unknown", "auc": 0.70}, ("performance",), True, True),
        ({"drift": "drift", "auc": None}, ("drift",), True, True),
        ({"drift": "drift", "auc": None, "since": 3}, ("drift",), False, True),
    ],
)
def test_decision_table(given, triggers, retrained, unknown):
    decision = decide(**given)
    assert (decision.triggers, decision.retrain, decision.unknown) == (triggers, retrained, unknown)


def test_decision_gives_a_reason_for_each_trigger_fired_or_not():
    reasons = decide("drift", 0.70).reasons
    assert reasons == (
        "performance: told, 0.7500 at the gate: a fall of 0.0500, 0.02 is tolerated",
        "drift: drift: told",
        "age: 30 days since the champion's data ended, at most 90",
    )


def test_noise_is_named():
    assert decide(auc=0.70, half=0.06).reasons[0].endswith("but the interval reaches the gate's value")


def test_drift_that_may_not_retrain_is_named():
    decision = decide("drift", params=PARAMS.model_copy(update={"on_drift": False}))
    assert decision.reasons[1].endswith("but on_drift is off")


def test_cooldown_says_how_long():
    decision = decide("drift", since=5)
    assert decision.reasons[-1] == "held back by cooldown, 20 days left"
    assert decision.summary == "held back by cooldown, 20 days left: drift"


def test_cooldown_is_silent_when_nothing_fired():
    assert len(decide(since=5).reasons) == 3


def test_what_could_not_be_judged_is_named_in_reasons_and_summary():
    decision = decide("unknown", None)
    assert [reason.split(":")[1] for reason in decision.reasons[:2]] == [" could not be judged"] * 2
    assert decision.summary == "do not retrain: nothing fired; could not be judged: performance, drift"


@pytest.mark.parametrize(
    ("given", "summary"),
    [
        ({}, "do not retrain: nothing fired"),
        ({"auc": 0.70, "age": 90}, "retrain: performance, age"),
        ({"drift": "unknown", "age": 90}, "retrain: age; could not be judged: drift"),
    ],
)
def test_summary_is_one_line(given, summary):
    assert decide(**given).summary == summary


def test_decision_is_frozen_and_survives_json():
    decision = decide("drift", None)
    assert retrain.Decision.model_validate_json(decision.model_dump_json()) == decision
    with pytest.raises(ValueError, match="frozen"):
        decision.retrain = False
