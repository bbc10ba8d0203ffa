"""A recipe fits its model again on other rows."""

import numpy as np
import pandas as pd
import pytest
import tables
from sklearn.linear_model import Ridge

from evergreen.learning import features as domain
from evergreen.learning.tuning import families
from evergreen.learning.tuning.recipe import LINEAR, Recipe


def recipe(which, family, **params):
    return Recipe(tables.contract_of(which), tables.FEATURES, family, params, 7)


def sides(which):
    rows = tables.table(which)
    return rows.iloc[::2], rows.iloc[1::2]


def test_estimates_are_those_of_the_pipeline_that_the_families_build():
    train, test = sides("regression")
    said = recipe("regression", "linear", alpha=0.5).fit_predict(train, test, ())
    names = domain.inputs(tables.contract_of("regression"), tables.FEATURES).names
    mean, deviation = train[names].mean(), train[names].std(ddof=0)
    fitted = Ridge(alpha=0.5).fit((train[names] - mean) / deviation, train["progression"])
    assert said.values == pytest.approx(fitted.predict((test[names] - mean) / deviation), rel=1e-6)


def test_prior_answers_every_row_alike_whatever_the_columns_hold():
    train, test = sides("binary")
    said = recipe("binary", "prior").fit_predict(train, test, ())
    assert said.values == pytest.approx(np.full(len(test), train["benign"].astype(float).mean()))


def test_class_that_the_train_rows_lack_gets_no_probability():
    train, test = sides("multiclass")
    classes = tuple(sorted(set(test["species"])))
    without = train[train["species"] != classes[1]]
    said = recipe("multiclass", "logistic").fit_predict(without, test, classes)
    assert (said.values[:, 1] == 0).all()
    assert said.values.sum(axis=1) == pytest.approx(np.ones(len(test)))


def test_recipe_of_another_family_begins_at_its_defaults_with_the_same_rest():
    before = Recipe(tables.contract_of("binary"), tables.FEATURES, "lightgbm", {"num_leaves": 3}, 11, 4)
    after = before.of("logistic")
    assert (after.family, after.params, after.seed, after.shrinkage) == ("logistic", {}, 11, 1)
    assert (after.contract, after.features) == (before.contract, before.features)


@pytest.mark.parametrize("task", LINEAR)
def test_simplest_family_of_each_task_can_be_built(task):
    made = families.build(
        LINEAR[task],
        {},
        task=task,
        inputs=domain.Inputs(categorical=(), numeric=("x",)),
        features=tables.FEATURES,
        seed=7,
    )
    target = {"binary": [True, False], "multiclass": ["a", "b"], "regression": [0.0, 1.0]}[task]
    families.fit(made, pd.DataFrame({"x": [0.0, 1.0]}), np.array(target))
