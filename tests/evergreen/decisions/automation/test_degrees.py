"""The degrees: their order, where a model begins, and what the rule of a record says."""

from itertools import pairwise

import pytest

from evergreen.config.contract.decision import DecisionPolicy
from evergreen.decisions.automation.degrees import (
    DECIDERS,
    DEGREES,
    Automation,
    audit_rule,
    audit_share,
    begins,
    decider,
    is_below,
)


def test_each_degree_leaves_less_to_people_than_the_one_before():
    assert [is_below(lower, higher) for lower, higher in pairwise(DEGREES)] == [True] * 4
    assert not is_below("partial", "assist")
    assert not is_below("human", "human")


@pytest.mark.parametrize(("highest", "first"), [("human", "human"), ("shadow", "shadow"), ("auto", "shadow")])
def test_a_model_begins_where_nothing_is_shown(highest, first):
    assert begins(DecisionPolicy(degree=highest, error=0.02)) == first


@pytest.mark.parametrize("share", [0.05, 1.0, 0.001, 1 / 3])
def test_share_of_the_audit_is_read_from_its_rule(share):
    assert audit_share(audit_rule(share)) == pytest.approx(share, rel=1e-5)


@pytest.mark.parametrize("rule", [None, "", "unsure", "assist", "threshold", "audit"])
def test_no_other_rule_has_a_share(rule):
    assert audit_share(rule) is None


@pytest.mark.parametrize(
    ("decision", "rule", "who"),
    [
        ("positive", "threshold", "automatic"),
        (None, None, "automatic"),
        ("referred", "human", "human"),
        ("referred", "shadow", "shadow"),
        ("referred", "assist", "assist"),
        ("referred", "unsure", "unsure"),
        ("referred", "audit:0.05", "audit"),
        ("referred", None, "unsure"),
    ],
)
def test_record_says_who_decides(decision, rule, who):
    assert decider(decision, rule) == who
    assert who in DECIDERS


def test_automation_is_the_same_after_the_ledgers_json():
    automation = Automation(degree="partial", error=0.02, confidence=0.95, audit=0.05, sure_from={"a": 0.9, "b": None})
    assert Automation.model_validate(automation.model_dump(mode="json")) == automation
