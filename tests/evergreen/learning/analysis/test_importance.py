"""Permutation importance: what a model loses when a column is shuffled."""

import numpy as np
import pandas as pd
import released
from pumps import CONTRACT, FEATURES, pumps

from evergreen.learning import features as domain
from evergreen.learning.analysis.importance import importance
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
