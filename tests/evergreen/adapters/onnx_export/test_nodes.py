"""Nodes before and after the estimator: what they make of numbers, categories and probabilities."""

import functools

import numpy as np
import pandas as pd
import pytest

from evergreen.adapters import onnx_export
from evergreen.config.params.features import FeatureParams
from evergreen.learning.features import Inputs
from evergreen.learning.tuning import families
from evergreen.learning.tuning.calibration import CalibratedPipeline

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


@pytest.mark.parametrize(
    ("task", "method", "numbers"), [("binary", "sigmoid", [1.4, -0.3]), ("multiclass", "temperature", [1.7])]
)
def test_calibrated_probabilities_are_in_the_graph(task, method, numbers):
    pipeline = CalibratedPipeline(fitted(task, "xgboost"), method, numbers)

    exported = onnx_export.export(pipeline, table(), task=task, seed=7)

    assert (exported.why_not, exported.content is None) == ("", False)
    np.testing.assert_allclose(
        onnx_export.predict(exported.content, table()), pipeline.predict_proba(table()), atol=1e-5
    )


def test_text_has_no_graph():
    rows = table().assign(note=pd.Series(["fine rain", "rain", None, "sun"] * 200, dtype="str"))
    inputs = INPUTS.model_copy(update={"text": ("note",)})

    exported = onnx_export.export(fitted("binary", "lightgbm", inputs=inputs, rows=rows), rows, task="binary", seed=7)

    assert (exported.content, exported.max_difference) == (None, None)
    assert exported.why_not == "step text_0 of note has no ONNX form"


def test_isotonic_calibration_and_foreign_pipelines_have_no_graph():
    pipeline = fitted("binary", "logistic")
    isotonic = CalibratedPipeline(pipeline, "isotonic", [0.0, 1.0, 0.1, 0.9])

    assert "isotonic" in onnx_export.export(isotonic, table(), task="binary", seed=7).why_not
    assert "only pipelines" in onnx_export.export(pipeline["estimator"], table(), task="binary", seed=7).why_not
    assert "no rows" in onnx_export.export(pipeline, table().head(0), task="binary", seed=7).why_not


def test_category_named_like_a_missing_one_has_no_graph():
    rows = table().assign(colour=table()["colour"].replace("red", "nan"))

    exported = onnx_export.export(fitted("binary", "lightgbm", rows=rows), rows, task="binary", seed=7)

    assert exported.why_not == "column 'colour' has both missing values and the category 'nan'"
