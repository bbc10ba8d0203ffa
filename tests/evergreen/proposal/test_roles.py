"""Which part each column plays: time, key, or a feature."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from proposals import column, frame, proposed


def test_proposal_takes_the_one_time_that_is_never_missing():
    times = pd.date_range("2024-01-01", periods=600, freq="3h")
    rows = frame(
        ordered_at=times.strftime("%Y-%m-%dT%H:%M:%SZ"),
        delivered_at=times.shift(9).strftime("%Y-%m-%dT%H:%M:%SZ"),
        birth_date=times.strftime("%Y-%m-%d"),
    )
    proposal = proposed(rows, target="target")
    assert proposal.contract.time == "ordered_at"
    assert column(proposal, "delivered_at").role == "ignore"
    assert column(proposal, "birth_date").pii == "drop"
    params = proposal.params.features
    assert (params.test_days, params.embargo_days, params.calendar) == (15, 0, ("hour", "weekday"))
    assert proposal.contract.future_days == 1


def test_proposal_keeps_the_zone_of_a_typed_time():
    times = pd.date_range("2024-01-01", periods=600, freq="3h", tz="Europe/Paris")
    assert proposed(frame(at=times), target="target", typed=True).contract.timezone == "Europe/Paris"


def test_proposal_does_not_take_mixed_times_for_a_time():
    times = ["2024-01-01T00:00:00Z", "2024-03-01T00:00:00"] * 300
    proposal = proposed(frame(at=times), target="target")
    assert proposal.contract.time is None
    assert "mixed" in "\n".join(proposal.review)


def test_proposal_ignores_numbers_that_only_tell_the_date():
    times = pd.date_range("2024-01-01", periods=600, freq="6h")
    rows = frame(at=times.astype(str), month=times.month, serial=np.arange(600) * 2 + 5, hour=times.hour)
    roles = {c.name: c.role for c in proposed(rows, target="target").contract.columns}
    assert (roles["month"], roles["serial"], roles["hour"]) == ("ignore", "ignore", "feature")


@pytest.mark.parametrize(
    ("name", "values", "role"),
    [
        ("order_id", [f"A{n}" for n in range(600)], "key"),
        ("OrderId", range(600), "key"),
        ("uuid", [f"{n:032x}" for n in range(600)], "key"),
        ("price", np.random.default_rng(0).normal(size=600), "feature"),
        ("population", np.random.default_rng(0).permutation(10**7)[:600], "feature"),
        ("world_rank", np.random.default_rng(0).permutation(600), "feature"),
        ("shop_id", np.arange(600) // 2, "feature"),
        ("customer_id", np.arange(600) // 2, "group"),
        ("passenger", np.random.default_rng(0).permutation(600) + 1, "ignore"),
        ("ticket", 1_000 + 3 * np.random.default_rng(1).permutation(600), "ignore"),
        ("ref", np.random.default_rng(2).permutation(9_000)[:600], "ignore"),
        ("index", range(600), "key"),
        ("code", [f"A{n}" for n in range(600)], "ignore"),
    ],
)
def test_proposal_takes_ids_for_keys_and_measures_for_measures(name: str, values: Any, role: str):
    proposal = proposed(frame(**{name: values}), target="target")
    assert column(proposal, name).role == role
    assert proposal.contract.key == ((name,) if role == "key" else ())


def test_proposal_takes_the_key_that_is_named():
    rows = frame(shop=["a", "b"] * 300, number=np.arange(600) // 2, order_id=range(600))
    proposal = proposed(rows, target="target", key=["shop", "number"])
    assert proposal.contract.key == ("shop", "number")
    assert column(proposal, "shop").role == "feature"
    assert column(proposal, "order_id").role == "ignore"
    repeated = proposed(rows, target="target", key=["shop"])
    assert any("repeats in 100.00%" in note for note in repeated.review)


@pytest.mark.parametrize("name", ["Geburtstag", "gueltig_bis", "data_fim", "valid_to", "expiry_date"])
def test_proposal_does_not_take_another_day_than_that_of_the_row_for_its_time(name: str):
    days = pd.date_range("2021-01-01", periods=600, freq="D")
    assert proposed(frame(**{name: days.strftime("%Y-%m-%d")}), target="target").contract.time is None


def test_a_box_that_is_ticked_or_empty_is_left_out_and_says_how_it_would_tell_something():
    proposal = proposed(frame(smoker=["X", None, None] * 200), target="target")
    assert column(proposal, "smoker").role == "ignore"
    assert any("in 200 rows: where its absence says no" in note for note in proposal.notes["smoker"])
