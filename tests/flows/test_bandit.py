"""A bandit learns from the log by looks: what came back changes the shares, once, whoever looks and how often."""

import os
import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import drawing
import pytest

from evergreen.base.errors import ConfigError
from evergreen.decisions.experiments.bandits import EpsilonGreedy, Tally, Thompson, probabilities_best
from evergreen.record import bandits, traffic
from evergreen.record.ledger.rewards import Taken
from flows import bandit


@pytest.fixture
def project(fresh):
    drawing.with_versions(fresh, 2, 3)
    return fresh


def look(project):
    return bandit.learn(project, now=datetime.now(UTC) + timedelta(seconds=1))


def test_look_takes_in_rewards_and_gives_the_shares_that_follow(project):
    drawing.begun(project, Thompson(floor=0.02))
    answered = drawing.answer(project, 300)
    labels = drawing.chance(1, answered, {"champion": 0.1, "B": 0.5, "C": 0.1})
    drawing.say(project, labels)
    found = look(project)
    assert (found.bandit, found.taken, found.rule, found.changed) == (
        "prices", Taken(new=300), "bandit-prices.2", True,
    )  # fmt: skip
    posteriors = []
    for arm in drawing.ARMS:
        brought = [labels[name] for name, drawn in answered if drawn == arm]
        posteriors.append((1 + sum(brought), 1 + len(brought) - sum(brought)))
    expected = [0.02 + 0.94 * share for share in probabilities_best(posteriors)]
    assert list(found.shares.values()) == pytest.approx(expected)
    assert found.shares["B"] > 0.9
    standing = traffic.standing(project.ledger(), "visits")
    assert {arm.name: arm.share for arm in standing.arms} == found.shares


def test_second_look_without_news_changes_nothing(project):
    drawing.begun(project)
    answered = drawing.answer(project, 300)
    drawing.say(project, drawing.chance(1, answered))
    look(project)
    entries = len(project.ledger().entries("visits"))
    again = look(project)
    assert (again.taken, again.changed) == (Taken(), False)
    assert "no share would change" in again.why
    drawing.say(project, drawing.chance(1, answered[:50]))  # said again, and later
    assert look(project).taken.new == 0
    assert len(project.ledger().entries("visits")) == entries


def test_late_rewards_of_an_earlier_rule_count_for_the_arm_that_was_drawn_then(project):
    drawing.begun(project, EpsilonGreedy(epsilon=0.3))
    early = drawing.answer(project, 120)
    drawing.say(project, drawing.chance(1, early[:60]))
    look(project)
    drawing.say(project, dict.fromkeys((name for name, _ in early[60:]), True))
    found = look(project)
    assert found.taken.new == 60
    whose = bandits.named(project.ledger(), "visits", "prices")
    by_hand = {arm: sum(drawn == arm for _, drawn in early) for arm in drawing.ARMS}
    assert {each.arm: each.n for each in bandit.tallies(project, whose)} == by_hand


def test_look_without_a_bandit_reads_no_log(project, monkeypatch):
    monkeypatch.setattr(bandit.choices, "choices", lambda *_, **__: pytest.fail("the log was read"))
    assert look(project).why == "no bandit divides the traffic"


def test_bandit_is_held_when_the_champion_changed_and_says_so(project):
    drawing.begun(project)
    answered = drawing.answer(project, 200)
    drawing.remembered.make_champion(project.ledger(), 2)
    drawing.say(project, drawing.chance(1, answered))
    found = look(project)
    assert found.taken.new == 200
    assert found.why == "held: version 2 became champion since it began, and answers alone"
    assert traffic.standing(project.ledger(), "visits").rule == "bandit-prices.1"


def test_another_look_at_the_same_time_leaves_it_to_the_first(project):
    drawing.begun(project)
    with project.ledger().lease("bandit:visits"):
        assert "already running" in look(project).why


def test_arm_without_rows_keeps_its_share_of_what_is_unknown(project):
    drawing.begun(project, EpsilonGreedy(epsilon=0.2))
    answered = [each for each in drawing.answer(project, 90) if each[1] != "C"]
    drawing.say(project, drawing.chance(3, answered))
    assert look(project).shares == pytest.approx({"champion": 0.2 / 3, "B": 0.2 / 3, "C": 0.8 + 0.2 / 3})


def test_file_of_rewards_is_taken_once_and_unknown_predictions_never(project, tmp_path):
    drawing.begun(project, reward="file")
    answered = drawing.answer(project, 20)
    path = tmp_path / "sales.csv"
    path.write_text("prediction_id,reward\n" + "".join(f"{name},1\n" for name, _ in answered) + f"{'0' * 32},1\n")
    found, taken = bandit.take_file(project, "prices", path)
    assert (taken, found.unknown, found.named) == (Taken(new=20), 1, ("0" * 32,))
    found, taken = bandit.take_file(project, "prices", path, now=datetime.now(UTC) + timedelta(days=1))
    assert (taken.new, len(found.rewards)) == (0, 20)
    whose = bandits.named(project.ledger(), "visits", "prices")
    assert sum(each.total for each in bandit.tallies(project, whose)) == 20
    bandits.stop(project.ledger(), "visits", whose, project.ledger().champion("visits"), by="Ada", reason="done")
    with pytest.raises(ConfigError, match="BAN007"):
        bandit.take_file(project, "prices", path)


def test_rewards_that_the_policy_cannot_learn_from_are_counted(project, monkeypatch):
    drawing.begun(project)
    answered = drawing.answer(project, 10)
    drawing.say(project, dict.fromkeys((name for name, _ in answered), True))
    monkeypatch.setattr(bandit.bandits, "takes", lambda policy, reward: False)
    found = look(project)
    assert (found.taken, found.refused) == (Taken(), 10)


KILLED = """
import os, signal
from evergreen.project import Project
from evergreen.record import bandits
from flows import bandit
bandits.tallies_of = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
bandit.learn(Project.open())
"""


def test_killed_look_is_made_up_for_by_the_next_one(project):
    """After the rewards were kept and before the shares changed: nothing is counted twice."""
    drawing.begun(project)
    answered = drawing.answer(project, 300)
    labels = drawing.chance(1, answered, {"champion": 0.1, "B": 0.5, "C": 0.1})
    drawing.say(project, labels)
    ended = subprocess.run([sys.executable, "-c", KILLED], check=False, env={**os.environ})
    assert ended.returncode == -signal.SIGKILL
    assert traffic.standing(project.ledger(), "visits").rule == "bandit-prices.1"
    found = look(project)
    assert (found.taken, found.rule) == (Taken(), "bandit-prices.2")
    whose = bandits.named(project.ledger(), "visits", "prices")
    kept = {each.arm: (each.n, each.total) for each in bandit.tallies(project, whose)}
    for arm in drawing.ARMS:
        brought = [labels[name] for name, drawn in answered if drawn == arm]
        assert kept[arm] == (len(brought), sum(brought))
    assert all(isinstance(each, Tally) for each in whose.rules[0].tallies)
