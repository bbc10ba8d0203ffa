"""Whether parameters fit the table and the task that the contract describes: known before anything is read."""

from collections.abc import Iterable, Mapping

from evergreen.contract import Contract, Task
from evergreen.errors import ConfigError
from evergreen.params import FeatureParams, GateMetric, Params

# Higher is better for each, so that the gate's limits mean the same for every task.
GATE_METRIC: Mapping[Task, GateMetric] = {"binary": "roc_auc", "multiclass": "balanced_accuracy", "regression": "r2"}
FAMILIES: Mapping[Task, tuple[str, ...]] = {
    "binary": ("logistic", "gradient_boosting"),
    "multiclass": ("logistic", "gradient_boosting"),
    "regression": ("linear", "gradient_boosting"),
}


def check(params: Params, contract: Contract) -> None:
    """Raise ConfigError for the first parameter that does not fit the contract."""
    check_features(params.features, contract)
    check_families([*params.tune.families, *params.train.baseline], contract.task)
    fitting = GATE_METRIC[contract.task]
    if params.gate.metric != fitting:
        raise ConfigError(
            "CFG018",
            f"gate.metric is {params.gate.metric}, which does not measure a {contract.task} target",
            where=f"contract '{contract.name}', target '{contract.target}'",
            next_step=f"Set gate.metric: {fitting}",
        )


def check_features(params: FeatureParams, contract: Contract) -> None:
    """Raise ConfigError unless the features can be made from the contract's columns, and the split fits its time."""
    if contract.time is None and params.calendar:
        raise ConfigError(
            "CFG020",
            f"features.calendar asks for {', '.join(params.calendar)}, but no column has role time",
            where=f"contract '{contract.name}'",
            next_step="Set features.calendar: [], or give a timestamp column role: time.",
        )
    given, wanted = ("test_share", "test_days") if params.test_share is not None else ("test_days", "test_share")
    if (contract.time is None) != (given == "test_share"):
        raise ConfigError(
            "CFG021",
            f"features.{given} is given, but a table with{'out' if contract.time is None else ''} a time column is "
            f"split by features.{wanted}",
            where=f"contract '{contract.name}'",
            next_step=f"Give features.{wanted} instead, such as {'0.2' if wanted == 'test_share' else '14'}.",
        )
    texts = [column.name for column in contract.features if column.type == "text"]
    if texts:
        raise ConfigError(
            "CFG017",
            f"column '{texts[0]}' is text, which the models do not use",
            where=f"contract '{contract.name}'",
            next_step="Set role: ignore.",
        )


def check_families(families: Iterable[str], task: Task) -> None:
    """Raise ConfigError for a family that does not learn the task."""
    for family in families:
        if family not in FAMILIES[task]:
            raise ConfigError(
                "CFG010",
                f"family '{family}' does not learn a {task} target",
                where="tune.families",
                next_step=f"Name one that does: {', '.join(FAMILIES[task])}.",
            )


def require_time(contract: Contract) -> str:
    """Return the time column; raises ConfigError where there is none, because a window is a period of it."""
    if contract.time is None:
        raise ConfigError(
            "CFG019",
            f"'{contract.name}' has no column with role time, so it has no windows to monitor",
            where=f"contract '{contract.name}'",
            next_step="Give a timestamp column role: time, or train again on a newer table: evergreen run",
        )
    return contract.time
