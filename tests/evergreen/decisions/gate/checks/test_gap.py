"""GT009: a candidate that is far better on its own train rows has learned them by heart."""

import math

import pytest
from gates import POLICY, contender, prior

from evergreen.decisions.gate.checks import gap

SAID = prior(10)


def checked(train, gate=0.7, **policy):
    candidate = contender(SAID, train={"roc_auc": train}, metrics={"roc_auc": gate})
    return gap.check(candidate, POLICY.model_copy(update=policy))


@pytest.mark.parametrize("train", [0.6, 0.7, 0.99])
def test_narrow_gap_passes(train):
    check = checked(train)

    assert (check.name, check.code, check.outcome, check.would_change) == ("train gap", "GT009", "passed", "")
    assert check.evidence == {"train": train, "gate": 0.7}
    assert check.text == f"roc_auc {train:.4f} on train rows, {train - 0.7:+.4f} against the gate rows, of 0.3"


def test_wide_gap_fails():
    check = checked(0.95, gate=0.6)

    assert check.outcome == "failed"
    assert check.would_change == "a gap of 0.3 or less: a smaller model, or more rows"


def test_limit_is_that_of_the_policy():
    assert checked(0.75, max_gap=0.0625).outcome == "passed"
    assert checked(0.75, max_gap=0.03125).outcome == "failed"


@pytest.mark.parametrize(("train", "gate"), [(math.nan, 0.7), (0.9, math.nan), (math.inf, 0.7)])
def test_gap_that_is_no_number_fails(train, gate):
    assert checked(train, gate).outcome == "failed"


def test_gate_rows_without_the_metric_fail():
    assert gap.check(contender(SAID, train={"roc_auc": 0.9}, metrics={}), POLICY).outcome == "failed"


@pytest.mark.parametrize("train", [{}, {"log_loss": 0.1}])
def test_train_rows_that_were_not_measured_are_not_applicable(train):
    check = gap.check(contender(SAID, train=train), POLICY)

    assert (check.outcome, check.text) == ("not applicable", "not measured on its train rows")
