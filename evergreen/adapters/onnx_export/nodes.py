"""Nodes of a graph that count in 64 bits: what stands before an estimator, linear models and trees, and calibration."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from evergreen.adapters.onnx_export.encoding import Encoding, NotConvertibleError
from evergreen.adapters.onnx_export.trees import Trees
from evergreen.learning.model.compiled.curves import EPSILON, Link
from evergreen.learning.model.compiled.plan import Category, Number
from evergreen.learning.model.compiled.rowwise import LARGEST
from evergreen.learning.tuning.calibration import CalibrationMap

Array = np.ndarray[Any, Any]
MISSING = "nan"  # a tensor of text has no missing value
FLOATS = {np.float32: TensorProto.FLOAT, np.float64: TensorProto.DOUBLE}


class Nodes:
    """Nodes in the order that they are added; each method returns the name of its output.

    Every category is looked up in a table of what the encoder makes of it.
    """

    def __init__(self, prefix: str = "") -> None:
        self.prefix = prefix
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []

    def columns(self, encoding: Encoding) -> str:
        """Add the nodes of a columns step, whose inputs have the columns' names."""
        blocks = {
            category.at: self._category(category, encoding.names[category.of]) for category in encoding.categories
        }
        if encoding.numbers:
            blocks |= self._numbers(encoding.numbers, encoding.names)
        return self._add("Concat", [blocks[at] for at in sorted(blocks)], axis=1)

    def _category(self, category: Category, name: str) -> str:
        rows = dict(zip(category.keys, category.numbers, strict=True))
        if rows.setdefault(MISSING, category.missing) != category.missing:
            raise NotConvertibleError(f"column '{name}' has both missing values and the category '{MISSING}'")
        table = np.zeros((len(rows) + 1, category.width))
        for row, pairs in enumerate((*rows.values(), category.unseen)):
            for offset, number in pairs:
                table[row, offset] = number
        attributes = {"keys_strings": list(rows), "values_int64s": list(range(len(rows))), "default_int64": len(rows)}
        at = self._add("LabelEncoder", [name], domain="ai.onnx.ml", **attributes)
        return self._add("Gather", [self._constant(table), self._add("Reshape", [at, self._constant([-1])])], axis=0)

    def _numbers(self, numbers: Sequence[Number], names: Sequence[str]) -> dict[int, str]:
        """Return the nodes of all numbers together, and of their flags, by their positions."""
        given = self._add("Concat", [names[number.of] for number in numbers], axis=1)
        is_missing = self._add("IsNaN", [given])
        value = self._add("Clip", [given, self._constant(-LARGEST), self._constant(LARGEST)])
        if numbers[0].centre is not None:
            value = self._add("Sub", [value, self._constant([number.centre for number in numbers])])
            value = self._add("Div", [value, self._constant([number.scale for number in numbers])])
        missing = self._constant([number.missing for number in numbers])
        blocks = {numbers[0].at: self._add("Where", [is_missing, missing, value])}
        flags = [(place, number.flag) for place, number in enumerate(numbers) if number.flag]
        if flags:
            asked = self._add("Gather", [is_missing, self._constant([place for place, _ in flags])], axis=1)
            there, away = ([flag[which] for _, flag in flags] for which in (1, 2))
            blocks[flags[0][1][0]] = self._add("Where", [asked, self._constant(away), self._constant(there)])
        return blocks

    def linear(self, encoded: str, weights: Array, intercepts: Array) -> str:
        """Add a linear model: weights of shape (width, outputs), intercepts of shape (outputs,)."""
        return self._add("Add", [self._add("MatMul", [encoded, self._constant(weights)]), self._constant(intercepts)])

    def trees(self, encoded: str, trees: Trees) -> str:
        """Add an ensemble of trees."""
        exact = encoded if trees.takes is np.float64 else self.cast(encoded, TensorProto.DOUBLE)
        summed = f"{self.prefix}trees"
        self.nodes.append(trees.node(exact, summed))
        if trees.divisor != 1:
            summed = self._add("Div", [summed, self._constant(trees.divisor)])
        return self._add("Add", [summed, self._constant(trees.base[np.newaxis, :])]) if trees.base.any() else summed

    def link(self, link: Link, values: str) -> str:
        """Add what makes probabilities of values: Sigmoid, Softmax, or nothing."""
        if not link:
            return values
        return self._add(link, [values], **({"axis": 1} if link == "Softmax" else {}))

    def column(self, values: str, at: int) -> str:
        """Add the choice of one column, of shape (n, 1)."""
        return self._add("Gather", [values, self._constant([at])], axis=1)

    def both(self, of_true: str) -> str:
        """Add the probabilities of false and true."""
        return self._add("Concat", [self._add("Sub", [self._constant([[1.0]]), of_true]), of_true], axis=1)

    def cast(self, values: str, kind: int) -> str:
        """Add a change of type."""
        return self._add("Cast", [values], to=kind)

    def calibrated(self, probabilities: str, by: CalibrationMap) -> str:
        """Add the nodes of a calibration: of the probability of true, shape (n, 1), of those of all classes, or of
        values, shape (n, 1).
        """
        if by.method == "offset":
            return self._add("Add", [probabilities, self._constant(by.numbers[0])])
        safe = self._add("Clip", [probabilities, self._constant(EPSILON), self._constant(1 - EPSILON)])
        if by.method == "isotonic":
            half = len(by.numbers) // 2
            return self._interpolated(safe, np.array(by.numbers[:half]), np.array(by.numbers[half:]))
        logarithms = self._add("Log", [safe])
        if by.method in ("temperature", "offsets"):
            cooled = self._add("Div", [logarithms, self._constant(by.numbers[0])])
            if by.method == "offsets":
                cooled = self._add("Add", [cooled, self._constant([by.numbers[1:]])])
            return self._add("Softmax", [cooled], axis=1)
        other = self._add("Log", [self._add("Sub", [self._constant(1.0), safe])])
        odds = self._add("Sub", [logarithms, other])
        slope, intercept = by.numbers
        scaled = self._add("Mul", [odds, self._constant(slope)])
        return self._add("Sigmoid", [self._add("Add", [scaled, self._constant(intercept)])])

    def _interpolated(self, values: str, x: Array, y: Array) -> str:
        """Add the straight lines between knots, and the outermost knots' numbers beyond them."""
        if len(x) == 1:
            x, y = np.append(x, x + 1), np.append(y, y)
        inside = self._add("Clip", [values, self._constant(x[0]), self._constant(x[-1])])
        passed = self._add("Cast", [self._add("GreaterOrEqual", [inside, self._constant(x[np.newaxis, 1:-1])])], to=7)
        at = self._add("ReduceSum", [passed, self._constant([1])], keepdims=1)
        begin, height = (self._add("Gather", [self._constant(knots[:-1]), at], axis=0) for knots in (x, y))
        slope = self._add("Gather", [self._constant(np.diff(y) / np.diff(x)), at], axis=0)
        along = self._add("Sub", [inside, begin])
        return self._add("Add", [self._add("Mul", [slope, along]), height])

    def _constant(self, value: Any) -> str:
        name = f"{self.prefix}constant/{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(value).reshape(np.shape(value)), name))
        return name

    def _add(self, operator: str, inputs: Sequence[str], **attributes: Any) -> str:
        name = f"{self.prefix}node/{len(self.nodes)}"
        self.nodes.append(helper.make_node(operator, list(inputs), [name], **attributes))
        return name
