"""The folds: each validates on rows after, or apart from, those it is fitted on."""

from datetime import timedelta

import numpy as np
import pandas as pd
import pytest
import released
import tables
from hypothesis import given
from hypothesis import strategies as st

from evergreen.base.errors import DataError
from evergreen.config.contract.contract import Contract
from evergreen.config.params.tune import TuneParams
from evergreen.learning import features
from evergreen.learning.tuning.folds import cut, draw_evenly, grouped_folds, shuffled_folds, time_folds

PARAMS = TuneParams.model_validate({"trials": 1, "folds": 3, "max_rows": 1_000, "families": {"logistic": {}}})


def hours(*values):
    return pd.Series(pd.Timestamp("2024-03-01", tz="UTC") + pd.to_timedelta(values, unit="h"))


def folds_of(times, *, folds, embargo_hours):
    return [
        (fit.tolist(), validate.tolist())
        for fit, validate in time_folds(times, folds=folds, embargo=timedelta(hours=embargo_hours))
    ]


def test_folds_of_twelve_hours_are_those_cut_by_hand():
    times = hours(*range(12))

    assert folds_of(times, folds=2, embargo_hours=0) == [
        ([0, 1, 2, 3], [4, 5, 6, 7]),
        ([0, 1, 2, 3, 4, 5, 6, 7], [8, 9, 10, 11]),
    ]
    assert folds_of(times, folds=2, embargo_hours=2) == [
        ([0, 1], [4, 5, 6, 7]),  # the last label of a fit row is known when the block begins
        ([0, 1, 2, 3, 4, 5], [8, 9, 10, 11]),
    ]
    assert folds_of(times, folds=3, embargo_hours=1) == [
        ([0, 1], [3, 4, 5]),
        ([0, 1, 2, 3, 4], [6, 7, 8]),
        ([0, 1, 2, 3, 4, 5, 6, 7], [9, 10, 11]),
    ]


def test_embargo_is_measured_in_time_and_not_in_rows():
    times = hours(0, 0, 0, 10, 10, 10, 11, 11, 30)

    assert folds_of(times, folds=2, embargo_hours=5) == [
        ([0, 1, 2], [3, 4, 5]),
        ([0, 1, 2], [6, 7, 8]),
    ]


def test_row_of_the_same_moment_as_the_block_is_not_fitted_on():
    assert folds_of(hours(0, 1, 1, 1), folds=1, embargo_hours=0) == [([0], [2, 3])]


@given(st.lists(st.integers(0, 500), min_size=8, max_size=60), st.integers(1, 5), st.integers(0, 48))
def test_every_fit_row_is_older_than_its_block_by_the_embargo(values, n_folds, embargo_hours):
    times = hours(*sorted(values))

    folds = folds_of(times, folds=n_folds, embargo_hours=embargo_hours)

    validated = [position for _, validate in folds for position in validate]
    assert validated == list(range(validated[0], len(times)))  # one after the other, up to the end
    sizes = [len(validate) for _, validate in folds]
    assert max(sizes) - min(sizes) <= 1
    for fit, validate in folds:
        assert fit == list(range(len(fit)))
        begins = times[validate].min()
        assert (times[fit] < begins - timedelta(hours=embargo_hours)).all()
        left_out = times[len(fit) : validate[0]]
        assert (left_out >= begins - timedelta(hours=embargo_hours)).all()


@given(st.lists(st.sampled_from("aaaabbc"), min_size=6, max_size=60), st.integers(2, 5), st.integers(0, 9))
def test_shuffled_folds_deal_each_class_out_evenly_and_validate_every_row_once(values, n_folds, seed):
    target = np.array(values)

    found = list(shuffled_folds(target, folds=n_folds, stratified=True, seed=seed))

    assert sorted(np.concatenate([validate for _, validate in found]).tolist()) == list(range(len(values)))
    for fit, validate in found:
        assert sorted([*fit, *validate]) == list(range(len(values)))
        for name in set(values):
            assert abs((target[validate] == name).sum() - (target == name).sum() / n_folds) < 1
            assert (target[fit] == name).any() or (target == name).sum() < 2


def test_shuffled_folds_follow_the_seed():
    target = np.arange(30) % 2

    def validated(seed, stratified=True):
        return [part.tolist() for _, part in shuffled_folds(target, folds=3, stratified=stratified, seed=seed)]

    assert validated(1) == validated(1) != validated(2)
    assert [len(part) for part in validated(1, stratified=False)] == [10, 10, 10]


# Rows


def test_few_rows_are_all_drawn():
    assert draw_evenly(5, at_most=5, seed=1).tolist() == [0, 1, 2, 3, 4]
    assert draw_evenly(0, at_most=5, seed=1).tolist() == []


