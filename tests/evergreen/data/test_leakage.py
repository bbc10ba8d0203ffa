"""Leakage fires on consequences and copies of the target, and stays silent on what is merely informative."""

import numpy as np
import pandas as pd
import pytest
import yaml
from scipy.stats import norm
from sklearn import datasets

from evergreen.base.errors import DataError
from evergreen.config.contract.columns import Column, Task
from evergreen.config.contract.contract import Contract
from evergreen.data.leakage import Finding, check, scan


def found_in(rows: pd.DataFrame, *, task: Task, target: str = "target") -> dict[str, Finding]:
    kinds = {True: "number", False: "category"}
    columns = [
        Column(name=name, type=kinds[pd.api.types.is_numeric_dtype(rows[name])], role="feature")  # type: ignore[arg-type]
        for name in rows.columns
        if name != target
    ]
    return {finding.column: finding for finding in scan(rows, columns, target=target, task=task)}


def noisy(n: int = 2_000) -> tuple[np.random.Generator, pd.DataFrame]:
    rng = np.random.default_rng(5)
    x = rng.normal(size=n)
    rows = pd.DataFrame({"x": x, "group": rng.choice(list("abcd"), n), "target": x + rng.normal(size=n) > 0.3})
    return rng, rows.astype({"target": "boolean"})


@pytest.mark.parametrize(
    ("name", "task"), [("breast_cancer", "binary"), ("wine", "multiclass"), ("iris", "multiclass"),
                       ("diabetes", "regression"), ("digits", "multiclass")],
)  # fmt: skip
def test_leakage_stays_silent_on_natural_tables(name: str, task: Task):
    rows = getattr(datasets, f"load_{name}")(as_frame=True).frame
    rows["target"] = rows["target"].astype("str" if task == "multiclass" else "float")
    assert found_in(rows, task=task) == {}


def test_leakage_finds_a_copy_of_a_binary_target_and_what_it_is_made_of():
    rng, rows = noisy()
    rows["score"] = rows["target"].astype(float) * 5 + rng.uniform(0, 4, len(rows))
    rows["word"] = rows["target"].map({True: "won", False: "lost"})
    found = found_in(rows, task="binary")
    assert set(found) == {"score", "word"}
    assert all(finding.certain for finding in found.values())
    assert "AUC 1.0000" in found["score"].why


def test_leakage_of_a_small_table_is_only_suspected_by_its_score():
    _, rows = noisy(200)
    rows["score"] = rows["target"].astype(float) + np.linspace(0, 0.5, 200)
    assert not found_in(rows, task="binary")["score"].certain


@pytest.mark.parametrize("make", [lambda y: y * 100 + 7, np.exp, lambda y: -y], ids=["unit", "log", "sign"])
def test_leakage_finds_a_numeric_target_in_another_unit(make):
    rng = np.random.default_rng(0)
    y = rng.normal(size=500)
    found = found_in(pd.DataFrame({"x": y + rng.normal(size=500), "again": make(y), "target": y}), task="regression")
    assert set(found) == {"again"}
    assert found["again"].certain


def test_leakage_suspects_but_keeps_a_strong_natural_relation():
    rng = np.random.default_rng(0)
    y = rng.normal(size=2_000)
    found = found_in(pd.DataFrame({"strong": y + 0.2 * rng.normal(size=2_000), "target": y}), task="regression")
    assert not found["strong"].certain


def test_leakage_finds_a_recoding_of_several_classes_but_no_unique_id():
    rng = np.random.default_rng(0)
    target = rng.choice(["red", "green", "blue"], 600)
    rows = pd.DataFrame({"code": pd.Series(target).str[:1], "id": [f"i{n}" for n in range(600)],
                         "x": rng.normal(size=600), "target": target})  # fmt: skip
    found = found_in(rows, task="multiclass")
    assert set(found) == {"code"}
    assert found["code"].certain


