"""Nodes before and after the estimator: what they make of numbers, categories and probabilities."""

import numpy as np
import pandas as pd
import pytest
from graphs import INPUTS, fitted, table

from evergreen.adapters import onnx_export
from evergreen.learning.tuning.calibration import CalibratedPipeline, ShiftedPipeline


@pytest.mark.parametrize(
    ("task", "method", "numbers"),
    [
        ("binary", "sigmoid", [1.4, -0.3]),
        ("binary", "isotonic", [0.1, 0.3, 0.31, 0.8, 0.05, 0.2, 0.6, 0.7]),
        ("binary", "isotonic", [0.4, 0.6]),
        ("multiclass", "temperature", [1.7]),
        ("multiclass", "offsets", [1.7, 0.4, -0.9, 0.1]),
    ],
)
def test_calibrated_probabilities_are_in_the_graph(task, method, numbers):
    pipeline = CalibratedPipeline(fitted(task, "xgboost"), method, numbers)

    exported = onnx_export.export(pipeline, table(), task=task, seed=7)

    assert (exported.why_not, exported.content is None) == ("", False)
    np.testing.assert_allclose(
        onnx_export.predict(exported.content, table()), pipeline.predict_proba(table()), atol=1e-5
    )


def test_value_that_is_shifted_is_in_the_graph():
    pipeline = ShiftedPipeline(fitted("regression", "xgboost"), -2.5)
    exported = onnx_export.export(pipeline, table(), task="regression", seed=7)
    assert exported.why_not == ""
    np.testing.assert_allclose(
        onnx_export.predict(exported.content, table()).ravel(), pipeline.predict(table()), atol=1e-4
    )


def test_text_has_no_graph():
    rows = table().assign(note=pd.Series(["fine rain", "rain", None, "sun"] * 200, dtype="str"))
    inputs = INPUTS.model_copy(update={"text": ("note",)})

    exported = onnx_export.export(fitted("binary", "lightgbm", inputs=inputs, rows=rows), rows, task="binary", seed=7)

    assert (exported.content, exported.max_difference) == (None, None)
    assert exported.why_not == "step text_0 of note has no ONNX form"


def test_foreign_pipelines_have_no_graph():
    pipeline = fitted("binary", "logistic")

    assert "only pipelines" in onnx_export.export(pipeline["estimator"], table(), task="binary", seed=7).why_not
    assert "no rows" in onnx_export.export(pipeline, table().head(0), task="binary", seed=7).why_not


def test_category_named_like_a_missing_one_has_no_graph():
    rows = table().assign(colour=table()["colour"].replace("red", "nan"))

    exported = onnx_export.export(fitted("binary", "lightgbm", rows=rows), rows, task="binary", seed=7)

    assert exported.why_not == "column 'colour' has both missing values and the category 'nan'"
