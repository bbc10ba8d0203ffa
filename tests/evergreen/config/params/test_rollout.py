"""Plans that can be followed, and those that cannot, each with the step that is wrong."""

import pytest

from evergreen.config.params.rollout import RolloutParams, steps_of


@pytest.mark.parametrize(
    ("plan", "steps"),
    [
        ("shadow,5,25,50,100", (None, 5, 25, 50, 100)),
        ("100", (100,)),
        ("shadow,100", (None, 100)),
        (" 0.5 , 100 ", (0.5, 100)),
    ],
)
def test_plan_is_a_shadow_and_rising_shares_up_to_all(plan, steps) -> None:
    assert steps_of(plan) == steps


@pytest.mark.parametrize(
    ("plan", "why"),
    [
        ("50,5,100", "5 comes after 50"),
        ("5,5,100", "5 stands there twice"),
        ("5,50", "ends with 100"),
        ("shadow", "ends with 100"),
        ("", "a step is 'shadow' or a percentage, not ''"),
        ("5,150", "above 0 and at most 100 percent, not 150"),
        ("0,100", "above 0"),
        ("-5,100", "above 0"),
        ("nan,100", "above 0"),
        ("5,shadow,100", "'shadow' is the first step"),
        ("5%,100", "not '5%'"),
    ],
)
def test_plan_that_cannot_be_followed_says_which_step(plan, why) -> None:
    with pytest.raises(ValueError, match=r".") as caught:
        steps_of(plan)
    assert why in str(caught.value)
    with pytest.raises(ValueError, match=r"plan"):
        RolloutParams(plan=plan or ",")


def test_nothing_goes_to_all_of_the_traffic_at_once_by_default() -> None:
    assert RolloutParams().direct is False
    assert steps_of(RolloutParams().plan)[0] is None
