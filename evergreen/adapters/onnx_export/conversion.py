"""The whole graph: the columns step, the estimator and the calibration, joined."""

from typing import Any

import onnx
import pandas as pd
from onnx import TensorProto, helper

from evergreen.adapters.onnx_export.encoding import Encoding
from evergreen.adapters.onnx_export.estimators import graph_of
from evergreen.adapters.onnx_export.nodes import Nodes
from evergreen.config.contract.columns import Task
from evergreen.learning.model.compiled.scorer import INPUT, OUTPUT
from evergreen.learning.tuning.calibration import taken_apart


def convert(pipeline: Any, encoding: Encoding, rows: pd.DataFrame, *, task: Task) -> bytes:
    """Return a fitted pipeline as a graph: our own nodes for its columns step, then `graph_of` its estimator.

    Parameters
    ----------
    rows : tells the types of the input columns, each of which becomes one tensor of shape (n, 1).

    Raises
    ------
    NotConvertibleError if a step has no ONNX form; what a converter raises otherwise.
    """
    fitted, curve = taken_apart(pipeline)
    converted, link = graph_of(fitted["estimator"], encoding.width, task)
    estimator = onnx.compose.add_prefix(converted, "estimator/")
    given, exact = (f"estimator/{name}" for name in (INPUT, OUTPUT))
    before, after = Nodes(prefix="columns/"), Nodes(prefix="answer/")
    encoded = before.columns(encoding)
    kind = estimator.graph.input[0].type.tensor_type.elem_type
    before.nodes.append(helper.make_node("Cast", [encoded], [given], to=kind))
    answer = after.link(link, exact)
    answer = after.calibrated(answer, curve) if curve else answer
    answer = after.both(answer) if task == "binary" else answer
    after.nodes.append(helper.make_node("Cast", [answer], [OUTPUT], to=TensorProto.FLOAT))
    kinds = {
        name: TensorProto.DOUBLE if pd.api.types.is_numeric_dtype(rows[name]) else TensorProto.STRING
        for name in encoding.names
    }
    graph = helper.make_graph(
        [*before.nodes, *estimator.graph.node, *after.nodes],
        "pipeline",
        [helper.make_tensor_value_info(name, kind, [None, 1]) for name, kind in kinds.items()],
        [helper.make_tensor_value_info(OUTPUT, TensorProto.FLOAT, [None, None])],
        [*before.constants, *estimator.graph.initializer, *after.constants],
    )
    model = helper.make_model(graph, opset_imports=estimator.opset_import, ir_version=estimator.ir_version)
    onnx.checker.check_model(model)
    content: bytes = model.SerializeToString(deterministic=True)
    return content
