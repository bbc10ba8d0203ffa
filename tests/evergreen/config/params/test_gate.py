"""The gate's policy: what is required, what has a default, and which files from before still hold."""

from typing import Any

import pytest
from pydantic import ValidationError

from evergreen.config.params.gate import GateParams

REQUIRED: dict[str, Any] = {"metric": "roc_auc", "floor": 0.6, "champion_margin": 0.01, "confidence": 0.95}


def test_policy_of_four_keys_has_the_defaults_that_its_page_tells():
    policy = GateParams.model_validate(REQUIRED)
    assert (policy.rule, policy.when_unclear, policy.baseline_gain, policy.floors) == ("auto", "newer", 0.0, {})
    assert (policy.proper_margin, policy.max_bias, policy.max_gap) == (0.05, 0.5, 0.3)
    assert (policy.ceiling, policy.max_megabytes, policy.max_milliseconds) == (None, None, None)
    assert policy.alpha == pytest.approx(0.05)


def test_policy_from_before_the_rules_still_holds():
    before = {**REQUIRED, "baseline_gain": -0.042, "champion_margin": 0.084}
    assert GateParams.model_validate(before).baseline_gain == -0.042


def test_floors_name_metrics_and_are_refused_for_any_other_name():
    assert GateParams.model_validate({**REQUIRED, "floors": {"log_loss": 0.6}}).floors == {"log_loss": 0.6}
    with pytest.raises(ValidationError, match="floors: no such metric: sharpe; known are roc_auc, "):
        GateParams.model_validate({**REQUIRED, "floors": {"log_loss": 0.6, "sharpe": 1.0}})


@pytest.mark.parametrize(
    "wrong",
    [{"confidence": 0.5}, {"confidence": 1}, {"champion_margin": -0.01}, {"rule": "first"}, {"when_unclear": "older"}],
)
def test_policy_refuses_what_no_gate_can_mean(wrong: dict[str, Any]):
    with pytest.raises(ValidationError):
        GateParams.model_validate({**REQUIRED, **wrong})
