"""The section `retrain`: what has a default, how a policy is kept, and what no loop can mean."""

import pytest
from pydantic import ValidationError

from evergreen.config.params.retrain import RetrainParams


def params(**given: object) -> RetrainParams:
    return RetrainParams.model_validate({"cooldown_days": 25} | given)


def test_cooldown_alone_is_enough_and_the_rest_is_as_its_page_tells():
    section = params()
    assert section.policy == "any(harm,probe)"
    assert (section.attempts, section.budget, section.min_labels) == (3, 12, 200)
    assert (section.min_gain, section.cost, section.window) == (0.01, 20.0, "auto")
    with pytest.raises(ValidationError, match="cooldown_days"):
        RetrainParams.model_validate({})


def test_policy_is_kept_as_it_is_printed_so_that_spaces_make_no_other_section():
    assert params(policy=" any( harm , every-3 ) ") == params(policy="any(harm,every-3)")


def test_policy_that_is_none_is_refused_with_a_likely_spelling():
    with pytest.raises(ValidationError, match="Did you mean 'probe'"):
        params(policy="any(harm,prob)")
    with pytest.raises(ValidationError, match="at most 200 characters"):
        params(policy=f"any({','.join(f'every-{n}' for n in range(1, 99))})")


@pytest.mark.parametrize("window", ["auto", "all", 1, 365])
def test_window_is_a_word_or_days(window: str | int):
    assert params(window=window).window == window


@pytest.mark.parametrize(
    "wrong",
    [
        {"cooldown_days": -1}, {"cooldown_days": 1.5}, {"attempts": 0}, {"budget": -1}, {"min_labels": 0},
        {"min_gain": -0.01}, {"min_gain": 1}, {"cost": -1}, {"cost": float("nan")}, {"window": 0}, {"window": "recent"},
        {"window": 30.5}, {"on_shift": True}, {"max_age_days": 92},
    ],
)  # fmt: skip
def test_what_no_loop_can_mean_and_keys_of_before_are_refused(wrong: dict[str, object]):
    (name,) = wrong
    with pytest.raises(ValidationError, match=name):
        params(**wrong)


@pytest.mark.parametrize("bounds", [{"cooldown_days": 0}, {"attempts": 1}, {"budget": 0}, {"min_gain": 0}, {"cost": 0}])
def test_least_that_may_be_asked_is_taken(bounds: dict[str, object]):
    (name,) = bounds
    assert getattr(params(**bounds), name) == bounds[name]
