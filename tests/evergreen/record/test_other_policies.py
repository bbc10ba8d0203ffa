"""Other policies, evaluated on what a bandit left in a real log and ledger."""

from datetime import UTC, datetime, timedelta

import drawing
import numpy as np
import pytest

from evergreen.base.errors import ConfigError, DataError
from evergreen.decisions.experiments.bandits import EpsilonGreedy, Thompson
from evergreen.decisions.rollout.traffic import Arm, Traffic
from evergreen.record import bandits, traffic
from evergreen.record.ledger.rewards import Reward
from evergreen.record.other_policies import evaluated, learning_policy, rewarded, split_of


@pytest.fixture
def project(fresh):
    """A bandit with two rules, and 600 rows under each of which the reward is known."""
    drawing.with_versions(fresh, 2, 3)
    begun, ledger = drawing.begun(fresh, unit=("visit",)), fresh.ledger()
    for turn in range(2):
        answered = drawing.answer(fresh, 600, visits=[7_000 + n % 300 for n in range(600)])
        drawing.say(fresh, drawing.chance(40 + turn, answered, {"champion": 0.2, "B": 0.6, "C": 0.4}))
        if not turn:
            tallies = bandits.tallies_of(ledger, "visits", begun)
            bandits.change(ledger, "visits", begun, {"champion": 0.2, "B": 0.5, "C": 0.3}, tallies)
    return fresh


def known(project, name="prices", reward=None):
    split = split_of(project.ledger(), "visits", name, reward=reward)
    as_of = datetime.now(UTC) + timedelta(seconds=1)
    return rewarded(project.settings.predictions, project.ledger(), "visits", split, as_of=as_of), split


def evaluate(project, text):
    routed, split = known(project)
    return evaluated(routed, split, text, contract=project.contract)


@pytest.mark.parametrize(
    ("text", "truth"), [("always:B", 0.6), ("always:champion", 0.2), ("uniform", 0.4), ("B=0.5, C=0.5", 0.5)]
)
def test_policy_is_evaluated_within_its_interval_of_the_truth(project, text, truth):
    found = evaluate(project, text)
    assert (found.verdict, found.n, found.n_clusters) == ("estimated", 1_200, 300)
    for estimate in (found.inverse_propensity, found.self_normalised, found.doubly_robust):
        assert estimate.low < truth < estimate.high
    assert found.gain.value == pytest.approx(found.doubly_robust.value - found.logged.value)


def test_file_of_choices_is_a_policy(project, tmp_path):
    routed, _ = known(project)
    ids, arms = (routed.rows.column(name).to_pylist() for name in ("prediction_id", "arm"))
    path = tmp_path / "choices.csv"
    path.write_text("prediction_id,arm\n" + "".join(f"{name},B\n" for name in ids))
    assert evaluate(project, str(path)) == evaluate(project, "always:B")
    path.write_text("prediction_id,arm\n" + "".join(f"{n},{a}\n" for n, a in zip(ids[:500], arms[:500], strict=True)))
    found = evaluate(project, str(path))
    assert found.n == 500
    path.write_text(f"prediction_id,arm\n{ids[0]},Z\n")
    with pytest.raises(ConfigError, match="Z; bandit-prices has the arms"):
        evaluate(project, str(path))
    path.write_text("id,arm\n1,B\n")
    with pytest.raises(DataError, match="missing columns: prediction_id"):
        evaluate(project, str(path))


def test_another_bandit_is_evaluated_by_what_it_would_have_known(project):
    """Before the first rule nothing was known; under the second, the rewards of the first's rows."""
    routed, split = known(project)
    rows = routed.rows.to_pylist()
    second_us = round(split.began["bandit-prices.2"].timestamp() * 1e6)
    counts = {
        arm: [row["reward"] for row in rows if row["arm"] == arm and row["known_us"] <= second_us] for arm in split.arms
    }
    best = max(counts, key=lambda arm: np.mean(counts[arm]))
    chosen = {arm: 0.05 + 0.85 * (arm == best) for arm in split.arms}
    of_first = np.mean([row["rule"] == "bandit-prices.1" for row in rows])
    found = evaluate(project, "epsilon:0.15")
    by_hand = [
        ((1 / 3 if row["rule"] == "bandit-prices.1" else chosen[row["arm"]]) / row["propensity"]) * row["reward"]
        for row in rows
    ]
    assert of_first == 0.5
    assert found.inverse_propensity.value == pytest.approx(np.mean(by_hand))
    assert evaluate(project, "thompson").verdict == "estimated"


def test_rewards_of_the_ledger_count_beside_those_of_the_log(project):
    before, _ = known(project)
    ids = before.rows.column("prediction_id").to_pylist()
    arms = before.rows.column("arm").to_pylist()
    later = round(datetime.now(UTC).timestamp() * 1e6)
    corrected = [
        Reward(prediction_id=name, arm=arm, reward=1.0, known_us=later) for name, arm in zip(ids, arms, strict=True)
    ]
    project.ledger().take_rewards("visits", "bandit-prices", corrected)
    after, _ = known(project)
    assert set(after.rows.column("reward").to_pylist()) == {1.0}
    assert after.rows.num_rows == before.rows.num_rows


@pytest.mark.parametrize("text", ["always:Z", "B=0.4", "B=0.5,C=half", "B=1.5,C=-0.5", "nothing", "thompson:0.9"])
def test_policy_that_is_none_says_how_to_write_one(project, text):
    with pytest.raises(ConfigError) as caught:
        evaluate(project, text)
    assert caught.value.code == "BAN004"
    assert text in caught.value.what


def test_arm_that_a_rule_never_drew_cannot_be_evaluated(project):
    ledger = project.ledger()
    traffic.change(ledger, "visits", None, owner="bandit-prices", expected_epoch=1, because={})
    arms = (Arm(name="champion", version=1, share=1.0), Arm(name="challenger", version=2, share=0.0))
    rule = Traffic(
        kind="rollout", rule="rollout-1.1", owner="rollout-1", epoch=1, mode="split", salt="s", arms=arms
    )  # fmt: skip
    traffic.change(ledger, "visits", rule, owner="rollout-1", expected_epoch=1, because={})
    drawing.say(project, dict.fromkeys((name for name, _ in drawing.answer(project, 30)), True))
    with pytest.raises(ConfigError, match="BAN003"):
        known(project, "rollout-1")
    routed, split = known(project, "rollout-1", "label")
    with pytest.raises(ConfigError, match=r"which rollout-1\.1 never drew"):
        evaluated(routed, split, "always:challenger", contract=project.contract)
    assert evaluated(routed, split, "always:champion", contract=project.contract).verdict == "unknown"  # of 30 rows


def test_unknown_split_names_the_bandits_there_are(project):
    with pytest.raises(ConfigError, match="there were prices"):
        split_of(project.ledger(), "visits", "experiment-checkout", reward="label")


def test_policies_that_learn_are_read():
    assert learning_policy("thompson:0.02") == Thompson(floor=0.02)
    assert learning_policy("epsilon") == EpsilonGreedy(epsilon=0.1)
    assert learning_policy("always:B") is None
    for text in ("epsilon:0", "epsilon:2", "thompson:0"):
        with pytest.raises(ConfigError, match="BAN004"):
            learning_policy(text)
