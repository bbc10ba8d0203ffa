"""What can be asked of each task: its metrics with their directions, its families, and the costs of its classes."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from evergreen.base.errors import ConfigError
from evergreen.config.contract.columns import Task
from evergreen.config.contract.contract import Contract

GateMetric = Literal["roc_auc", "balanced_accuracy", "r2"]
FamilyName = Literal["logistic", "linear", "random_forest", "gradient_boosting", "lightgbm", "xgboost"]

# Higher is better for each, so that the gate's limits mean the same for every task.
GATE_METRIC: Mapping[Task, GateMetric] = {"binary": "roc_auc", "multiclass": "balanced_accuracy", "regression": "r2"}
TUNING_METRIC: Mapping[Task, str] = {"binary": "roc_auc", "multiclass": "log_loss", "regression": "r2"}
FAMILIES: Mapping[Task, tuple[FamilyName, ...]] = {
    "binary": ("logistic", "random_forest", "gradient_boosting", "lightgbm", "xgboost"),
    "multiclass": ("logistic", "random_forest", "gradient_boosting", "lightgbm", "xgboost"),
    "regression": ("linear", "random_forest", "gradient_boosting", "lightgbm", "xgboost"),
}


@dataclass(frozen=True)
class Metric:
    """One metric. `of`: what it looks at besides the labels; `unit`: of its values."""

    tasks: tuple[Task, ...]
    greater_is_better: bool
    of: Literal["probabilities", "labels", "values"]
    unit: Literal["share", "correlation", "nats", "target", "own"]


_BINARY: tuple[Task, ...] = ("binary",)
_MULTICLASS: tuple[Task, ...] = ("multiclass",)
_CLASSES: tuple[Task, ...] = ("binary", "multiclass")
_NUMBERS: tuple[Task, ...] = ("regression",)

METRICS: Mapping[str, Metric] = {
    "roc_auc": Metric(_BINARY, True, "probabilities", "share"),
    "average_precision": Metric(_BINARY, True, "probabilities", "share"),
    "balanced_accuracy": Metric(_CLASSES, True, "labels", "share"),
    "accuracy": Metric(_CLASSES, True, "labels", "share"),
    "log_loss": Metric(_CLASSES, False, "probabilities", "nats"),
    "brier": Metric(_BINARY, False, "probabilities", "share"),
    "ece": Metric(_CLASSES, False, "probabilities", "share"),
    "precision": Metric(_BINARY, True, "labels", "share"),
    "recall": Metric(_BINARY, True, "labels", "share"),
    "f1": Metric(_BINARY, True, "labels", "share"),
    "f1_macro": Metric(_MULTICLASS, True, "labels", "share"),
    "precision_macro": Metric(_MULTICLASS, True, "labels", "share"),
    "recall_macro": Metric(_MULTICLASS, True, "labels", "share"),
    "roc_auc_ovr": Metric(_MULTICLASS, True, "probabilities", "share"),
    "matthews": Metric(_CLASSES, True, "labels", "correlation"),
    "r2": Metric(_NUMBERS, True, "values", "share"),
    "rmse": Metric(_NUMBERS, False, "values", "target"),
    "mae": Metric(_NUMBERS, False, "values", "target"),
    "median_absolute_error": Metric(_NUMBERS, False, "values", "target"),
    "mape": Metric(_NUMBERS, False, "values", "share"),
    "pinball": Metric(_NUMBERS, False, "values", "target"),
}


def fitting(task: Task) -> tuple[str, ...]:
    """Return the metrics that fit a task, ``cost`` aside, which needs costs."""
    return tuple(name for name, metric in METRICS.items() if task in metric.tasks)


def check_costs(costs: Mapping[str, Mapping[str, float]], classes: Sequence[str] | None, contract: Contract) -> None:
    """Raise ConfigError unless costs are of the target's `classes`; None are not known yet."""
    if costs and contract.task == "regression":
        raise ConfigError(
            "CFG050",
            "evaluate.costs are of classes, and the target is a number",
            where=f"contract '{contract.name}', target '{contract.target}'",
            next_step="Set evaluate.costs: {}",
        )
    for name in (*costs, *(answer for row in costs.values() for answer in row)):
        if classes is not None and name not in classes:
            raise ConfigError(
                "CFG051",
                f"evaluate.costs names the class '{name}', which the target does not have",
                where=f"contract '{contract.name}', target '{contract.target}'",
                next_step=f"Its classes are: {', '.join(classes)}.",
            )


def tuning_metric(metric: str | None, contract: Contract) -> str:
    """Return the metric that trials are judged by, `metric` if it is given; raises ConfigError if it does not fit."""
    metric = metric or TUNING_METRIC[contract.task]
    if metric not in fitting(contract.task):
        raise ConfigError(
            "CFG045",
            f"tune.metric is {metric}, which does not measure a {contract.task} target",
            where=f"contract '{contract.name}', target '{contract.target}'",
            next_step=f"Name one that does: {', '.join(fitting(contract.task))}.",
        )
    return metric


def check_families(families: Iterable[str], task: Task) -> None:
    """Raise ConfigError for a family that does not learn the task; of your own estimators only a build can tell."""
    for family in families:
        if "." not in family and family not in FAMILIES[task]:
            raise ConfigError(
                "CFG010",
                f"family '{family}' does not learn a {task} target",
                where="tune.families",
                next_step=f"Name one that does: {', '.join(FAMILIES[task])}.",
            )
