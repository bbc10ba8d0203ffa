"""What rules routed is found in the log with the arm that was drawn and what came of it, as of a time."""

import time
from datetime import UTC, datetime, timedelta

import drawing
import numpy as np
import pytest

from evergreen.record import traffic
from evergreen.record.choices import choices
from evergreen.record.predictions import rolling
from evergreen.record.predictions.log import PredictionLog
from evergreen.record.predictions.records import Feedback, columns_of


@pytest.fixture
def project(fresh):
    drawing.with_versions(fresh, 2, 3)
    drawing.begun(fresh, unit=("visit",))
    return fresh


def found(project, reward="label", *, as_of=None, owner="bandit-prices", **more):
    return choices(
        project.settings.predictions,
        model="visits",
        owner=owner,
        reward=reward,
        as_of=as_of or datetime.now(UTC) + timedelta(seconds=1),
        **more,
    )


def test_rows_have_the_drawn_arm_its_propensity_and_what_came_of_them(project):
    answered = drawing.answer(project, 60)
    labels = {name: place % 3 == 0 for place, (name, _) in enumerate(answered[:40])}
    drawing.say(project, labels)
    rows = {row["prediction_id"]: row for row in found(project, unit=("visit",)).rows.to_pylist()}
    assert {name: row["arm"] for name, row in rows.items()} == dict(answered)
    assert [row["propensity"] for row in rows.values()] == pytest.approx([1 / 3] * 60)
    assert {row["rule"] for row in rows.values()} == {"bandit-prices.1"}
    assert {name: row["reward"] for name, row in rows.items() if row["reward"] is not None} == labels
    assert all((row["known_us"] is None) == (row["reward"] is None) for row in rows.values())
    assert rows[answered[7][0]]["unit"] == "7"


def test_right_answers_are_rewards_where_asked(project):
    answered = drawing.answer(project, 10)
    drawing.say(project, {name: True for name, _ in answered})
    rows = {row["prediction_id"]: row["reward"] for row in found(project, "correct").rows.to_pylist()}
    assert [rows[name] for name, _ in answered] == [1.0, 0.0] * 5  # even visits were answered yes
    assert found(project, "file").rows.column("reward").null_count == 10


def test_row_that_fell_back_is_still_the_drawn_arms(project):
    answered = drawing.answer(project, 200, fallen={3: "slow", 4: "error"})
    rows = {row["prediction_id"]: row for row in found(project).rows.to_pylist()}
    assert (rows[answered[3][0]]["arm"], rows[answered[3][0]]["fell_back"]) == (answered[3][1], "slow")
    assert (rows[answered[4][0]]["rule"], rows[answered[4][0]]["fell_back"]) == ("bandit-prices.1", "error")
    assert rows[answered[5][0]]["fell_back"] is None


def test_rows_of_others_and_rewards_that_are_not_known_yet_are_left_out(project):
    before = datetime.now(UTC)
    answered = drawing.answer(project, 5)
    drawing.say(project, {answered[0][0]: True})
    assert found(project, as_of=before - timedelta(minutes=1)).rows.num_rows == 0
    assert found(project, owner="bandit-price").rows.num_rows == 0  # the beginning of another's name
    assert found(project).rows.column("reward").null_count == 4


def test_label_that_is_said_again_counts_as_it_was_known_last(project):
    (name, _), *_ = drawing.answer(project, 2)
    log, now = PredictionLog(project.settings.predictions), time.time_ns() // 1_000
    said = [("a" * 32, True, now - 10), ("b" * 32, False, now - 20), ("c" * 32, True, now - 30)]
    log.append_feedback(
        columns_of(project.contract),
        [Feedback(each, now, "label", prediction_id=name, label=label, known_us=us) for each, label, us in said],
    )
    log.close()
    rows = {row["prediction_id"]: row["reward"] for row in found(project).rows.to_pylist()}
    assert rows[name] == 1.0


def test_rolled_log_says_the_same_and_a_log_without_rules_nothing(project):
    answered = drawing.answer(project, 30)
    drawing.say(project, {answered[0][0]: True})
    as_of = datetime.now(UTC) + timedelta(seconds=1)
    before = found(project, as_of=as_of, about=True)
    rolling.roll(project.settings.predictions)
    after = found(project, as_of=as_of, about=True)
    assert after.rows.equals(before.rows)
    assert np.array_equal(after.about, before.about)
    ledger = project.ledger()
    traffic.change(ledger, "visits", None, owner="bandit-prices", expected_epoch=1, because={})
    assert (
        choices(
            project.settings.predictions / "none", model="visits", owner="o", reward="label", as_of=as_of
        ).rows.num_rows
        == 0
    )


def test_what_is_known_of_rows_is_numbers_in_their_order(project):
    answered = drawing.answer(project, 21)
    known = found(project, about=True)
    assert known.about.shape == (21, 3)  # at, minutes and pages
    visit = {name: place for place, (name, _) in enumerate(answered)}
    ids = known.rows.column("prediction_id").to_pylist()
    assert known.about[:, 1].tolist() == [1.0 + visit[name] % 7 for name in ids]
    assert found(project).about.shape == (21, 0)
