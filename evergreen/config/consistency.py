"""Whether parameters fit the table and the task that the contract describes: known before anything is read."""

from evergreen.base.errors import ConfigError
from evergreen.config import derived
from evergreen.config.contract.contract import Contract
from evergreen.config.objectives import GATE_METRIC, check_costs, check_families, fitting, tuning_metric
from evergreen.config.params.evaluate import EvaluateParams, ThresholdRule
from evergreen.config.params.features import FeatureParams
from evergreen.config.params.gate import GateParams
from evergreen.config.params.params import Params


def check(params: Params, contract: Contract) -> None:
    """Raise ConfigError for the first parameter that does not fit the contract."""
    derived.check(params.features, contract)
    check_families([*params.tune.families, *params.train.baseline], contract.task)
    tuning_metric(params.tune.metric, contract)
    check_evaluation(params.evaluate, params.features, contract)
    check_gate(params.gate, contract)


def check_gate(params: GateParams, contract: Contract) -> None:
    """Raise ConfigError if a metric of the gate does not measure the target."""
    wanted, known = GATE_METRIC[contract.task], fitting(contract.task)
    where = f"contract '{contract.name}', target '{contract.target}'"
    if params.metric != wanted:
        raise ConfigError(
            "CFG018",
            f"gate.metric is {params.metric}, which does not measure a {contract.task} target",
            where=where,
            next_step=f"Set gate.metric: {wanted}",
        )
    for name in params.floors:
        if name not in known:
            raise ConfigError(
                "CFG018",
                f"gate.floors names {name}, which does not measure a {contract.task} target",
                where=where,
                next_step=f"Name one that does: {', '.join(known)}.",
            )


def check_evaluation(params: EvaluateParams, features: FeatureParams, contract: Contract) -> None:
    """Raise ConfigError for costs of unknown classes, slices by unknown columns, and a threshold's rule without true.

    The classes of a category without a list are known only with the rows: the evaluate step checks costs again.
    """
    target = contract.with_role("target")[0]
    listed = ("true", "false") if contract.task == "binary" else target.categories
    check_costs(params.costs, None if target.open else listed, contract)
    if isinstance(params.threshold, ThresholdRule) and contract.task != "binary":
        raise ConfigError(
            "CFG054",
            f"evaluate.threshold is a rule of a binary target, and '{target.name}' is {contract.task}",
            where=f"contract '{contract.name}'",
            next_step="Leave evaluate.threshold out.",
        )
    made = [column.name for column in derived.columns(contract, features)]
    personal = {column.name for column in contract.columns if column.pii}
    known = [name for name in (*contract.model_columns, *made) if name not in {contract.target, *personal}]
    for name in params.slices:
        if name not in known:
            raise ConfigError(
                "CFG052",
                f"evaluate.slices names '{name}', which "
                + ("holds personal values" if name in personal else "is no column of the gate's rows"),
                where=f"contract '{contract.name}'",
                next_step=f"Name one of: {', '.join(known)}.",
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
