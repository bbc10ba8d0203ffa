"""Rewards are kept once for each prediction, whatever order, how often and by which process they come."""

import random

from children import child, go, say

from evergreen.record.ledger.ledger import Ledger
from evergreen.record.ledger.rewards import Reward, Taken

OWNER = "bandit-prices"


def reward(number, value=1.0, *, arm="B", known_us=100):
    return Reward(prediction_id=f"{number:032x}", arm=arm, reward=value, known_us=known_us)


def test_reward_counts_once_and_the_one_known_last_counts(opened):
    assert opened.take_rewards("m", OWNER, [reward(1), reward(2, 0.0)]) == Taken(new=2, changed=0)
    assert opened.take_rewards("m", OWNER, [reward(1), reward(1), reward(3, arm="champion")]) == Taken(new=1, changed=0)
    assert opened.rewards("m", OWNER) == [("B", 0.0, 1), ("B", 1.0, 1), ("champion", 1.0, 1)]

    assert opened.take_rewards("m", OWNER, [reward(1, 0.0, known_us=200)]) == Taken(new=0, changed=1)
    assert opened.take_rewards("m", OWNER, [reward(1, 1.0, known_us=150)]) == Taken(new=0, changed=0)
    assert opened.rewards("m", OWNER) == [("B", 0.0, 2), ("champion", 1.0, 1)]


def test_rewards_of_other_owners_and_models_are_others(opened):
    opened.take_rewards("m", OWNER, [reward(1)])
    opened.take_rewards("m", "bandit-other", [reward(1, 0.0)])
    opened.take_rewards("n", OWNER, [reward(1, 0.0), reward(2, 0.0)])
    assert opened.rewards("m", OWNER) == [("B", 1.0, 1)]
    assert opened.rewards("n", OWNER) == [("B", 0.0, 2)]


def test_rewards_until_a_time_are_those_known_by_then(opened):
    opened.take_rewards("m", OWNER, [reward(number, known_us=number) for number in range(1, 6)])
    assert opened.rewards("m", OWNER, until_us=3) == [("B", 1.0, 3)]


def test_what_is_kept_does_not_depend_on_order_repetition_or_portions(tmp_path):
    chance = random.Random(5)
    said = [reward(n % 700, float(chance.random() < 0.3), known_us=chance.randrange(50)) for n in range(1500)]
    kept = []
    for shuffle in range(4):
        ledger = Ledger(f"sqlite:///{tmp_path / str(shuffle)}.db")
        chance.shuffle(said)
        while_it_lasts = [*said, *said[:200]]
        for start in range(0, len(while_it_lasts), 611):
            ledger.take_rewards("m", OWNER, while_it_lasts[start : start + 611])
        kept.append(ledger.rewarded("m", OWNER))
        ledger.close()
    assert len(kept[0]) == 700
    assert kept[0] == kept[1] == kept[2] == kept[3]


BRING = """
from evergreen.record.ledger.rewards import Reward
ledger = Ledger(sys.argv[1])
wait('ready')
for start in range(0, 120, 20):
    ids = range(start, start + 20)
    some = [Reward(prediction_id=f"{n:032x}", arm="B", reward=float(n % 2), known_us=7) for n in ids]
    ledger.take_rewards("m", "bandit-prices", some)
print('done')
"""


def test_several_processes_that_bring_the_same_rewards_count_them_once(url):
    Ledger(url).close()
    with child(BRING, url) as a, child(BRING, url) as b, child(BRING, url) as c:
        for process in (a, b, c):
            assert say(process) == "ready"
        for process in (a, b, c):
            go(process)
        assert [say(process) for process in (a, b, c)] == ["done"] * 3
    ledger = Ledger(url)
    assert ledger.rewards("m", OWNER) == [("B", 0.0, 60), ("B", 1.0, 60)]
    assert ledger.verify() == 0
    ledger.close()


KILLED = """
from evergreen.record.ledger.rewards import Reward
ledger = Ledger(sys.argv[1])
some = [Reward(prediction_id=f"{n:032x}", arm="B", reward=1.0, known_us=7) for n in range(600)]
ledger.take_rewards("m", "bandit-prices", some)
wait('taken')
"""


def test_rewards_survive_a_killed_process_and_are_not_counted_again(url):
    with child(KILLED, url) as process:
        assert say(process) == "taken"
        process.kill()
    ledger = Ledger(url)
    assert ledger.rewards("m", OWNER) == [("B", 1.0, 600)]
    assert ledger.take_rewards("m", OWNER, [reward(n, known_us=7) for n in range(600)]) == Taken()
    ledger.close()
