"""A fitted estimator as a graph."""

import numpy as np
import onnx
import pytest
from sklearn.neural_network import MLPClassifier

from evergreen.adapters.onnx_export.estimators import graph_of
from evergreen.config.objectives import FAMILIES
from evergreen.learning.model.compiled.curves import linked
from evergreen.learning.model.compiled.scorer import INPUT, OUTPUT, opened
from evergreen.learning.tuning import families

X = np.random.default_rng(3).normal(size=(200, 3))
CASES = [(task, family) for task in FAMILIES for family in FAMILIES[task]]


def target(task):
    value = X[:, 0] - X[:, 1]
    return {"regression": value, "binary": value > 0, "multiclass": np.digitize(value, [-1, 1])}[task]


@pytest.mark.parametrize(("task", "family"), CASES)
def test_families_of_ours_are_one_operator_in_64_bits(task, family):
    estimator = families.find(family).make(task, 7).fit(X, target(task))
    model, link = graph_of(estimator, 3, task)
    kinds = [node.op_type for node in model.graph.node]

    assert {"TreeEnsemble", "MatMul"} & {*kinds}
    assert not {"TreeEnsembleClassifier", "TreeEnsembleRegressor", "LinearClassifier"} & {*kinds}
    (given,) = model.graph.input
    assert given.type.tensor_type.shape.dim[1].dim_value == 3
    counts = onnx.TensorProto.FLOAT if family in ("xgboost", "random_forest") else onnx.TensorProto.DOUBLE
    assert given.type.tensor_type.elem_type == counts
    assert link == (
        "" if task == "regression" or family == "random_forest" else "Sigmoid" if task == "binary" else "Softmax"
    )


def test_any_other_estimator_is_what_skl2onnx_makes_of_it():
    estimator = MLPClassifier((4,), max_iter=2_000, random_state=1).fit(X, target("binary"))
    model, link = graph_of(estimator, 3, "binary")
    said = opened(model.SerializeToString()).run([OUTPUT], {INPUT: X.astype(np.float32)})[0]

    assert said.shape == (200, 1)
    np.testing.assert_allclose(linked(said[:, 0], link), estimator.predict_proba(X)[:, 1], atol=1e-5)
