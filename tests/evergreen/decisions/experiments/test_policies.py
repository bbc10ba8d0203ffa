"""Policies evaluated from a log by hand, with clusters, and with intervals that hold as often as they say."""

import numpy as np
import pytest
from scipy import stats

from evergreen.decisions.experiments.bandits import EpsilonGreedy, Tally, Thompson, shares
from evergreen.decisions.experiments.policies import codes_of, evaluate, expected_rewards

ARMS = ("champion", "B", "C")
LEVELS = np.array([-2.0, -1.5, -1.8])  # of what an arm brings, in log odds


def test_estimates_are_the_sums_by_hand():
    drawn, rewards = np.array([0, 1] * 60), np.array([1.0, 0.0, 0.0, 1.0, 1.0, 1.0] * 20)
    logged = np.where(drawn == 0, 0.25, 0.75)
    policy = np.tile([0.5, 0.5], (120, 1))
    found = evaluate(drawn, rewards, logged, policy, clusters=np.arange(120))
    weights = 0.5 / logged
    assert found.inverse_propensity.value == pytest.approx((weights * rewards).sum() / 120)
    assert found.self_normalised.value == pytest.approx((weights * rewards).sum() / weights.sum())
    assert found.effective_n == pytest.approx(weights.sum() ** 2 / (weights**2).sum())
    reach = stats.t.ppf(0.975, 119) * (weights * rewards).std(ddof=1) / np.sqrt(120)
    assert found.inverse_propensity.high - found.inverse_propensity.value == pytest.approx(reach)
    assert found.logged.value == pytest.approx(rewards.mean())


def test_policy_that_drew_evaluates_to_what_it_brought():
    chance = np.random.default_rng(2)
    policy = np.tile([0.3, 0.7], (500, 1))
    drawn = (chance.random(500) < 0.7).astype(int)
    rewards = chance.random(500)
    found = evaluate(drawn, rewards, policy[np.arange(500), drawn], policy, clusters=np.arange(500))
    assert found.inverse_propensity == found.self_normalised == found.logged
    assert found.effective_n == pytest.approx(500)
    assert abs(found.gain.value) < 0.01


def test_repeated_rows_of_a_unit_do_not_narrow_the_interval():
    chance = np.random.default_rng(4)
    drawn, rewards = chance.integers(0, 2, 300), chance.random(300)
    logged, policy = np.full(300, 0.5), np.tile([0.2, 0.8], (300, 1))
    once = evaluate(drawn, rewards, logged, policy, clusters=np.arange(300))
    tenfold = [np.repeat(each, 10, axis=0) for each in (drawn, rewards, logged, policy, np.arange(300))]
    often = evaluate(*tenfold[:4], clusters=tenfold[4])
    for name in ("inverse_propensity", "self_normalised"):
        assert getattr(often, name).low == pytest.approx(getattr(once, name).low)


def test_too_few_rows_of_the_policys_own_say_nothing():
    drawn, rewards, logged = np.array([0] * 990 + [1] * 10), np.ones(1000), np.array([0.99] * 990 + [0.01] * 10)
    always_b = np.tile([0.0, 1.0], (1000, 1))
    found = evaluate(drawn, rewards, logged, always_b, clusters=np.arange(1000))
    assert (found.verdict, found.effective_n, found.inverse_propensity) == ("unknown", 10, None)
    assert "worth 10.0 of the policy's own" in found.evidence
    assert evaluate(drawn, rewards, logged, always_b[:, ::-1], clusters=np.zeros(1000, int)).verdict == "unknown"
    nothing = np.zeros(0)
    found = evaluate(nothing.astype(int), nothing, nothing, np.zeros((0, 2)), clusters=nothing.astype(int))
    assert (found.verdict, found.n) == ("unknown", 0)