def test_leakage_finds_what_becomes_known_with_the_target():
    rng, rows = noisy()
    unknown = rng.random(len(rows)) < 0.05
    rows.loc[unknown, "target"] = pd.NA
    rows["arrived"] = rng.normal(size=len(rows))
    rows.loc[unknown, "arrived"] = np.nan
    rows["half"] = rng.normal(size=len(rows))
    rows.loc[unknown & (rng.random(len(rows)) < 0.6), "half"] = np.nan
    rows["gappy"] = np.where(rng.random(len(rows)) < 0.4, np.nan, 1.0 * np.arange(len(rows)))
    found = found_in(rows, task="binary")
    assert found["arrived"].certain
    assert not found["half"].certain
    assert set(found) == {"arrived", "half"}


def test_leakage_does_not_take_blank_rows_for_a_sign():
    _, rows = noisy()
    blank = pd.DataFrame({name: [None] * 40 for name in rows}).astype(rows.dtypes.to_dict() | {"group": "object"})
    assert found_in(pd.concat([rows, blank], ignore_index=True), task="binary") == {}


def test_leakage_suspects_what_is_missing_in_one_class_only():
    rng, rows = noisy()
    missing = ~rows["target"].astype(bool) & (rng.random(len(rows)) < 0.5)
    rows["closed"] = rng.normal(size=len(rows))
    rows.loc[missing, "closed"] = np.nan
    found = found_in(rows, task="binary")
    assert not found["closed"].certain
    assert "one class only" in found["closed"].why


@pytest.mark.parametrize("there", [True, False])
def test_leakage_finds_what_is_missing_just_where_the_target_says_so(there):
    rng, rows = noisy()
    rows["refunded"] = np.where(rows["target"].astype(bool) == there, rng.normal(size=len(rows)), np.nan)
    found = found_in(rows, task="binary")
    assert set(found) == {"refunded"}
    assert found["refunded"].certain
    assert found["refunded"].why == "whether it is missing alone gives AUC 1.0000"


def test_leakage_finds_a_column_that_is_filled_almost_only_for_one_class():
    """As the numbers of lifeboats and of bodies are, on the Titanic: 477 of 486, and 121 of 121."""
    rng = np.random.default_rng(0)
    survived = np.arange(1_309) < 500
    boat = np.where(survived & (rng.random(1_309) < 0.95), rng.integers(1, 17, 1_309).astype(str), None)
    boat[1_300:] = "C"
    body = np.where(~survived & (rng.random(1_309) < 0.15), rng.integers(1, 329, 1_309), np.nan)
    cabin = np.where(rng.random(1_309) < np.where(survived, 0.35, 0.12), "C85", None)
    rows = pd.DataFrame(
        {"boat": boat, "body": body, "cabin": cabin, "fare": rng.gamma(2, 15, 1_309), "target": survived}
    )
    found = found_in(rows.astype({"target": "boolean"}), task="binary")
    assert set(found) == {"boat", "body"}
    assert all(finding.certain for finding in found.values())
    assert "filled in" in found["body"].why
    assert "100.0% of one class, which has 61.8% of all" in found["body"].why


@pytest.mark.parametrize(("share", "n"), [(0.95, 1_000), (0.5, 12), (0.9, 300)])
def test_leakage_of_a_filled_column_is_beyond_the_share_of_its_class(share: float, n: int):
    rng = np.random.default_rng(1)
    target = rng.random(2_000) < share
    filled = np.zeros(2_000, bool)
    filled[np.flatnonzero(target)[: int(0.97 * n)]] = filled[np.flatnonzero(~target)[: max(int(0.03 * n), 1)]] = True
    rows = pd.DataFrame({"x": rng.normal(size=2_000), "opened": np.where(filled, 1.0, np.nan), "target": target})
    assert found_in(rows.astype({"target": "boolean"}), task="binary") == {}


