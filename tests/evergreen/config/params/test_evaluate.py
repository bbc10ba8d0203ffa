"""The section `evaluate`: what answers cost, and which candidates are analysed."""

import pytest
from parameters import FILE

from evergreen.base.errors import ConfigError
from evergreen.config.params.evaluate import EvaluateParams
from evergreen.config.params.params import Params


def test_costs_of_truth_values_need_no_quotes() -> None:
    bare = Params.load(FILE, ["evaluate.costs={true: {false: 5}}"])
    assert bare.evaluate == Params.load(FILE, ["evaluate.costs={'true': {'false': 5}}"]).evaluate
    assert bare.evaluate.costs == {"true": {"false": 5.0}}


@pytest.mark.parametrize("threshold", [None, 0.25, {"precision": 0.6}, {"recall": 0.7}])
def test_threshold_is_read_back_from_json_as_it_was(threshold):
    section = EvaluateParams.model_validate({"threshold": threshold})

    assert EvaluateParams.model_validate_json(section.model_dump_json()) == section
    assert EvaluateParams.model_validate(dict(section)) == section


def test_misspelt_rule_is_one_block_with_the_likely_spelling():
    with pytest.raises(ConfigError) as caught:
        Params.load(FILE, ["evaluate.threshold={precison: 0.6}"])
    assert caught.value.code == "CFG004"
    assert "Did you mean 'precision'?" in caught.value.next_step


@pytest.mark.parametrize(
    ("policy", "wanted"), [("promoted", (True, False)), ("always", (True, True)), ("never", (False, False))]
)
def test_policy_says_which_candidates_are_analysed(policy, wanted):
    section = Params.load(FILE, [f"evaluate.analysis={policy}"]).evaluate
    assert tuple(section.wants_analysis(promoted=promoted) for promoted in (True, False)) == wanted


def test_policy_that_is_none_is_refused():
    with pytest.raises(ConfigError) as caught:
        Params.load(FILE, ["evaluate.analysis=sometimes"])
    assert caught.value.code == "CFG005"
    assert "promoted" in caught.value.block()
