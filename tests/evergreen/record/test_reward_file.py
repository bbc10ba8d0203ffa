"""A file of rewards: taken, about nobody known, or refused with the reason; nothing is lost uncounted."""

from datetime import UTC, datetime

import pandas as pd
import pytest

from evergreen.base.errors import DataError
from evergreen.decisions.experiments.bandits import EpsilonGreedy, Thompson
from evergreen.record.bandits import Plan
from evergreen.record.reward_file import read

NOW = datetime(2026, 3, 1, tzinfo=UTC)
NOW_US = round(NOW.timestamp() * 1_000_000)
IDS = [f"{number:032x}" for number in range(10)]
ARMS = {name: "B" if number % 2 else "champion" for number, name in enumerate(IDS)}


def plan(policy):
    return Plan(name="prices", versions={"champion": 1, "B": 2}, policy=policy, reward="file")


@pytest.fixture
def reading(fresh, tmp_path):
    def reading(text, policy=None, name="rewards.csv"):
        path = tmp_path / name
        path.write_text(text)
        return read(path, plan(policy or Thompson()), ARMS, contract=fresh.contract, now=NOW)

    return reading


def test_rows_are_rewards_of_the_arm_that_was_drawn(reading):
    came = reading(f"prediction_id,reward,known_at\n{IDS[0]},1,2026-02-01T00:00:00Z\n{IDS[1]},0,\n")
    assert [(each.prediction_id, each.arm, each.reward) for each in came.rewards] == [
        (IDS[0], "champion", 1.0),
        (IDS[1], "B", 0.0),
    ]
    assert came.rewards[0].known_us == round(datetime(2026, 2, 1, tzinfo=UTC).timestamp() * 1_000_000)
    assert came.rewards[1].known_us == NOW_US
    assert (came.rows, came.unknown, came.refused) == (2, 0, 0)


def test_reward_of_a_clock_ahead_was_known_when_it_came(reading):
    (each,) = reading(f"prediction_id,reward,known_at\n{IDS[0]},1,2031-01-01T00:00:00Z\n").rewards
    assert each.known_us == NOW_US


def test_unknown_predictions_are_counted_and_named_and_never_taken(reading):
    others = [f"{number:032x}" for number in range(100, 107)]
    came = reading("prediction_id,reward\n" + "".join(f"{name},1\n" for name in [*others, IDS[2]]))
    assert (came.rows, len(came.rewards), came.unknown, came.named) == (8, 1, 7, tuple(others[:5]))


def test_rows_that_cannot_be_taken_are_refused_with_the_reason(reading):
    came = reading(f"prediction_id,reward\n{IDS[0]},0.5\n{IDS[1]},yes\nnobody,1\n{IDS[3]},\n{IDS[4]},1\n")
    assert [each.row for each in came.first] == [1, 2, 3, 4]
    assert [each.why for each in came.first[:2]] == [
        "reward: 0.5 is not 0 or 1, which Thompson's counts are of",
        "reward: yes is not of type number",
    ]
    assert came.first[2].why.startswith("prediction_id: nobody is not")
    assert came.first[3].why == "reward: it is missing"
    assert (came.refused, len(came.rewards)) == (4, 1)
    assert len(reading(f"prediction_id,reward\n{IDS[0]},0.5\n", EpsilonGreedy()).rewards) == 1


def test_parquet_and_json_lines_are_read_too(reading, fresh, tmp_path):
    path = tmp_path / "rewards.parquet"
    pd.DataFrame({"prediction_id": IDS[:3], "reward": [1.0, 0.0, 1.0]}).to_parquet(path)
    assert len(read(path, plan(Thompson()), ARMS, contract=fresh.contract, now=NOW).rewards) == 3
    assert len(reading(f'{{"prediction_id": "{IDS[0]}", "reward": 1}}\n', name="r.jsonl").rewards) == 1


def test_file_without_its_columns_says_which_it_needs(reading):
    with pytest.raises(DataError, match="missing columns: reward") as caught:
        reading(f"prediction_id,value\n{IDS[0]},1\n")
    assert caught.value.exit_code == 3
