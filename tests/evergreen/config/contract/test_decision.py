"""The policy on decisions: its defaults, and the bounds of what is promised."""

import pytest
from pydantic import ValidationError

from evergreen.config.contract.decision import DecisionPolicy


def test_policy_says_how_far_and_what_is_promised_and_the_rest_is_usual():
    policy = DecisionPolicy(degree="partial", error=0.02)
    assert (policy.confidence, policy.audit, policy.rows, policy.days, policy.people) == (0.95, 0.05, 300, 14, None)


@pytest.mark.parametrize(
    "wrong",
    [{"error": 1.0}, {"error": 0.0}, {"confidence": 0.4}, {"confidence": 1.0}, {"audit": 1.1}, {"rows": 29},
     {"days": 3}, {"people": ""}, {"degree": "half"}, {"error": float("nan")}],
)  # fmt: skip
def test_promise_out_of_bounds_is_refused(wrong):
    with pytest.raises(ValidationError):
        DecisionPolicy(**{"degree": "partial", "error": 0.02, **wrong})
