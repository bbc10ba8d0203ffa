"""The policy on decisions: what it may say, and that no step and no model is another one for it."""

import pytest
import yaml

from evergreen.base.errors import ConfigError
from evergreen.base.values import digest_of
from evergreen.config.contract.contract import Contract, Declared

SMALL = """\
name: trips
description: short
source: {kind: file, path: data/trips.csv}
timezone: Europe/Paris
label_delay_days: 2
columns:
  - {name: start, type: timestamp, role: time}
  - {name: fare, type: number, role: feature}
  - {name: clerk, type: category, role: ignore, nullable: true}
  - {name: paid, type: boolean, role: leakage}
  - {name: tip, type: TARGET, role: target}
"""
POLICY = {"degree": "partial", "error": 0.02, "audit": 0.1, "people": "clerk"}


@pytest.fixture
def read(tmp_path):
    def read(policy=None, target="boolean"):
        text = SMALL.replace("TARGET", target) + (yaml.safe_dump({"decision": policy}) if policy else "")
        (tmp_path / "contract.yaml").write_text(text)
        return Declared.read(tmp_path / "contract.yaml")

    return read


def test_contract_is_the_same_whatever_the_policy_says(read, tmp_path):
    without = read().contract
    declared = read(POLICY)
    assert (declared.decision.degree, declared.decision.audit, declared.decision.confidence) == ("partial", 0.1, 0.95)
    assert type(declared.contract) is Contract
    assert declared.contract == without == Contract.load(tmp_path / "contract.yaml")
    assert digest_of(declared.contract) == digest_of(without)
    assert declared.contract.model_dump_json() == without.model_dump_json()


@pytest.mark.parametrize(
    ("policy", "said"),
    [
        ({**POLICY, "degree": "full"}, "'human', 'shadow', 'assist', 'partial' or 'auto'"),
        ({**POLICY, "error": 0}, "greater than 0"),
        ({**POLICY, "audit": 0}, "greater than 0"),
        ({**POLICY, "days": 3}, "greater than or equal to 4"),
        ({"degree": "auto"}, "error"),
        ({**POLICY, "people": "fare"}, "names 'fare'"),
        ({**POLICY, "people": "paid"}, "names 'paid'"),
        ({**POLICY, "erorr": 0.1}, "Did you mean 'error'"),
    ],
)
def test_policy_that_does_not_hold_is_refused_by_its_line(read, policy, said):
    with pytest.raises(ConfigError) as caught:
        read(policy)
    assert said in caught.value.block()
    assert "contract.yaml" in caught.value.where


@pytest.mark.parametrize("degree", ["partial", "auto"])
def test_no_answer_of_a_regression_is_automatic_because_nothing_says_how_sure_it_is(read, degree):
    with pytest.raises(ConfigError, match="at most assist"):
        read({**POLICY, "degree": degree}, target="number")
    assert read({**POLICY, "degree": "assist"}, target="number").decision.degree == "assist"
