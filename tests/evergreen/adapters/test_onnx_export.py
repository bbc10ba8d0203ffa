"""ONNX: a graph is kept where it answers like the pipeline, and refused with a reason where it does not."""

import functools

import numpy as np
import onnx
import pandas as pd
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.pipeline import Pipeline

from evergreen.adapters import onnx_export
from evergreen.config.objectives import FAMILIES
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


def test_graph_takes_one_tensor_for_each_column_and_gives_one():
    graph = onnx.load_from_string(
        onnx_export.export(fitted("binary", "lightgbm"), table(), task="binary", seed=7).content
    ).graph

    kinds = {each.name: each.type.tensor_type.elem_type for each in graph.input}
    text, number = onnx.TensorProto.STRING, onnx.TensorProto.DOUBLE
    assert kinds == {"colour": text, "shop": text, "price": number, "day": number}
    assert [each.name for each in graph.output] == ["estimates"]


def test_equal_fits_give_equal_graphs():
    contents = {
        onnx_export.export(fitted("binary", "gradient_boosting"), table(), task="binary", seed=7).content
        for _ in range(2)
    }

    assert len(contents) == 1


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


def test_native_categories_convert_silently_wrong_and_are_refused_by_their_answers():
    rng = np.random.default_rng(3)
    rows = pd.DataFrame({"shop": pd.Series(rng.integers(0, 12, 800)).astype("str"), "price": rng.normal(size=800)})
    label = rows["shop"].isin(["1", "4", "7", "9"]).to_numpy()
    inputs = Inputs(categorical=("shop",), numeric=("price",))
    params = FeatureParams(rare_category=1, test_share=0.3)
    made = families.build("gradient_boosting", {}, task="binary", inputs=inputs, features=params, seed=7)
    made["columns"].set_params(ordinal__unknown_value=np.nan, ordinal__encoded_missing_value=np.nan)
    native = HistGradientBoostingClassifier(max_iter=8, categorical_features=[0], random_state=7)
    pipeline = Pipeline([("columns", made["columns"]), ("estimator", native)]).fit(rows, label)

    exported = onnx_export.export(pipeline, rows, task="binary", seed=7)

    assert exported.content is None
    assert exported.max_difference > 0.1
    assert exported.why_not.startswith("the graph's answers differ by up to 0.")


@pytest.mark.parametrize(
    ("features", "family", "says"),
    [
        ({"encode": {"shop": "hash"}}, "logistic", "step hash of shop has no ONNX form"),
        ({"numeric": {"scale": "quantile"}}, "logistic", "QuantileTransformer has no exact ONNX form"),
        ({}, "sklearn.neighbors.RadiusNeighborsClassifier", ""),
        ({}, "prior", "the prior needs no graph"),
    ],
)
def test_what_has_no_graph_is_told_with_the_reason(features, family, says):
    exported = onnx_export.export(fitted("binary", family, chosen={}, **features), table(), task="binary", seed=7)

    assert exported.content is None
    assert exported.why_not.startswith(says)
    assert exported.why_not


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
