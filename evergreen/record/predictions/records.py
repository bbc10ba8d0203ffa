"""What stands in the prediction log: answered rows, what came back about them, and which columns their values are of.

It stands on msgspec alone, because an edge bundle logs with it too.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

import msgspec

if TYPE_CHECKING:
    from evergreen.config.contract.columns import Column
    from evergreen.config.contract.contract import Contract

Scalar = bool | int | float | str | None
Source = Literal["http", "batch", "edge", "v2"]
Policy = Literal["hash", "mask", "drop"]


class LoggedColumn(msgspec.Struct, frozen=True, array_like=True):
    """A column of the contract whose values are logged; `pii`: what becomes of them before they reach the disk."""

    name: str
    type: str
    role: str
    pii: Policy | None = None


class Columns(msgspec.Struct, frozen=True, array_like=True):
    """What the values of a record mean, in their order.

    `features`: the columns that a caller sends to have a row predicted, and those of the past that may be given beside
    them. `keys`: what else of the contract may be sent along and says whom a row is about. `key`: the names that
    together name a row. `classes`: of a multiclass model.
    """

    contract: str
    task: str
    features: tuple[LoggedColumn, ...]
    keys: tuple[LoggedColumn, ...] = ()
    key: tuple[str, ...] = ()
    target: str = ""
    classes: tuple[str, ...] = ()

    @property
    def all(self) -> tuple[LoggedColumn, ...]:
        return (*self.features, *self.keys)


class Logged(msgspec.Struct, array_like=True, gc=False):
    """An answered row. Times are whole microseconds since 1970 in UTC, as timestamps among the values are.

    `features` and `keys` are in the order of `Columns`, null for what was not sent. `propensity`: the probability with
    which `variant` was to answer. `rule`: what made the `decision`. `latency_us`: from the request to the answer.
    `traffic_rule`: by which rule the variant was drawn, such as `rollout-3.2`; None where the champion alone answers.
    """

    prediction_id: str
    received_us: int
    model: str
    version: int
    model_digest: str
    features: Sequence[Scalar]
    keys: Sequence[Scalar] = ()
    event_us: int | None = None
    label: bool | str | None = None
    probability: float | None = None
    value: float | None = None
    variant: str = "champion"
    propensity: float = 1.0
    decision: str | None = None
    rule: str | None = None
    latency_us: int = 0
    source: Source = "http"
    request_id: str = ""
    traffic_rule: str | None = None


class Shadowed(msgspec.Struct, array_like=True, gc=False):
    """What a variant said of a row that another one answered: nobody was told it.

    `prediction_id` and `received_us` are those of the answer. `latency_us`: what the variant took for one request like
    it, asked alone. `error`: why it said nothing, such as the name of what it raised.
    """

    prediction_id: str
    received_us: int
    model: str
    version: int
    model_digest: str
    variant: str
    label: bool | str | None = None
    probability: float | None = None
    value: float | None = None
    latency_us: int = 0
    traffic_rule: str | None = None
    error: str | None = None


class Feedback(msgspec.Struct, array_like=True, gc=False):
    """What came back about a prediction: its label, or what a person decided; by `prediction_id` or by `keys`.

    `keys` are in the order of `Columns.key`. `known_us`: when it was known, where the sender says so. `by`: who says
    it. `label_propensity`: the probability with which this label was asked for, where it was asked for at random.
    """

    feedback_id: str
    received_us: int
    kind: Literal["label", "decision"]
    prediction_id: str | None = None
    keys: Sequence[Scalar] | None = None
    label: bool | str | None = None
    value: float | None = None
    decision: str | None = None
    known_us: int | None = None
    by: str | None = None
    request_id: str = ""
    label_propensity: float | None = None


def columns_of(contract: "Contract", given: Sequence["Column"] = (), classes: Sequence[str] = ()) -> Columns:
    """Return what a model's records hold, by its contract and the columns of the past that may be `given`.

    What is known only with the target is not logged as a value, nor is what the contract drops.
    """
    asked = (*contract.request_columns, *given)
    names = {column.name for column in asked}
    others = [
        column for column in contract.stored if column.name not in names and (column.role not in ("target", "leakage"))
    ]
    return Columns(
        contract=contract.name,
        task=contract.task,
        features=tuple(map(_logged, asked)),
        keys=tuple(map(_logged, others)),
        key=tuple(contract.key),
        target=contract.target,
        classes=tuple(classes),
    )


def _logged(column: "Column") -> LoggedColumn:
    policy = None if column.pii == "keep" else column.pii
    return LoggedColumn(name=column.name, type=column.type, role=column.role, pii=policy)
