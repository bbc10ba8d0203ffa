"""A fitted estimator as one graph: encoded rows in, what its probabilities or values are made of out."""

import io
import warnings
from contextlib import redirect_stdout
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper

from evergreen.adapters.onnx_export.linear import Linear, linear_of
from evergreen.adapters.onnx_export.nodes import FLOATS, Nodes
from evergreen.adapters.onnx_export.trees import trees_of
from evergreen.config.contract.columns import Task
from evergreen.learning.model.compiled.curves import Link
from evergreen.learning.model.compiled.scorer import INPUT, OUTPUT

# Trees that count in 64 bits have an operator of their own since version 5, which skl2onnx does not know yet.
OPSETS = {"": 18, "ai.onnx.ml": 5}
SKL_OPSETS = {"": 18, "ai.onnx.ml": 3}
IR_VERSION = 10


def graph_of(estimator: Any, width: int, task: Task, *, linear: Linear | None = None) -> tuple[onnx.ModelProto, Link]:
    """Return a fitted estimator as a graph, and what makes probabilities of its answers.

    It takes one tensor, shape (n, `width`), and gives one, in float64: of shape (n, 1) what says how true it is, or the
    value, and (n, k) what says so of all classes. Linear models, and the trees of the families, sum up in 64 bits as
    the pipeline does; any other estimator is what skl2onnx makes of it.

    Parameters
    ----------
    linear : stands for the estimator.
    """
    nodes = Nodes()
    kind: Any = np.float64
    link: Link = ""
    converted: onnx.ModelProto | None = None
    if linear := linear or linear_of(estimator):
        link, sums = linear.link, nodes.linear(INPUT, linear.weights, linear.intercepts)
    elif trees := trees_of(estimator):
        kind, link, sums = trees.takes, trees.link, nodes.trees(INPUT, trees)
    else:
        kind, converted = np.float32, _converted(estimator, width)
        nodes = Nodes(prefix="after/")
        outputs = [output.name for output in converted.graph.output]
        said = next((name for name in outputs if name.endswith("probabilities")), outputs[-1])
        exact = nodes.cast(said, TensorProto.DOUBLE)
        sums = nodes.column(exact, len(estimator.classes_) - 1) if task == "binary" else exact
    nodes.nodes.append(helper.make_node("Identity", [sums], [OUTPUT]))
    return _model(nodes, kind, width, converted), link


def _model(nodes: Nodes, kind: Any, width: int, converted: onnx.ModelProto | None) -> onnx.ModelProto:
    graph = helper.make_graph(
        [*(converted.graph.node if converted else ()), *nodes.nodes],
        "estimator",
        [helper.make_tensor_value_info(INPUT, FLOATS[kind], [None, width])],
        [helper.make_tensor_value_info(OUTPUT, TensorProto.DOUBLE, [None, None])],
        [*(converted.graph.initializer if converted else ()), *nodes.constants],
    )
    opsets = SKL_OPSETS if converted else OPSETS
    imports = [helper.make_opsetid(domain, version) for domain, version in opsets.items()]
    model = helper.make_model(graph, opset_imports=imports, ir_version=IR_VERSION)
    onnx.checker.check_model(model)
    return model


def _converted(estimator: Any, width: int) -> onnx.ModelProto:
    from skl2onnx import convert_sklearn
    from skl2onnx.common.data_types import FloatTensorType

    _register(estimator)
    options = {"zipmap": False} if hasattr(estimator, "classes_") else {}
    with warnings.catch_warnings(), redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")  # of converters; parity is what counts
        converted: onnx.ModelProto = convert_sklearn(
            estimator,
            name="estimator",
            initial_types=[(INPUT, FloatTensorType([None, width]))],
            options={id(estimator): options} if options else None,
            target_opset=SKL_OPSETS,
        )
    return converted


def _register(estimator: Any) -> None:
    """Tell skl2onnx how LightGBM and XGBoost are converted; a second time changes nothing."""
    from skl2onnx import update_registered_converter
    from skl2onnx.common.shape_calculator import (
        calculate_linear_classifier_output_shapes as of_classes,
    )
    from skl2onnx.common.shape_calculator import calculate_linear_regressor_output_shapes as of_numbers

    kind = type(estimator)
    if kind.__name__ in ("LGBMClassifier", "LGBMRegressor"):
        from onnxmltools.convert.lightgbm.operator_converters.LightGbm import convert_lightgbm as convert
    elif kind.__name__ in ("NamedXGBClassifier", "XGBRegressor"):
        from onnxmltools.convert.xgboost.operator_converters.XGBoost import convert_xgboost as convert
    else:
        return
    is_classifier = kind.__name__.endswith("Classifier")
    update_registered_converter(
        kind,
        kind.__name__,
        of_classes if is_classifier else of_numbers,
        convert,
        options={"nocl": [True, False], "zipmap": [True, False]} if is_classifier else {"split": None},
    )
