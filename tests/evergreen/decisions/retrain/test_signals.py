"""Each signal that a policy may ask: fired, silent or not to be judged, with the numbers and what would turn it."""

import pytest
from decided import GAIN, UNTRIED, case_of, decide, refit_of

from evergreen.config.params.policy import Policy
from evergreen.decisions.retrain.signals import JUDGES, Judged, judge


def judged(policy: str, **given: object) -> Judged:
    return judge(Policy.parse(policy), case_of(**given))


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
    assert judged(policy, **given).fired is fired
    decision = decide(policy, **given)
    assert decision.triggers == ((policy,) if fired else ())
    assert decision.unknown == (fired is None)
    assert decision.policy == policy
    assert decision.decided_by == (policy if fired else None)


def test_decision_gives_a_reason_for_each_signal_fired_or_not():
    assert decide("any(drift,age-92,cost)", shift="shifted").reasons == (
        "drift: shifted: told",
        "age-92: 30 days since the champion's data ended, of 92",
        "cost: a refit would have saved -10 wholly wrong answers since the last training, of 20",
    )


@pytest.mark.parametrize(
    ("policy", "given", "value", "limit"),
    [
        ("never", {}, None, None),
        ("every-3", {"past": {"windows": 2}}, 2, 3),
        ("rows-1000", {"labels": 999}, 999, 1000),
        ("age-92", {"age": 31}, 31, 92),
        ("drift", {"shift": "no traffic"}, "no traffic", "shifted"),
        ("harm", {"harm": "broken"}, 3.0, 20.0),
        ("estimated", {"estimated": 0.2}, 0.2, 0.15),
        ("probe", {"probed": refit_of(0.01, 0.004), "min_gain": 0.05}, 0.004, 0.05 * 0.2),
        ("cost", {"probed": refit_of(0.02, -0.01), "rows": 500, "past": {"regret": 4.0}, "cost": 30}, 14.0, 30.0),
    ],
)
def test_number_is_told_beside_the_limit_that_it_was_held_against(policy, given, value, limit):
    found = judged(policy, **given)
    assert (found.name, found.value, found.limit) == (policy, pytest.approx(value), pytest.approx(limit))


def test_what_a_signal_misses_is_so_much_that_with_it_the_signal_fires():
    silent = judged("rows-1000", labels=200)
    assert silent.otherwise == "1,000 new labelled rows; 200 so far"
    assert judged("rows-1000", labels=1000).fired
    assert judged("rows-1000", labels=1000).otherwise == "fewer than 1,000 new labelled rows"


def test_gain_that_just_meets_the_limit_is_not_above_it():
    limit = 0.01 * 0.2
    assert judged("probe", probed=refit_of(0.01, limit)).fired is False
    assert judged("probe", probed=refit_of(0.01, limit * 1.001)).fired


def test_estimate_of_another_loss_than_was_promised_is_not_compared():
    case = case_of(estimated=0.9)
    other = case.found.estimated.model_copy(update={"loss_name": "absolute_error"})
    found = judge(Policy.parse("estimated"), case._replace(found=case.found._replace(estimated=other)))
    assert (found.fired, found.evidence) == (
        None,
        "could not be judged: nothing was promised of the absolute_error",
    )


def test_window_that_could_not_be_probed_is_told_with_why():
    assert judged("probe", probed=UNTRIED).evidence == "could not be judged: could not be tried"
    assert judged("cost", probed=None).evidence == (
        "could not be judged: nothing was tried, since the data has a fault"
    )
    assert judged("cost", probed=UNTRIED, past={"regret": 19.0}).evidence.endswith(
        "; of this window could not be judged: could not be tried"
    )


def test_every_kind_of_signal_that_may_be_written_can_be_judged():
    numbered = {"every", "rows", "age"}
    for kind in JUDGES:
        text = f"{kind}-5" if kind in numbered else kind
        assert judged(text).name == text
    with pytest.raises(ValueError, match="Known are") as caught:
        Policy.parse("weekly")
    assert all(kind in str(caught.value) for kind in JUDGES)
