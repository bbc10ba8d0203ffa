"""ONNX: a graph is kept where it answers like the pipeline, and refused with a reason where it does not."""

import functools

import numpy as np
import pandas as pd
import pytest

from evergreen.adapters import onnx_export
from evergreen.config.objectives import FAMILIES
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


CASES = [(task, family) for task in FAMILIES for family in FAMILIES[task]]


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


def said(pipeline, task, rows):
    return pipeline.predict(rows) if task == "regression" else pipeline.predict_proba(rows)


@pytest.mark.parametrize("encoding", ["onehot", "ordinal", "target"])
@pytest.mark.parametrize(("task", "family"), CASES)
def test_graph_of_every_family_and_encoding_answers_like_the_pipeline(task, family, encoding):
    pipeline = fitted(
        task,
        family,
        encode=dict.fromkeys(INPUTS.categorical, encoding),
        numeric={"missing_indicators": True, "scale": "robust", "impute": "mean"},
    )

    exported = onnx_export.export(pipeline, table(), task=task, seed=7)

    assert exported.why_not == ""
    assert exported.n_rows >= 5_000
    assert exported.max_difference <= 1e-5
    odd = pd.DataFrame(
        {"colour": ["mauve", None], "shop": ["3", "no such"], "price": [np.nan, 1e9], "day": [0.0, -5.0]}
    )
    answers = onnx_export.predict(exported.content, odd.astype({"colour": "str"}))
    expected = said(pipeline, task, odd.astype({"colour": "str"}))
    np.testing.assert_allclose(answers.reshape(expected.shape), expected, atol=1e-5, rtol=1e-5)


def test_rows_to_compare_miss_each_column_alone_and_all_at_once():
    rows = table().dropna(ignore_index=True)
    found = onnx_export._compared(rows, 7)
    missing = found.isna()
    alone = missing[missing.sum(axis=1) == 1]

    assert alone.any().all()
    assert missing.all(axis=1).any()
    for column in ("colour", "shop"):
        unseen = found[column] == "never seen"
        assert unseen.any()
        assert (~missing[unseen].drop(columns=column)).all(axis=1).any()
