"""Ensembles of trees as plain arrays, as the library that fitted them keeps them, and as one node of a graph."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import onnx
from onnx import helper, numpy_helper

from evergreen.learning.model.compiled.curves import Link

Array = np.ndarray[Any, Any]
SUM = 1
AT_MOST, BELOW = 0, 1  # the left side's: value <= split, and value < split
MOST_NODES = 4_000_000
PLAIN_LOSSES = ("regression", "regression_l1", "huber", "fair", "quantile", "mape")  # LightGBM's, without a link


@dataclass
class Trees:
    """Trees whose leaves add one number to one of the outputs.

    `columns` to `right`: of every inner node the column, the number, and the places of its two children; a leaf's place
    is -1 - its number. `base` is added to each output when `divisor` has divided it. `takes`: what the library cuts
    values to before it compares them; all else is counted in 64 bits. No value is ever missing.
    """

    base: Array
    takes: Any
    link: Link
    compares: int = AT_MOST
    divisor: float = 1.0
    roots: list[int] = field(default_factory=list)
    columns: list[int] = field(default_factory=list)
    splits: list[float] = field(default_factory=list)
    left: list[int] = field(default_factory=list)
    right: list[int] = field(default_factory=list)
    leaves: list[float] = field(default_factory=list)
    outputs: list[int] = field(default_factory=list)

    def add(self, columns: Array, splits: Array, left: Array, right: Array, leaves: Array, *, output: int) -> None:
        """Add a tree, whose root is its node 0: by node its column, split and children, which a leaf has none of (-1),
        and the number of those that are leaves.
        """
        is_leaf = np.asarray(left) < 0
        inner = np.cumsum(~is_leaf) - 1 + len(self.columns)
        place = np.where(is_leaf, -1 - (np.cumsum(is_leaf) - 1 + len(self.leaves)), inner)
        if is_leaf[0]:  # a tree without a question: whatever the answer, this leaf
            nodes = np.zeros(1, int)
            columns, splits, left, right = (np.zeros(1) for _ in range(4))
            place_left = place_right = place[:1]
            self.roots.append(len(self.columns))
        else:
            nodes = np.flatnonzero(~is_leaf)
            place_left, place_right = place[np.asarray(left)[nodes]], place[np.asarray(right)[nodes]]
            self.roots.append(int(place[0]))
        self.columns += np.asarray(columns)[nodes].astype(int).tolist()
        self.splits += np.asarray(splits)[nodes].tolist()
        self.left += place_left.tolist()
        self.right += place_right.tolist()
        self.leaves += np.asarray(leaves)[is_leaf].tolist()
        self.outputs += [output] * int(is_leaf.sum())

    def node(self, encoded: str, summed: str) -> onnx.NodeProto:
        """Return the one node that sums up all trees, of operators' version 5."""
        left, right = np.array(self.left), np.array(self.right)
        return helper.make_node(
            "TreeEnsemble",
            [encoded],
            [summed],
            domain="ai.onnx.ml",
            n_targets=len(self.base),
            aggregate_function=SUM,
            post_transform=0,
            tree_roots=self.roots,
            nodes_featureids=self.columns,
            nodes_splits=numpy_helper.from_array(np.array(self.splits, np.float64), "splits"),
            nodes_modes=numpy_helper.from_array(np.full(len(self.columns), self.compares, np.uint8), "modes"),
            nodes_truenodeids=np.where(left < 0, -1 - left, left).tolist(),
            nodes_trueleafs=(left < 0).astype(int).tolist(),
            nodes_falsenodeids=np.where(right < 0, -1 - right, right).tolist(),
            nodes_falseleafs=(right < 0).astype(int).tolist(),
            leaf_targetids=self.outputs,
            leaf_weights=numpy_helper.from_array(np.array(self.leaves, np.float64), "leaves"),
        )


def trees_of(estimator: Any) -> Trees | None:
    """Return a fitted ensemble of ours as arrays; None for any other, and for one that asks more than a number."""
    read = _READ.get(type(estimator).__name__)
    return read(estimator) if read else None


def _histogram(estimator: Any) -> Trees | None:
    kinds: dict[str, Link] = {"HalfBinomialLoss": "Sigmoid", "HalfMultinomialLoss": "Softmax"}
    plain = ("HalfSquaredError", "AbsoluteError", "PinballLoss")
    loss = type(estimator._loss).__name__
    if loss not in kinds and loss not in plain:
        return None
    base = np.asarray(estimator._baseline_prediction, np.float64).reshape(-1)
    trees = Trees(base, np.float64, kinds.get(loss, ""))
    for round_ in estimator._predictors:
        for output, predictor in enumerate(round_):
            nodes = predictor.nodes
            if nodes["is_categorical"].any():
                return None
            is_leaf = nodes["is_leaf"].astype(bool)
            left, right = (np.where(is_leaf, -1, nodes[side].astype(np.int64)) for side in ("left", "right"))
            trees.add(nodes["feature_idx"], nodes["num_threshold"], left, right, nodes["value"], output=output)
    return trees


