"""Permutation importance: what a model loses when a column is shuffled."""

import numpy as np
import pandas as pd
import pytest
import released
from pumps import CONTRACT, FEATURES, pumps

from evergreen.learning import features as domain
from evergreen.learning.analysis.importance import FEWEST_COLUMNS, FEWEST_ROWS, MOST_WORK, affordable, importance
from evergreen.learning.tuning import families


def test_column_that_says_everything_is_the_important_one():
    train, test = pumps(1_000), pumps(1_000, seed=2)
    inputs = domain.inputs(CONTRACT, FEATURES)
    pipeline = families.build("logistic", {}, task="binary", inputs=inputs, features=FEATURES, seed=7)
    families.fit(pipeline, train[inputs.names], train["fails"].to_numpy())
    before = test.copy()

    def found(seed):
        return importance(
            pipeline,
            test[inputs.names],
            test["fails"].to_numpy(),
            CONTRACT,
            classes=(),
            repeats=3,
            max_rows=600,
            seed=seed,
        )

    first, second = found(1)
    assert (first.column, second.column) == ("signal", "noise")
    assert first.mean > 0.25
    assert abs(second.mean) < 0.01
    assert found(1) == found(1)
    assert found(1) != found(2)
    pd.testing.assert_frame_equal(test, before)


def test_categories_and_missing_values_are_shuffled_too():
    rows = released.table(400)
    inputs = domain.inputs(released.CONTRACT, released.FEATURES)
    built = domain.build(rows, released.CONTRACT, released.FEATURES)[inputs.names]
    pipeline = released.fitted("gradient_boosting", max_iter=20, min_samples_leaf=10)

    found = importance(
        pipeline,
        built,
        rows["late"].to_numpy(),
        released.CONTRACT,
        classes=(),
        repeats=2,
        max_rows=300,
        seed=7,
    )
    assert {each.column for each in found} == set(inputs.names)
    assert found[0].column == "copy"


def test_importance_of_a_class_that_was_not_drawn_says_so():
    train, test = pumps(1_000), pumps(5_000, seed=2)
    inputs = domain.inputs(CONTRACT, FEATURES)
    pipeline = families.build("logistic", {}, task="binary", inputs=inputs, features=FEATURES, seed=7)
    families.fit(pipeline, train[inputs.names], train["fails"].to_numpy())

    found = importance(
        pipeline,
        test[inputs.names],
        np.arange(5_000) == 0,
        CONTRACT,
        classes=(),
        repeats=1,
        max_rows=100,
        seed=7,
    )
    assert found == "roc_auc has no value on the 100 rows that were drawn"


class Asked:
    """A model of two of its many columns, which counts the values that it is asked with."""

    def __init__(self, told: str, other: str) -> None:
        self.told, self.other, self.values = told, other, 0

    def fit(self, *_: object) -> None:
        """Learn nothing."""

    def predict_proba(self, rows: pd.DataFrame) -> np.ndarray:
        self.values += rows.size
        true = 1 / (1 + np.exp(-3 * rows[self.told] - rows[self.other]))
        return np.column_stack([1 - true, true])


@pytest.mark.parametrize(("n_rows", "n_columns", "repeats"), [(140, 2_000, 3), (3_000, 300, 5), (4_000, 90, 9)])
def test_work_on_a_wide_table_is_bounded_and_the_columns_that_count_are_measured(n_rows, n_columns, repeats):
    rng = np.random.default_rng(5)
    rows = pd.DataFrame(rng.normal(size=(n_rows, n_columns)), columns=[f"g{n}" for n in range(n_columns)])
    labels = rng.random(n_rows) < 1 / (1 + np.exp(-3 * rows["g77"] - rows["g8"]))

    def found(model):
        known = labels.to_numpy()
        return importance(model, rows, known, CONTRACT, classes=(), repeats=repeats, max_rows=5_000, seed=7)

    model = Asked("g77", "g8")
    first = found(model)

    assert [each.column for each in first[:2]] == ["g77", "g8"]
    assert all(each.mean == 0 for each in first[2:])
    assert FEWEST_COLUMNS <= len(first) <= n_columns
    least = FEWEST_COLUMNS * repeats * n_columns * min(n_rows, FEWEST_ROWS)
    assert model.values < 3 * max(MOST_WORK, least)
    assert found(Asked("g77", "g8")) == first


def test_table_that_is_not_wide_is_measured_on_all_its_rows_and_columns():
    assert affordable(5_000, 36, 3) == (5_000, 36)
    assert affordable(5_000, 1, 50) == (5_000, 1)


@pytest.mark.parametrize(("rows", "columns", "repeats"), [(100, 10_000, 1), (5_000, 200, 3), (10**6, 50, 20)])
def test_rows_give_way_before_columns_and_both_keep_enough(rows, columns, repeats):
    n_rows, n_columns = affordable(rows, columns, repeats)
    assert min(rows, FEWEST_ROWS) <= n_rows <= rows
    assert FEWEST_COLUMNS <= n_columns <= columns
    assert n_columns == columns or n_rows == min(rows, FEWEST_ROWS)
