"""A bandit's course is read from the ledger, and what it learnt is the same whatever order rewards came in."""

import random
from datetime import UTC, datetime

import drawing
import pytest

from evergreen.base.errors import ConfigError, LostRace
from evergreen.decisions.experiments.bandits import EpsilonGreedy, Thompson, shares
from evergreen.decisions.rollout.traffic import Arm, Traffic
from evergreen.record import bandits, traffic
from evergreen.record.ledger.rewards import Reward


@pytest.fixture
def project(fresh):
    drawing.with_versions(fresh, 2, 3)
    return fresh


def rewards(n, seed=1):
    chance = random.Random(seed)
    return [
        Reward(
            prediction_id=f"{number:032x}",
            arm=(arm := chance.choice(list(drawing.ARMS))),
            reward=float(chance.random() < drawing.RATES[arm]),
            known_us=chance.randrange(10**6),
        )
        for number in range(n)
    ]


def test_bandit_begins_with_equal_shares_and_its_rule_stands(project):
    begun = drawing.begun(project)
    rule = traffic.standing(project.ledger(), "visits")
    assert (rule.kind, rule.owner, rule.rule, rule.epoch) == ("bandit", "bandit-prices", "bandit-prices.1", 1)
    assert [(arm.name, arm.version) for arm in rule.arms] == list(drawing.ARMS.items())
    assert [arm.share for arm in rule.arms] == pytest.approx([1 / 3] * 3)
    assert bandits.running(project.ledger(), "visits") == begun
    assert (begun.by, begun.reason, begun.ended) == ("Ada", "three of them", None)


def test_change_is_a_rule_of_its_own_with_a_salt_of_its_own_and_what_it_was_decided_on(project):
    ledger, begun = project.ledger(), drawing.begun(project)
    bandits.take(ledger, "visits", begun, rewards(500))
    tallies = bandits.tallies_of(ledger, "visits", begun)
    chosen = shares(begun.plan.policy, tallies)
    given = bandits.change(ledger, "visits", begun, chosen, tallies)
    now = traffic.standing(ledger, "visits")
    assert (now.rule, now.salt, given.rule) == ("bandit-prices.2",) * 3
    assert {arm.name: arm.share for arm in now.arms} == chosen == given.shares
    assert [arm.name for arm in now.arms] == ["champion", "B", "C"]
    again = bandits.named(project.ledger(), "visits", "prices")
    assert [rule.tallies for rule in again.rules][1] == tallies
    assert again.began == begun.began


@pytest.mark.parametrize("n", [100, pytest.param(1_000, marks=pytest.mark.long)])
def test_posterior_is_the_same_for_every_order_of_late_and_repeated_rewards(project, n):
    """Whatever the order, and in however many portions, what is kept is the same, and so are the shares."""
    ledger, begun, said = project.ledger(), drawing.begun(project), rewards(300)
    said += [each.model_copy(update={"reward": 1 - each.reward, "known_us": 2 * 10**6}) for each in said[:40]]
    chance, found = random.Random(9), set()
    for order in range(n):
        chance.shuffle(said)
        owner = f"bandit-{order}"
        some = [*said[:170], *said[100:]]
        for portion in (some[:211], some[211:]):
            ledger.take_rewards("visits", owner, portion)
        found.add(tuple(ledger.rewards("visits", owner)))
    assert len(found) == 1
    bandits.take(ledger, "visits", begun, said)
    assert tuple(ledger.rewards("visits", "bandit-prices")) in found
    tallies = bandits.tallies_of(ledger, "visits", begun)
    assert sum(each.n for each in tallies) == 300
    counted = {each.arm: (each.n, each.total) for each in tallies}
    last = {each.prediction_id: each for each in sorted(said, key=lambda each: (each.known_us, each.reward))}
    for arm in drawing.ARMS:
        of_arm = [each.reward for each in last.values() if each.arm == arm]
        assert counted[arm] == (len(of_arm), sum(of_arm))


def test_rewards_known_by_a_time_are_those_an_earlier_look_had(project):
    ledger, begun = project.ledger(), drawing.begun(project)
    bandits.take(ledger, "visits", begun, rewards(100))
    assert sum(each.n for each in bandits.tallies_of(ledger, "visits", begun, until=begun.began)) == 100
    first = datetime.fromtimestamp(0.5, UTC)
    by_hand = [each for each in rewards(100) if each.known_us <= 500_000]
    assert 0 < sum(each.n for each in bandits.tallies_of(ledger, "visits", begun, until=first)) == len(by_hand) < 100


def test_name_is_used_once_and_an_unknown_one_names_those_there_are(project):
    ledger, begun = project.ledger(), drawing.begun(project)
    champion = ledger.champion("visits")
    ended = bandits.stop(ledger, "visits", begun, champion, by="Bob", reason="enough")
    assert (ended.ended_by, ended.ended_reason) == ("Bob", "enough")
    assert traffic.standing(ledger, "visits") is None
    assert bandits.stop(ledger, "visits", ended, champion, by="Bob", reason="again") == ended
    with pytest.raises(ConfigError, match="BAN002"):
        drawing.begun(project)
    with pytest.raises(ConfigError, match="there were prices"):
        bandits.named(ledger, "visits", "other")
    assert [each.plan.name for each in bandits.bandits(ledger, "visits")] == ["prices"]


def test_second_owner_is_told_who_divides_the_traffic(project):
    drawing.begun(project)
    with pytest.raises(LostRace, match="bandit-prices divides the traffic") as caught:
        drawing.begun(project, name="other")
    assert (caught.value.code, caught.value.exit_code) == ("RACE006", 6)
    assert "evergreen bandit stop" in caught.value.next_step


def test_bandit_cannot_begin_or_go_on_once_the_champion_changed(project):
    ledger, begun = project.ledger(), drawing.begun(project)
    drawing.remembered.make_champion(ledger, 2)
    with pytest.raises(LostRace, match="RACE001"):
        bandits.change(ledger, "visits", begun, begun.rules[0].shares, ())
    ended = bandits.stop(ledger, "visits", begun, ledger.champion("visits"), by="Ada", reason="a new champion")
    assert ended.ended is not None


def test_rule_of_somebody_else_is_no_bandits(project):
    rule = Traffic(
        kind="rollout", rule="rollout-1.1", owner="rollout-1", epoch=1, mode="split", salt="rollout-1",
        arms=(Arm(name="challenger", version=2, share=0.1), Arm(name="champion", version=1, share=0.9)),
    )  # fmt: skip
    traffic.change(project.ledger(), "visits", rule, owner="rollout-1", expected_epoch=1, because={})
    assert bandits.running(project.ledger(), "visits") is None
    assert bandits.bandits(project.ledger(), "visits") == ()


@pytest.mark.parametrize(
    ("policy", "reward", "is_taken"),
    [
        (Thompson(), 1.0, True),
        (Thompson(), 0.5, False),
        (Thompson(), float("nan"), False),
        (EpsilonGreedy(), -3.5, True),
        (EpsilonGreedy(), float("inf"), False),
        (EpsilonGreedy(), float("nan"), False),
    ],
)
def test_policy_takes_what_it_can_learn_from(policy, reward, is_taken):
    assert bandits.takes(policy, reward) is is_taken
