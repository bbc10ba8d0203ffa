"""Ensembles as arrays: they answer as the library does that fitted them, and what they cannot say is left alone."""

import numpy as np
import pytest
from lightgbm import LGBMClassifier, LGBMRegressor
from sklearn.ensemble import HistGradientBoostingRegressor, RandomForestClassifier, RandomForestRegressor
from sklearn.linear_model import Ridge
from xgboost import XGBRegressor

from evergreen.adapters.onnx_export.trees import BELOW, trees_of

RNG = np.random.default_rng(2)
X = np.column_stack([RNG.normal(size=(300, 3)), RNG.integers(0, 5, 300)])
Y = X[:, 0] * X[:, 1] + X[:, 3]


def answered(trees, row):
    """Return the sums of a row, walked node by node in Python."""
    sums = np.zeros(len(trees.base))
    for root in trees.roots:
        place = root
        while place >= 0:
            value, split = trees.takes(row[trees.columns[place]]), trees.splits[place]
            goes_left = value < split if trees.compares == BELOW else value <= split
            place = (trees.left if goes_left else trees.right)[place]
        sums[trees.outputs[-1 - place]] += trees.leaves[-1 - place]
    return sums / trees.divisor + trees.base


@pytest.mark.parametrize(
    "made",
    [
        HistGradientBoostingRegressor(max_iter=5),
        RandomForestRegressor(4, random_state=1),
        LGBMRegressor(n_estimators=5, verbose=-1),
        XGBRegressor(n_estimators=5),
    ],
)
def test_trees_answer_as_the_library_does(made):
    model = made.fit(X, Y)
    trees = trees_of(model)

    found = [answered(trees, row)[0] for row in X[:60]]
    np.testing.assert_allclose(found, model.predict(X[:60]), rtol=2e-6 if "XGB" in type(model).__name__ else 1e-12)


@pytest.mark.parametrize("n_classes", [2, 3])
def test_forest_of_classes_answers_with_their_shares(n_classes):
    labels = np.digitize(Y, [1.0, 3.0])[:300] % n_classes
    model = RandomForestClassifier(5, random_state=3).fit(X, labels)
    found = np.array([answered(trees_of(model), row) for row in X[:40]])

    expected = model.predict_proba(X[:40])
    np.testing.assert_array_equal(found, expected if n_classes == 3 else expected[:, 1:])


def test_tree_without_a_question_is_its_leaf():
    model = LGBMRegressor(n_estimators=3, verbose=-1, min_child_samples=1_000).fit(X, Y)

    assert answered(trees_of(model), X[0])[0] == pytest.approx(model.predict(X[:1])[0], rel=1e-12)


@pytest.mark.parametrize(
    "made",
    [
        Ridge(),
        HistGradientBoostingRegressor(max_iter=2, loss="poisson"),
        HistGradientBoostingRegressor(max_iter=2, categorical_features=[3]),
        LGBMRegressor(n_estimators=2, verbose=-1, objective="poisson"),
        LGBMRegressor(n_estimators=2, verbose=-1, zero_as_missing=True),
        LGBMRegressor(n_estimators=2, verbose=-1, linear_tree=True),
        XGBRegressor(n_estimators=2, booster="dart"),
        XGBRegressor(n_estimators=2, num_parallel_tree=2),
        XGBRegressor(n_estimators=2, objective="count:poisson"),
    ],
    ids=lambda made: str(made)[:60],
)
def test_what_asks_or_answers_otherwise_is_left_to_a_converter(made):
    assert trees_of(made.fit(X, np.abs(Y))) is None


def test_scaled_sigmoid_and_a_forest_too_large_are_left_alone(monkeypatch):
    assert trees_of(LGBMClassifier(n_estimators=2, verbose=-1, sigmoid=2.0).fit(X, Y > 1)) is None
    monkeypatch.setattr("evergreen.adapters.onnx_export.trees.MOST_NODES", 10)
    assert trees_of(RandomForestRegressor(2, random_state=1).fit(X, Y)) is None
