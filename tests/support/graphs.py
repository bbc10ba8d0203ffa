"""Pipelines to make graphs of, and the rows that they were fitted on."""

import functools

import numpy as np
import pandas as pd

from evergreen.config.params.features import FeatureParams
from evergreen.learning.features import Inputs
from evergreen.learning.tuning import families

INPUTS = Inputs(categorical=("colour", "shop"), numeric=("price", "day"))


SMALL = {
    "random_forest": {"n_estimators": 5},
    "gradient_boosting": {"max_iter": 8},
    "lightgbm": {"n_estimators": 8},
    "xgboost": {"n_estimators": 8},
}


@functools.cache
def table(n=800):
    rng = np.random.default_rng(5)
    return pd.DataFrame(
        {
            "colour": pd.Series(rng.choice(np.array(["red", "blue", None], dtype=object), n)).astype("str"),
            "shop": pd.Series(rng.integers(0, 60, n)).astype("str"),
            "price": np.where(rng.random(n) < 0.2, np.nan, rng.normal(10, 3, n)),
            "day": 1.7e9 + 86_400.0 * rng.integers(0, 300, n),  # more digits than 32 bits hold
        }
    )


@functools.cache
def target(task):
    rows, rng = table(), np.random.default_rng(6)
    noisy = rows["price"].fillna(12).to_numpy() + 3 * (rows["colour"] == "red") + rng.normal(0, 1, len(rows))
    if task == "regression":
        return np.asarray(noisy)
    return np.asarray(noisy > 11) if task == "binary" else np.array(["a", "b", "c"])[np.digitize(noisy, [9, 12])]


def fitted(task, family, *, chosen=None, inputs=INPUTS, rows=None, **features):
    params = FeatureParams(rare_category=5, test_share=0.3, **features)
    chosen = SMALL.get(family, {}) if chosen is None else chosen
    pipeline = families.build(family, chosen, task=task, inputs=inputs, features=params, seed=7)
    families.fit(pipeline, table() if rows is None else rows, target(task))
    return pipeline
