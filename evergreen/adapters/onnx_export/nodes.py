"""What stands before and after the estimator, as ONNX nodes that count in 64 bits."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx
import pandas as pd
from onnx import TensorProto, helper, numpy_helper

from evergreen.learning.tuning.calibration import EPSILON, CalibratedPipeline
from evergreen.learning.tuning.encoders import LARGEST

Array = np.ndarray[Any, Any]
MISSING = "nan"  # a tensor of text has no missing value
OUTPUT = "estimates"


class NotConvertibleError(Exception):
    """What a graph cannot hold."""


class Nodes:
    """Nodes in the order that they are added; each method returns the name of its output.

    Every category is looked up in a table of what the encoder makes of it.
    """

    def __init__(self, prefix: str = "") -> None:
        self.prefix = prefix
        self.nodes: list[Any] = []
        self.constants: list[Any] = []

    def model(
        self, names: Sequence[str], rows: pd.DataFrame, encoded: str, n_columns: int, estimator: onnx.ModelProto
    ) -> onnx.ModelProto:
        self.nodes.append(helper.make_node("Cast", [encoded], ["encoded"], to=TensorProto.FLOAT))
        kinds = {
            name: TensorProto.DOUBLE if pd.api.types.is_numeric_dtype(rows[name]) else TensorProto.STRING
            for name in names
        }
        graph = helper.make_graph(
            self.nodes,
            "columns",
            [helper.make_tensor_value_info(name, kind, [None, 1]) for name, kind in kinds.items()],
            [helper.make_tensor_value_info("encoded", TensorProto.FLOAT, [None, n_columns])],
            self.constants,
        )
        return helper.make_model(graph, opset_imports=estimator.opset_import, ir_version=estimator.ir_version)

    def columns(self, transformer: Any) -> str:
        """Add the nodes of a fitted ColumnTransformer and return the name of their output."""
        blocks = []
        for name, fitted, columns in transformer.transformers_:
            if name in ("onehot", "ordinal", "target"):
                blocks += self._categories(name, fitted, listed(columns))
            elif name == "numeric":
                blocks.append(self._numbers(fitted, listed(columns)))
            else:
                raise NotConvertibleError(f"step {name} of {', '.join(listed(columns))} has no ONNX form")
        return self._add("Concat", blocks, axis=1)

    def _categories(self, encoding: str, fitted: Any, columns: Sequence[str]) -> list[str]:
        encoder = fitted[0] if hasattr(fitted, "steps") else fitted
        first = {name: known[0] for name, known in zip(columns, encoder.categories_, strict=True)}
        blocks, begin = [], 0
        for position, (name, known) in enumerate(zip(columns, encoder.categories_, strict=True)):
            keys = [MISSING if pd.isna(value) else str(value) for value in known]
            if len(set(keys)) < len(keys):
                raise NotConvertibleError(f"column '{name}' has both missing values and the category '{MISSING}'")
            values = [*known, _unlike(keys)]
            frame = pd.DataFrame({**{other: [value] * len(values) for other, value in first.items()}, name: values})
            table = fitted.transform(frame)
            table = np.asarray(table.toarray() if hasattr(table, "toarray") else table, dtype=np.float64)
            end = begin + _width(encoding, encoder, position)
            attributes = {"keys_strings": keys, "values_int64s": list(range(len(keys))), "default_int64": len(keys)}
            at = self._add("LabelEncoder", [name], domain="ai.onnx.ml", **attributes)
            row = self._add("Reshape", [at, self._constant(np.array([-1]))])
            blocks.append(self._add("Gather", [self._constant(table[:, begin:end]), row], axis=0))
            begin = end
        return blocks

    def _numbers(self, fitted: Any, columns: Sequence[str]) -> str:
        imputer, *scalers = [step for _, step in fitted.steps if type(step).__name__ != "FunctionTransformer"]
        given = self._add("Concat", list(columns), axis=1)
        is_missing = self._add("IsNaN", [given])
        value = self._add("Where", [is_missing, self._constant(np.asarray(imputer.statistics_, np.float64)), given])
        limits = [self._constant(np.array(limit)) for limit in (-LARGEST, LARGEST)]
        value = self._add("Clip", [value, *limits])
        if imputer.add_indicator and len(imputer.indicator_.features_):
            flags = self._add("Cast", [is_missing], to=TensorProto.DOUBLE)
            flags = self._add("Gather", [flags, self._constant(imputer.indicator_.features_)], axis=1)
            value = self._add("Concat", [value, flags], axis=1)
        for scaler in scalers:
            centre = {"StandardScaler": "mean_", "RobustScaler": "center_"}.get(type(scaler).__name__)
            if centre is None:
                raise NotConvertibleError(f"{type(scaler).__name__} has no exact ONNX form")
            value = self._add("Sub", [value, self._constant(getattr(scaler, centre))])
            value = self._add("Div", [value, self._constant(scaler.scale_)])
        return value

    def calibrated(self, probabilities: str, by: CalibratedPipeline) -> str:
        """Add the nodes of a calibration and return the name of their output."""
        if by.method not in ("sigmoid", "temperature"):
            raise NotConvertibleError(f"{by.method} calibration has no ONNX form")
        limits = [self._constant(np.array(limit)) for limit in (EPSILON, 1 - EPSILON)]
        exact = self._add("Clip", [self._add("Cast", [probabilities], to=TensorProto.DOUBLE), *limits])
        logarithms = self._add("Log", [exact])
        if by.method == "temperature":
            cooled = self._add("Div", [logarithms, self._constant(np.array(by.numbers[0]))])
            return self._add("Softmax", [cooled], axis=1)
        # The log odds of both classes, from each other: the columns of p are 1 - p and p.
        other = self._add("Log", [self._add("Sub", [self._constant(np.array(1.0)), exact])])
        odds = self._add("Sub", [logarithms, other])
        slope, intercept = by.numbers
        scaled = self._add("Mul", [odds, self._constant(np.array(slope))])
        return self._add("Sigmoid", [self._add("Add", [scaled, self._constant(np.array([[-intercept, intercept]]))])])

    def _constant(self, value: Array) -> str:
        name = f"{self.prefix}constant/{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name

    def _add(self, operator: str, inputs: Sequence[str], **attributes: Any) -> str:
        name = f"{self.prefix}node/{len(self.nodes)}"
        self.nodes.append(helper.make_node(operator, list(inputs), [name], **attributes))
        return name


def _width(encoding: str, encoder: Any, position: int) -> int:
    """Return how many columns an encoder makes of the one at `position`."""
    if encoding == "ordinal":
        return 1
    if encoding == "target":
        return len(encoder.classes_) if encoder.target_type_ == "multiclass" else 1
    rare = encoder.infrequent_categories_[position]
    return len(encoder.categories_[position]) - (0 if rare is None else len(rare) - 1)


def _unlike(keys: Sequence[str]) -> str:
    return max(keys, key=len) + "_"


def listed(columns: Any) -> list[str]:
    """Return what a ColumnTransformer's step is given, as a list of names."""
    return [columns] if isinstance(columns, str) else list(columns)
