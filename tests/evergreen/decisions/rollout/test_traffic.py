import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from scipy import stats

from evergreen.decisions.rollout.traffic import Arm, Traffic, drawn, fallen, fell_back, place


def split(share: float, salt: str = "rollout-1") -> Traffic:
    arms = (Arm(name="challenger", version=2, share=share), Arm(name="champion", version=1, share=1 - share))
    return Traffic(kind="rollout", rule="rollout-1.1", owner="rollout-1", epoch=1, mode="split", arms=arms, salt=salt)


@pytest.mark.parametrize("share", [0.05, 0.25, 0.5])
def test_realised_share_lies_in_the_binomial_interval_of_the_stated_one(share: float) -> None:
    n, hits = 20_000, 0
    for key in range(n):
        hits += drawn(split(share), f"customer {key}").name == "challenger"
    low, high = stats.binom.interval(0.99, n, share)
    assert low <= hits <= high


@given(st.text())
def test_a_key_keeps_its_variant_while_the_share_grows(key: str) -> None:
    has = [drawn(split(share), key).name == "challenger" for share in (0.05, 0.25, 0.5, 1.0)]
    assert has == sorted(has)
    assert has[-1]


def test_places_are_uniform_and_those_of_two_salts_have_nothing_to_do_with_each_other() -> None:
    one, other = (np.array([place(salt, str(key)) for key in range(20_000)]) for salt in ("a", "b"))
    assert stats.kstest(one, "uniform").pvalue > 0.001
    assert abs(stats.spearmanr(one, other).statistic) < 0.03


@pytest.mark.parametrize(
    "arms",
    [
        (),
        (Arm(name="b", version=2, share=1.0),),
        (Arm(name="champion", version=1, share=0.5), Arm(name="b", version=2, share=0.4)),
        (Arm(name="champion", version=1, share=0.5), Arm(name="champion", version=2, share=0.5)),
    ],
)
def test_a_split_whose_shares_do_not_add_up_or_that_lacks_the_champion_is_refused(arms: tuple[Arm, ...]) -> None:
    with pytest.raises(ValidationError):
        Traffic(kind="rollout", rule="r.1", owner="r", epoch=1, mode="split", arms=arms, salt="r")


@pytest.mark.parametrize("why", ["error", "slow"])
@pytest.mark.parametrize("rule", ["rollout-3.2", "experiment-check!out.1", "bandit-a:b.9"])
def test_rule_of_a_row_that_fell_back_says_whose_it_was(rule, why):
    assert fell_back(fallen(rule, "challenger", why)) == (rule, "challenger", why)


@pytest.mark.parametrize(
    "rule", [None, "", "rollout-3.2", "!challenger:slow", "rollout-3.2!:slow", "r.2!c:tired", "r!c"]
)
def test_rule_that_says_nothing_of_falling_back_is_of_a_row_that_did_not(rule):
    assert fell_back(rule) is None
