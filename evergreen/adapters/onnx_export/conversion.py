"""The whole graph: the columns step, the estimator and the calibration, joined."""

import io
import warnings
from collections.abc import Sequence
from contextlib import redirect_stdout
from typing import Any

import onnx
import pandas as pd
from onnx import TensorProto, helper

from evergreen.adapters.onnx_export.nodes import OUTPUT, Nodes, NotConvertibleError, listed
from evergreen.learning.tuning.calibration import CalibratedPipeline

OPSETS = {"": 18, "ai.onnx.ml": 3}


def columns_of(fitted: Any) -> list[str]:
    """Return the input columns of a pipeline of ours; raises NotConvertibleError for any other."""
    if [name for name, _ in getattr(fitted, "steps", ())] != ["columns", "estimator"]:
        raise NotConvertibleError("only pipelines of a columns step and an estimator are converted")
    if type(fitted["estimator"]).__name__.startswith("Dummy"):
        raise NotConvertibleError("the prior needs no graph")
    return [name for _, _, columns in fitted["columns"].transformers_ for name in listed(columns)]


def convert(
    fitted: Any, names: Sequence[str], rows: pd.DataFrame, *, calibrated: CalibratedPipeline | None = None
) -> bytes:
    """Return a fitted pipeline as a graph: our own nodes for its columns step, skl2onnx's for its estimator.

    Parameters
    ----------
    names, rows : its input columns, and rows that tell their types.
    calibrated : what the pipeline's probabilities pass through.

    Raises
    ------
    NotConvertibleError if a step has no ONNX form; what a converter raises otherwise.
    """
    graph = Nodes()
    encoded = graph.columns(fitted["columns"])
    n_columns = fitted["columns"].transform(rows[list(names)].iloc[:1]).shape[1]
    estimator = _estimator(fitted["estimator"], n_columns)
    first = graph.model(names, rows, encoded, n_columns, estimator)
    merged = onnx.compose.merge_models(
        first, estimator, io_map=[("encoded", estimator.graph.input[0].name)], prefix1="columns/", prefix2="estimator/"
    )
    return _finished(merged, names, calibrated)


def _estimator(estimator: Any, n_columns: int) -> onnx.ModelProto:
    from skl2onnx import convert_sklearn
    from skl2onnx.common.data_types import FloatTensorType

    _register(estimator)
    options = {"zipmap": False} if hasattr(estimator, "classes_") else {}
    with warnings.catch_warnings(), redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")  # of converters; parity is what counts
        converted: onnx.ModelProto = convert_sklearn(
            estimator,
            name="estimator",
            initial_types=[("encoded", FloatTensorType([None, n_columns]))],
            options={id(estimator): options} if options else None,
            target_opset=OPSETS,
        )
    # It declares the oldest versions that its nodes need, and ours need newer ones.
    del converted.opset_import[:]
    converted.opset_import.extend(helper.make_opsetid(domain, version) for domain, version in OPSETS.items())
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


def _finished(model: onnx.ModelProto, names: Sequence[str], calibrated: CalibratedPipeline | None) -> bytes:
    """Return the bytes of a graph whose inputs have the columns' names, and which has one output."""
    graph = model.graph
    outputs = [output.name for output in graph.output]
    wanted = next((name for name in outputs if name.endswith("probabilities")), outputs[-1])
    for node in graph.node:
        for position, name in enumerate(node.input):
            if name.removeprefix("columns/") in names and name.startswith("columns/"):
                node.input[position] = name.removeprefix("columns/")
    for given in graph.input:
        given.name = given.name.removeprefix("columns/")
    after = Nodes(prefix="calibration/")
    last = after.calibrated(wanted, calibrated) if calibrated else wanted
    graph.node.extend([*after.nodes, helper.make_node("Cast", [last], [OUTPUT], to=TensorProto.FLOAT)])
    graph.initializer.extend(after.constants)
    del graph.output[:]
    graph.output.append(helper.make_tensor_value_info(OUTPUT, TensorProto.FLOAT, [None, None]))
    onnx.checker.check_model(model)
    content: bytes = model.SerializeToString(deterministic=True)
    return content
