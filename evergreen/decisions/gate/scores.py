"""The gate rows as a table: what every model says of them, which belong together, and which slices they are in."""

import math
from collections.abc import Mapping
from typing import Annotated, Any, Literal

import numpy as np
import pandas as pd
from pydantic import BeforeValidator, Field

from evergreen.base.artifacts.refs import TableRef
from evergreen.base.values import Value
from evergreen.config.contract.columns import Task
from evergreen.decisions.gate.evidence import GateRows, Mask, Rival
from evergreen.learning.evaluation.clusters import Clusters
from evergreen.learning.evaluation.estimates import Estimates

LABEL, CLUSTER = "label", "cluster"
# A metric that is undefined on a fold is NaN, which JSON writes as null.
OfFold = Annotated[float, BeforeValidator(lambda value: math.nan if value is None else value)]


class Held(Value):
    """A model that candidates are held against; its estimates stand under `column`.

    `role`: in service, or before. `classes`: of its estimates. `why_not`: why it cannot be compared, and there is no
    column then.
    """

    role: Literal["champion", "former"]
    name: str
    column: str
    classes: tuple[str, ...] = ()
    why_not: str = ""


class Compared(Value):
    """Candidates and what they are held against, on the gate rows.

    `table`: a row per gate row, as `write` makes it; `rows`: the digest of the gate rows. `unit`, `in_time`: of its
    clusters. `slices`: what each is called, by its column. `folds`: the gate's metric and the proper score of each
    fold of tuning, by artifact and name. `megabytes`, `milliseconds`: by artifact; an answer to one row is timed where
    the gate has a limit.
    """

    table: TableRef
    rows: str
    task: Task
    classes: tuple[str, ...]
    unit: str
    in_time: bool
    held: tuple[Held, ...]
    slices: dict[str, str]
    megabytes: dict[str, float]
    milliseconds: dict[str, float]
    folds: dict[str, dict[str, tuple[OfFold, ...]]] = Field(default_factory=dict)


def write(
    scores: pd.DataFrame,
    clusters: Clusters,
    rivals: Mapping[str, Estimates],
    *,
    usable: Mapping[str, Mask],
    slices: Mapping[str, Mask],
) -> pd.DataFrame:
    """Return the table of `Compared`: `scores` with clusters, rivals' estimates, where they count, and slices."""
    columns: dict[str, Any] = {CLUSTER: clusters.codes}
    for name, estimates in rivals.items():
        columns |= {**estimates.columns(name), _usable(name): usable[name]}
    return scores.assign(**columns, **slices)


def gate_rows(table: pd.DataFrame, compared: Compared) -> GateRows:
    """Return the gate rows of a table that `write` made."""
    return GateRows(
        labels=table[LABEL].to_numpy(dtype=np.str_) if compared.task == "multiclass" else table[LABEL].to_numpy(),
        clusters=Clusters(compared.unit, table[CLUSTER].to_numpy(), compared.in_time),
        slices={name: table[column].to_numpy() for column, name in compared.slices.items()},
        digest=compared.rows,
    )


def estimates(table: pd.DataFrame, name: str, compared: Compared) -> Estimates | None:
    """Return the estimates that a table keeps under a name; None if it keeps none."""
    columns = [name] if compared.task != "multiclass" else [f"{name}_{label}" for label in compared.classes]
    return Estimates.read(table, name, compared.task, compared.classes) if set(columns) <= set(table) else None


def rivals(table: pd.DataFrame, compared: Compared, role: Literal["champion", "former"]) -> tuple[Rival, ...]:
    """Return those that candidates are held against in a role."""
    return tuple(
        Rival(held.name, None, why_not=held.why_not)
        if held.why_not
        else Rival(
            held.name,
            Estimates.read(table, held.column, compared.task, held.classes),
            usable=table[_usable(held.column)].to_numpy(),
        )
        for held in compared.held
        if held.role == role
    )


def _usable(name: str) -> str:
    return f"{name} counts"
