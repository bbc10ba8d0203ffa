"""What columns tell of the target or of the time is found; ordinary tables are left alone."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from clean_tables import clean_table
from proposals import column, frame, proposed

ALARMS = ("consequence", "suspicious", " again; ", "like a clock", "an id", "different in every row", "personal")
RNG = np.random.default_rng(8)


def times(first: str, n: int, freq: str) -> pd.DatetimeIndex:
    return pd.date_range(first, periods=n, freq=freq, tz="UTC")


def written(at: pd.DatetimeIndex) -> Any:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


@pytest.mark.parametrize("first", ["2024-01-03", "2024-04-02", "2023-11-30"])
def test_number_that_is_mostly_1_is_not_a_part_of_a_time_that_does_not_vary_in_it(first: str):
    at = times(first, 600, "1h")
    proposal = proposed(frame(at=written(at), items=1 + RNG.poisson(0.4, 600)), target="target")
    assert column(proposal, "items").role == "feature"
    assert "items" not in proposal.notes


def test_number_that_meets_a_part_no_more_often_than_chance_is_not_that_part():
    at = times("2024-01-03", 600, "75min")  # January, and three days of February
    items = np.where(RNG.random(600) < 0.9, 1, 2)
    assert (items == at.month).mean() > 0.8
    assert column(proposed(frame(at=written(at), items=items), target="target"), "items").role == "feature"


@pytest.mark.parametrize(
    ("part", "of"),
    [
        ("month", lambda at: at.month),
        ("quarter", lambda at: at.quarter),
        ("day", lambda at: at.day),
        ("day_of_new_york", lambda at: at.tz_convert("America/New_York").day),
        ("year", lambda at: at.year),
        ("week", lambda at: at.isocalendar().week.to_numpy()),
    ],
)
def test_part_of_the_time_that_varies_is_the_time_again(part: str, of: Any):
    at = times("2023-09-01", 900, "6h")
    proposal = proposed(frame(900, at=written(at), again=of(at)), target="target")
    assert column(proposal, "again").role == "ignore"
    assert any("of 'at' again" in note for note in proposal.notes["again"])


def test_two_columns_that_make_the_target_are_not_given_to_a_model():
    rows = pd.DataFrame(
        {"casual": RNG.poisson(20, 500), "registered": RNG.poisson(90, 500), "wind": RNG.normal(size=500)}
    )
    proposal = proposed(rows.assign(count=rows["casual"] + rows["registered"]), target="count")
    assert set(proposal.leakage) == {"casual", "registered"}
    assert column(proposal, "wind").role == "feature"
    assert any("it gives the target exactly: casual + registered" in note for note in proposal.notes["casual"])


def test_only_two_columns_that_make_the_target_stay_features_and_are_said():
    rows = pd.DataFrame({"price": RNG.gamma(2, 9, 500).round(2), "pieces": RNG.poisson(3, 500) + 1})
    proposal = proposed(rows.assign(paid=rows["price"] * rows["pieces"]), target="paid")
    assert proposal.leakage == ()
    assert any("price * pieces" in note for note in proposal.notes["price"])


def alarms(seed: int, task: str) -> list[str]:
    """Return what is said of a clean table that would take a column away, or cast doubt on one."""
    proposal = proposed(clean_table(seed, task=task), target="target")
    return [note for note in proposal.review if any(alarm in note for alarm in ALARMS)]


@pytest.mark.parametrize("task", ["regression", "binary", "multiclass"])
def test_clean_tables_raise_no_alarm(task: str):
    assert [said for seed in range(6) for said in alarms(seed, task)] == []


@pytest.mark.long
@pytest.mark.parametrize("task", ["regression", "binary", "multiclass"])
def test_three_hundred_clean_tables_of_each_task_raise_no_alarm(task: str):
    found = {seed: said for seed in range(300) if (said := alarms(seed, task))}
    assert len(found) <= 1, found