def test_model_of_rewards_narrows_the_doubly_robust_interval_and_sees_no_row_of_its_own_cluster():
    chance = np.random.default_rng(6)
    about = chance.normal(size=(2_000, 3))
    drawn, clusters = chance.integers(0, 2, 2_000), np.arange(2_000) // 4
    rewards = about @ [1.0, -2.0, 0.5] + drawn + chance.normal(size=2_000) * 0.1
    logged, policy = np.full(2_000, 0.5), np.tile([0.1, 0.9], (2_000, 1))
    expected = expected_rewards(about, drawn, rewards, clusters=clusters, n_arms=2)
    plain = evaluate(drawn, rewards, logged, policy, clusters=clusters)
    modelled = evaluate(drawn, rewards, logged, policy, clusters=clusters, expected=expected)
    width, narrower = (each.doubly_robust.high - each.doubly_robust.low for each in (plain, modelled))
    assert narrower < 0.8 * width
    assert modelled.doubly_robust.low < 0.9 < modelled.doubly_robust.high

    changed = rewards.copy()
    changed[clusters == 7] += 1_000
    again = expected_rewards(about, drawn, changed, clusters=clusters, n_arms=2)
    assert np.array_equal(again[clusters == 7], expected[clusters == 7])
    assert not np.allclose(again, expected)


def brought(moods):
    """Return what each arm brings of all the users there could be, at moods of theirs: shape (moods, arms)."""
    at, weight = np.polynomial.hermite_e.hermegauss(60)
    odds = at[None, :, None] + np.asarray(moods)[:, None, None] + LEVELS
    return (weight[None, :, None] / (1 + np.exp(-odds))).sum(axis=1) / weight.sum()


def logged_by(policy, seed, *, users=400, periods=20, rows=2):
    """Return what a bandit leaves in the log, and what each arm brings of all users there could be, on those days.

    Users come back, keep to their arm within a period, and differ; what they bring changes from period to period.
    """
    chance = np.random.default_rng(seed)
    bent = chance.normal(0, 1.0, users)
    tallies = {arm: [0, 0.0] for arm in ARMS}
    columns = {name: [] for name in ("drawn", "reward", "logged", "user", "about")}
    moods = chance.normal(0, 0.3, periods)
    for mood in moods:
        chosen = shares(policy, [Tally(arm=arm, n=n, total=total) for arm, (n, total) in tallies.items()])
        p = np.array(list(chosen.values()))
        arms = chance.choice(3, users, p=p / p.sum())
        for _ in range(rows):
            rewards = (chance.random(users) < 1 / (1 + np.exp(-(bent + mood + LEVELS[arms])))).astype(float)
            for name, values in (
                ("drawn", arms), ("reward", rewards), ("logged", p[arms]), ("user", np.arange(users)),
                ("about", bent + chance.normal(0, 0.5, users)),
            ):  # fmt: skip
                columns[name].append(values)
            for at, arm in enumerate(ARMS):
                tallies[arm][0] += int((arms == at).sum())
                tallies[arm][1] += float(rewards[arms == at].sum())
    return {name: np.concatenate(values) for name, values in columns.items()}, brought(moods).mean(axis=0)


TARGETS = {"always B": [0, 1, 0], "uniform": [1 / 3, 1 / 3, 1 / 3], "always champion": [1, 0, 0]}


@pytest.mark.parametrize("n", [40, pytest.param(200, marks=pytest.mark.long)])
@pytest.mark.parametrize("by", [Thompson(floor=0.05), EpsilonGreedy(epsilon=0.1)], ids=["thompson", "epsilon"])
def test_intervals_hold_the_truth_on_users_who_come_back(by, n):
    """Of 200 intervals of 95 %, at least 93 % hold what the policy would have brought; of 40 at least 85 %."""
    held = {(name, how): 0 for name in TARGETS for how in ("inverse_propensity", "self_normalised", "doubly_robust")}
    said = dict.fromkeys(TARGETS, 0)
    for seed in range(n):
        log, of_arms = logged_by(by, seed)
        expected = expected_rewards(log["about"][:, None], log["drawn"], log["reward"], clusters=log["user"], n_arms=3)
        for name, target in TARGETS.items():
            policy = np.tile(np.array(target, float), (len(log["drawn"]), 1))
            found = evaluate(
                log["drawn"], log["reward"], log["logged"], policy, clusters=log["user"], expected=expected
            )
            truth = float(of_arms @ target)
            if found.verdict == "estimated":
                said[name] += 1
                for of, how in held:
                    estimate = getattr(found, how)
                    held[of, how] += of == name and estimate.low <= truth <= estimate.high
    for (name, how), times in held.items():
        print(f"{name}, {how}: {times} of {said[name]}")
        assert said[name] == n
        assert times >= (0.93 if n >= 200 else 0.85) * n, (name, how)


def test_codes_are_equal_where_names_are():
    assert codes_of([("a", 1), None, ("a", 1), "b"]).tolist() == [0, 1, 0, 2]
