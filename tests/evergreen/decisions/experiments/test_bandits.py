"""What bandits choose is exact, the same for every order of rewards, and better than not looking."""

import random
from fractions import Fraction

import numpy as np
import pytest
from pydantic import ValidationError
from scipy import special

from evergreen.decisions.experiments.bandits import (
    EpsilonGreedy,
    Tally,
    Thompson,
    probabilities_best,
    shares,
    tallied,
)

ARMS = ("champion", "B", "C")
RATES = np.array([0.10, 0.15, 0.12])
A_PERIOD = 100  # rows between two looks


def closed_form(first, second):
    """Return the probability that the second of two Beta(a, b) with whole a is the larger, by Miller's sum."""
    (a, b), (c, d) = first, second
    return sum(
        np.exp(special.betaln(a + i, b + d) - np.log(d + i) - special.betaln(1 + i, d) - special.betaln(a, b))
        for i in range(c)
    )


@pytest.mark.parametrize(
    ("first", "second"), [((2, 1), (1, 2)), ((11, 91), (16, 86)), ((1, 1), (400, 4)), ((5001, 45_001), (5101, 45_001))]
)
def test_probability_of_being_best_is_the_closed_form(first, second):
    expected = closed_form(first, second)
    found = probabilities_best([first, second])
    assert found[1] == pytest.approx(expected, abs=1e-9)
    assert sum(found) == pytest.approx(1, abs=1e-15)


def test_probability_of_being_best_of_three_is_what_draws_say():
    posteriors = [(11, 91), (16, 86), (13, 89)]
    chance = np.random.default_rng(3)
    drawn = np.array([chance.beta(a, b, 400_000) for a, b in posteriors]).argmax(axis=0)
    assert probabilities_best(posteriors) == pytest.approx(np.bincount(drawn) / 400_000, abs=0.003)


def test_alike_arms_share_alike_even_with_millions_of_rewards():
    assert probabilities_best([(3, 9)] * 8) == pytest.approx([1 / 8] * 8, abs=1e-12)
    assert probabilities_best([(2e6, 8e6)] * 2) == pytest.approx([0.5, 0.5], abs=1e-12)
    assert probabilities_best([(1, 1e6), (1e6, 1)]) == pytest.approx([0, 1], abs=1e-12)


def test_thompson_gives_every_arm_its_floor():
    found = shares(Thompson(floor=0.02), [Tally(arm="champion", n=500, total=400), Tally(arm="B", n=500, total=5)])
    assert found == pytest.approx({"champion": 0.98, "B": 0.02}, abs=1e-12)
    assert shares(Thompson(), tallied(ARMS, [])) == pytest.approx(dict.fromkeys(ARMS, 1 / 3))


def test_epsilon_greedy_gives_the_best_all_but_epsilon():
    tallies = [Tally(arm="champion", n=10, total=1), Tally(arm="B", n=10, total=2), Tally(arm="C", n=10, total=2)]
    policy = EpsilonGreedy(epsilon=0.3)
    assert shares(policy, tallies[:2]) == pytest.approx({"champion": 0.15, "B": 0.85})
    assert shares(policy, tallies) == pytest.approx({"champion": 0.1, "B": 0.45, "C": 0.45})
    assert shares(policy, [*tallies, Tally(arm="D")])["D"] == pytest.approx(0.775)
    assert sum(shares(policy, tallied(ARMS, [])).values()) == pytest.approx(1)


def test_means_are_exact_whatever_the_order():
    chance = random.Random(7)
    rewards = [chance.choice([0.1, 0.2, 0.3, 1e9, -1e9, 0.7]) for _ in range(3_000)]
    exact = float(sum(map(Fraction, rewards)))
    for _ in range(20):
        chance.shuffle(rewards)
        (found,) = tallied(["B"], [("B", reward, 1) for reward in rewards])
        assert (found.n, found.total) == (3_000, exact)
    counted = [(value, rewards.count(value)) for value in sorted(set(rewards))]
    assert tallied(["B"], [("B", value, n) for value, n in counted])[0] == found


def test_policy_that_would_never_choose_an_arm_is_refused():
    for kind, about in ((EpsilonGreedy, {"epsilon": 0}), (Thompson, {"floor": 0}), (Thompson, {"floor": 0.2})):
        with pytest.raises(ValidationError):
            kind(**about)


def simulated(policy, seed, *, periods):
    """Return the regret in rewards, the share of rows of the best arm, and whether it is the best at the end."""
    chance = np.random.default_rng(seed)
    n, brought, regret = np.zeros(3, int), np.zeros(3), 0.0
    for _ in range(periods):
        tallies = [Tally(arm=arm, n=int(n[at]), total=brought[at]) for at, arm in enumerate(ARMS)]
        chosen = list(shares(policy, tallies).values()) if policy else [1 / 3] * 3
        drawn = chance.choice(3, A_PERIOD, p=np.array(chosen) / sum(chosen))
        rewards = chance.random(A_PERIOD) < RATES[drawn]
        n += np.bincount(drawn, minlength=3)
        brought += np.bincount(drawn, weights=rewards, minlength=3)
        regret += float((RATES.max() - RATES[drawn]).sum())
    return regret, n[1] / n.sum(), int(np.argmax(brought / np.maximum(n, 1))) == 1


@pytest.mark.parametrize("n", [25, pytest.param(200, marks=pytest.mark.long)])
def test_thompson_finds_the_best_arm_more_often_than_uniform_and_regrets_less_than_epsilon(n):
    runs = {
        name: np.array([simulated(policy, seed, periods=100) for seed in range(n)], dtype=float).mean(axis=0)
        for name, policy in (("uniform", None), ("epsilon", EpsilonGreedy(epsilon=0.1)), ("thompson", Thompson()))
    }
    for name, (regret, share, found) in runs.items():
        print(f"{name}: regret {regret:.1f}, best arm for {share:.1%} of rows, best at the end in {found:.1%}")
    assert runs["thompson"][0] < runs["epsilon"][0] < runs["uniform"][0]
    assert runs["thompson"][1] > 0.8 > 2 * runs["uniform"][1]
    assert runs["thompson"][2] >= runs["uniform"][2]


def test_thompson_follows_the_posterior_by_hand():
    """One reward of 1 for B: Beta(2, 1) against Beta(1, 1) wins with probability 2/3."""
    found = shares(Thompson(floor=0.01), [Tally(arm="champion"), Tally(arm="B", n=1, total=1)])
    assert found["B"] == pytest.approx(0.01 + 0.98 * Fraction(2, 3))