def test_rows_are_drawn_once_in_order_and_by_the_seed():
    drawn = draw_evenly(1_000, at_most=100, seed=1)

    assert len(set(drawn)) == 100
    assert (np.diff(drawn) > 0).all()
    assert draw_evenly(1_000, at_most=100, seed=1).tolist() == drawn.tolist()
    assert draw_evenly(1_000, at_most=100, seed=2).tolist() != drawn.tolist()


def test_each_row_is_equally_likely_to_be_drawn():
    times_drawn = np.bincount(np.concatenate([draw_evenly(20, at_most=5, seed=n) for n in range(2_000)]), minlength=20)

    # Binomial with n = 2,000 and p = 1/4; 5 standard deviations are 97.
    assert abs(times_drawn - 500).max() < 97


@given(st.lists(st.tuples(st.sampled_from("abcdefgh"), st.booleans()), min_size=8, max_size=60), st.booleans())
def test_rows_of_a_group_are_on_one_side_and_every_row_validates_once(rows, stratified):
    groups, target = np.array([group for group, _ in rows]), np.array([label for _, label in rows])
    n_groups = len(set(groups))
    if n_groups < 3:
        with pytest.raises(DataError, match=f"{n_groups} groups cannot make 3 folds"):
            list(grouped_folds(target, groups, folds=3, stratified=False, seed=1))
        return

    found = list(grouped_folds(target, groups, folds=3, stratified=False, seed=1))

    assert sorted(np.concatenate([validate for _, validate in found]).tolist()) == list(range(len(rows)))
    for fit, validate in found:
        assert not set(groups[fit]) & set(groups[validate])
        assert sorted([*fit, *validate]) == list(range(len(rows)))


def test_grouped_folds_follow_the_seed_and_keep_the_classes_shares():
    rng = np.random.default_rng(3)
    groups = rng.integers(0, 60, 3_000).astype(str)
    target = rng.random(3_000) < 0.2

    def validated(seed):
        folds = grouped_folds(target, groups, folds=3, stratified=True, seed=seed)
        return [part.tolist() for _, part in folds]

    assert validated(1) == validated(1) != validated(2)
    assert all(abs(target[part].mean() - 0.2) < 0.03 for part in validated(1))


def grouped(contract):
    """Return a contract whose last column names groups."""
    columns = [
        {**column, "role": "group", "type": "category"} if column["name"] == "ward" else column
        for column in contract.model_dump()["columns"]
    ]
    return Contract.model_validate({**contract.model_dump(), "columns": columns})


def test_group_of_the_contract_makes_the_folds_of_a_table_without_time():
    contract = grouped(tables.contract_of("binary"))
    rows = tables.table("binary").assign(ward=lambda t: (t["sample"] // 10).astype("str"))
    target = features.fit_target(rows, contract)

    found = cut(rows, target, contract, tables.FEATURES, folds=PARAMS.folds, metric="roc_auc", seed=7)

    assert len(found) == 3
    for fit, validate in found:
        assert not set(rows["ward"].iloc[fit]) & set(rows["ward"].iloc[validate])


def test_rows_that_do_not_tell_their_group_are_dealt_out_alone():
    contract = grouped(tables.contract_of("binary"))
    rows = tables.table("binary").assign(ward=lambda t: (t["sample"] // 10).astype("str"))
    rows["ward"] = rows["ward"].mask(rows["sample"] % 2 == 0)
    target = features.fit_target(rows, contract)

    found = cut(rows, target, contract, tables.FEATURES, folds=PARAMS.folds, metric="roc_auc", seed=7)

    for fit, validate in found:
        assert not set(rows["ward"].iloc[fit].dropna()) & set(rows["ward"].iloc[validate].dropna())
        assert 0.2 < rows["ward"].iloc[validate].isna().sum() / rows["ward"].isna().sum() < 0.5


def test_fold_that_the_metric_cannot_measure_is_a_data_error_that_says_why():
    contract = tables.contract_of("multiclass")
    rows = tables.table("multiclass")
    rare = rows["species"].to_numpy().copy()
    rare[:1] = "new"  # one row cannot be in every fold
    target = rare.astype(str)

    with pytest.raises(DataError) as caught:
        cut(rows, target, contract, tables.FEATURES, folds=PARAMS.folds, metric="roc_auc_ovr", seed=7)

    assert caught.value.code == "DQ009"
    assert "cannot be measured by roc_auc_ovr: no row is 'new'" in caught.value.what
    cut(rows, target, contract, tables.FEATURES, folds=PARAMS.folds, metric="log_loss", seed=7)


def test_time_decides_where_the_table_has_it():
    rows = released.table(400)
    target = features.fit_target(rows, released.CONTRACT)

    for fit, validate in cut(
        rows, target, released.CONTRACT, released.FEATURES, folds=PARAMS.folds, metric="roc_auc", seed=7
    ):
        known = rows["handed_in"].iloc[fit].max() + pd.Timedelta(days=1)
        assert known < rows["handed_in"].iloc[validate].min()
