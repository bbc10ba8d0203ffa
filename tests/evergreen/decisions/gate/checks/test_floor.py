"""GT001: every floor holds, or it is said which does not."""

import math

import numpy as np
import pytest
from gates import POLICY, contender, prior

from evergreen.decisions.gate.checks import floor
from evergreen.learning.evaluation.estimates import Estimates

SAID = prior(10)
STRICT = POLICY.model_copy(update={"floor": 0.6, "floors": {"log_loss": 0.5, "average_precision": 0.3}})
GOOD = {"roc_auc": 0.7, "log_loss": 0.4, "average_precision": 0.35}


def checked(policy=POLICY, said=SAID, **metrics):
    return floor.check(contender(said, metrics=metrics), policy)


@pytest.mark.parametrize("value", [0.5, 0.7, 1.0])  # the floor itself is enough
def test_floor_is_passed_at_or_above_it(value):
    check = checked(roc_auc=value)

    assert (check.name, check.code, check.outcome, check.would_change) == ("floor", "GT001", "passed", "")
    assert check.evidence == {"roc_auc": value}
    assert check.text == f"roc_auc {value:.4f} against a floor of 0.5"


@pytest.mark.parametrize("value", [0.4999, math.nan, math.inf, -math.inf])
def test_floor_fails_below_it_and_at_what_is_no_number(value):
    check = checked(roc_auc=value)

    assert check.outcome == "failed"
    assert check.would_change == "roc_auc of 0.5 or better"


def test_metric_that_was_left_out_fails():
    assert checked(log_loss=0.1).outcome == "failed"


def test_every_floor_holds_for_a_good_model():
    check = checked(STRICT, **GOOD)

    assert check.outcome == "passed"
    assert check.text == (
        "roc_auc 0.7000 against a floor of 0.6; log_loss 0.4000 against a limit of 0.5; "
        "average_precision 0.3500 against a floor of 0.3"
    )


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("roc_auc", 0.59, "roc_auc 0.5900 against a floor of 0.6"),
        ("log_loss", 0.51, "log_loss 0.5100 against a limit of 0.5"),
        ("average_precision", 0.29, "average_precision 0.2900 against a floor of 0.3"),
    ],
)
def test_one_floor_that_does_not_hold_fails_and_is_named_alone(name, value, said):
    check = checked(STRICT, **GOOD | {name: value})

    assert (check.outcome, check.text) == ("failed", said)
    assert check.would_change.startswith(name)


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_estimate_that_is_no_number_is_below_every_floor(task, bad):
    values = np.full((10, 2) if task == "multiclass" else 10, 0.5)
    values[3] = bad

    check = checked(said=Estimates(task, values, ("ash", "beech")), roc_auc=0.9)

    assert check.outcome == "failed"
    assert check.text.endswith("of its estimates of the gate rows are no number")
    assert check.would_change == "an estimate of every row that is a number"