def _forest(estimator: Any) -> Trees | None:
    """Return a forest; its trees look at columns in 32 bits, so that the splits are cut to these, downwards.

    A leaf has one number here, so that a tree is there once for each of several classes.
    """
    outputs = [0]
    if hasattr(estimator, "classes_"):
        outputs = [1] if len(estimator.classes_) == 2 else list(range(len(estimator.classes_)))
    n_nodes = sum(each.tree_.node_count for each in estimator.estimators_) * len(outputs)
    if estimator.n_outputs_ != 1 or n_nodes > MOST_NODES:
        return None
    trees = Trees(np.zeros(len(outputs)), np.float32, "", divisor=float(len(estimator.estimators_)))
    for each in estimator.estimators_:
        tree = each.tree_
        rounded = tree.threshold.astype(np.float32)
        splits = np.where(rounded > tree.threshold, np.nextafter(rounded, np.float32(-np.inf)), rounded)
        values = tree.value[:, 0, :]
        if hasattr(estimator, "classes_"):
            values = values / values.sum(axis=1, keepdims=True)
        for output, column in enumerate(outputs):
            trees.add(
                tree.feature,
                splits.astype(np.float64),
                tree.children_left,
                tree.children_right,
                values[:, column],
                output=output,
            )
    return trees


def _lightgbm(estimator: Any) -> Trees | None:
    model = estimator.booster_.dump_model()
    objective = model.get("objective", "").split()
    n_outputs = model["num_tree_per_iteration"]
    link: Link = ""
    if objective == ["binary", "sigmoid:1"]:
        link = "Sigmoid"
    elif objective[:1] == ["multiclass"]:
        link = "Softmax"
    elif len(objective) != 1 or objective[0] not in PLAIN_LOSSES:
        return None
    trees = Trees(np.zeros(n_outputs), np.float64, link)
    if model.get("average_output"):
        return None
    for number, info in enumerate(model["tree_info"]):
        nodes: list[tuple[float, float, int, int, float]] = []
        if not _flattened(info["tree_structure"], nodes):
            return None
        columns, splits, left, right, leaves = map(np.array, zip(*nodes, strict=True))
        trees.add(columns, splits, left.astype(int), right.astype(int), leaves, output=number % n_outputs)
    return trees


def _flattened(node: Mapping[str, Any], nodes: list[tuple[float, float, int, int, float]]) -> bool:
    """Append a LightGBM node and those below it, the root first; False if one asks more than whether value <= split."""
    place = len(nodes)
    if "split_index" not in node:
        nodes.append((0, 0.0, -1, -1, node["leaf_value"]))
        return "leaf_const" not in node
    if node["decision_type"] != "<=" or node["missing_type"] == "Zero":
        return False
    nodes.append((0, 0.0, 0, 0, 0.0))
    left = len(nodes)
    if not _flattened(node["left_child"], nodes):
        return False
    right = len(nodes)
    nodes[place] = (node["split_feature"], node["threshold"], left, right, 0.0)
    return _flattened(node["right_child"], nodes)


def _xgboost(estimator: Any) -> Trees | None:
    learner = json.loads(bytes(estimator.get_booster().save_raw("json")))["learner"]
    links: dict[str, Link] = {"binary:logistic": "Sigmoid", "multi:softprob": "Softmax", "reg:squarederror": ""}
    objective = learner["objective"]["name"]
    if objective not in links or learner["gradient_booster"]["name"] != "gbtree":
        return None
    score = learner["learner_model_param"]["base_score"]
    base = np.atleast_1d(np.array(json.loads(score), np.float64))
    n_outputs = max(1, int(learner["learner_model_param"]["num_class"]))
    if objective == "binary:logistic":
        base = np.log(base) - np.log1p(-base)
    trees = Trees(np.broadcast_to(base, n_outputs).copy(), np.float32, links[objective], compares=BELOW)
    model = learner["gradient_booster"]["model"]
    if int(model["gbtree_model_param"].get("num_parallel_tree", 1)) != 1:
        return None
    for output, tree in zip(model["tree_info"], model["trees"], strict=True):
        if any(tree.get("split_type", ())):
            return None
        splits = np.array(tree["split_conditions"], np.float32)  # of a leaf, its number
        trees.add(
            np.array(tree["split_indices"]),
            splits,
            np.array(tree["left_children"]),
            np.array(tree["right_children"]),
            splits,
            output=output,
        )
    return trees


_READ: Mapping[str, Callable[[Any], Trees | None]] = {
    "HistGradientBoostingClassifier": _histogram,
    "HistGradientBoostingRegressor": _histogram,
    "RandomForestClassifier": _forest,
    "RandomForestRegressor": _forest,
    "LGBMClassifier": _lightgbm,
    "LGBMRegressor": _lightgbm,
    "NamedXGBClassifier": _xgboost,
    "XGBRegressor": _xgboost,
}
