"""A fitted pipeline as one graph."""

import numpy as np
import onnx
import pandas as pd
import pytest
from graphs import fitted, table
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.pipeline import Pipeline

from evergreen.adapters import onnx_export
from evergreen.config.params.features import FeatureParams
from evergreen.learning.features import Inputs
from evergreen.learning.tuning import families


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