def test_leakage_finds_a_column_that_is_filled_for_one_of_several_classes():
    rng = np.random.default_rng(2)
    target = rng.choice(["returned", "kept", "lost"], 600)
    refund = np.where((target == "returned") & (rng.random(600) < 0.6), rng.gamma(2, 9, 600), np.nan)
    found = found_in(pd.DataFrame({"refund": refund, "x": rng.normal(size=600), "target": target}), task="multiclass")
    assert set(found) == {"refund"}
    assert found["refund"].certain


def of_auc(rng: np.random.Generator, target: pd.Series, auc: float) -> "np.ndarray":
    return target.astype(float).to_numpy() * 2**0.5 * norm.ppf(auc) + rng.normal(size=len(target))


@pytest.mark.parametrize("n", [500, 3_000])
def test_leakage_suspects_a_column_that_alone_gives_an_auc_of_97(n):
    rng, rows = noisy(n)
    rows["later"] = of_auc(rng, rows["target"], 0.975)
    found = found_in(rows, task="binary")
    assert set(found) == {"later"}
    assert not found["later"].certain
    assert "AUC 0.97" in found["later"].why


def test_leakage_of_a_small_table_does_not_suspect_a_family_of_good_measures():
    rng, rows = noisy(500)
    rows["radius"], rows["area"] = of_auc(rng, rows["target"], 0.974), of_auc(rng, rows["target"], 0.973)
    assert found_in(rows, task="binary") == {}
    assert set(found_in(pd.concat([rows] * 4), task="binary")) == {"radius", "area"}


@pytest.mark.parametrize("decimals", [None, 1])
def test_leakage_finds_two_columns_that_make_the_target_together(decimals: int | None):
    rng = np.random.default_rng(3)
    rows = pd.DataFrame({"fee": rng.gamma(2, 5, 500).round(2), "tip": rng.gamma(2, 4, 500).round(2)})
    total = rows["fee"] + rows["tip"]
    rows = rows.assign(km=rng.normal(size=500) + total / 9, target=total if decimals is None else total.round(decimals))
    found = found_in(rows, task="regression")
    assert {name for name, finding in found.items() if finding.certain} == {"fee", "tip"}
    assert "with 'tip' it gives the target" in found["fee"].why
    assert "fee + tip" in found["tip"].why


CONTRACT = """
name: t
description: made up
source: {kind: file, path: t.csv}
timezone: UTC
label_delay_days: 0
columns:
  - {name: x, type: number, role: feature}
  - {name: later, type: number, role: feature%s}
  - {name: target, type: boolean, role: target}
"""


def told(severity: str = "") -> Contract:
    return Contract.model_validate(yaml.safe_load(CONTRACT % severity))


def with_consequence() -> pd.DataFrame:
    rng, rows = noisy()
    return rows.assign(later=rows["target"].astype(float) * 30 + rng.normal(size=len(rows)))


def test_feature_that_is_too_good_to_be_true_stops_the_run_and_is_named():
    with pytest.raises(DataError, match=r"too good to be true: column 'later', alone it gives AUC 1\.0000") as caught:
        check(with_consequence(), told(), seed=1)

    assert (caught.value.code, caught.value.exit_code) == ("DQ024", 3)


def test_derived_feature_that_is_too_good_to_be_true_stops_the_run_too():
    rows = with_consequence().rename(columns={"later": "zone_level"}).assign(later=0.0)
    assert check(rows, told(), seed=1) == ()
    made = Column(name="zone_level", type="number", role="feature", nullable=True)
    with pytest.raises(DataError, match="column 'zone_level'") as caught:
        check(rows, told(), seed=1, made=[made])
    assert caught.value.next_step == "Leave it out of features, or make it of what is known before the target."


def test_feature_that_is_too_good_may_be_allowed_and_is_then_told():
    warned = check(with_consequence(), told(", severity: {DQ024: warn}"), seed=1)

    assert warned == ("column 'later' is too good to be true: alone it gives AUC 1.0000",)


def test_features_that_merely_inform_are_not_told_of():
    rng, rows = noisy()

    assert check(rows.assign(later=rng.normal(size=len(rows))), told(), seed=1) == ()
