"""What stands before the gate: rows, what candidates say of them, and the models they are held against."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from evergreen.base.errors import DataError
from evergreen.learning.evaluation.clusters import Clusters
from evergreen.learning.evaluation.estimates import Estimates

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class GateRows:
    """n rows that no candidate has seen.

    `labels`: shape (n,), none missing. `clusters`: which rows belong together. `slices`: the rows of each declared
    slice, by what it is called, shape (n,) each. `digest`: what tells these rows from others.
    """

    labels: npt.NDArray[Any]
    clusters: Clusters
    slices: Mapping[str, Mask] = field(default_factory=dict)
    digest: str = ""

    @property
    def all(self) -> Mask:
        return np.ones(len(self.labels), dtype=np.bool_)


@dataclass(frozen=True)
class Contender:
    """A fitted model that may be promoted.

    `artifact`: the name under which a training keeps it. `estimates`: of the gate rows. `metrics`: of the gate rows, by
    name; `train`: of its own train rows, where they were measured. `folds`: metrics of each fold of tuning, by name.
    `megabytes` and `milliseconds`: its size, and the time of an answer to one row; None where it was not measured.
    """

    artifact: str
    family: str
    estimates: Estimates
    metrics: Mapping[str, float]
    train: Mapping[str, float] = field(default_factory=dict)
    folds: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    megabytes: float | None = None
    milliseconds: float | None = None


@dataclass(frozen=True)
class Rival:
    """A model that a contender is held against on the rows that neither has seen.

    `name`: such as ``version 3`` or ``the baseline``. `usable`: the rows on which it may be compared, shape (n,); None
    for all. `why_not`: why it cannot be compared on any; `estimates` is None then.
    """

    name: str
    estimates: Estimates | None
    usable: Mask | None = None
    why_not: str = ""


class GateError(DataError):
    """What stands before the gate does not belong together."""


def check_lengths(rows: GateRows, contenders: Mapping[str, Estimates | None]) -> None:
    """Raise GateError unless everything that is compared has as many rows as the gate, slices and clusters too."""
    n = len(rows.labels)
    for name, inside in rows.slices.items():
        if len(inside) != n:
            raise GateError(
                "GATE002",
                f"{len(inside)} rows in the slice {name} for {n} gate rows",
                where="gate",
                next_step="Take the slices from the gate rows.",
            )
    for name, estimates in contenders.items():
        if estimates is not None and len(estimates.values) != n:
            raise GateError(
                "GATE002",
                f"{len(estimates.values)} estimates of {name} for {n} gate rows",
                where="gate",
                next_step="Score every model on the same rows.",
            )
    if len(rows.clusters.codes) != n:
        raise GateError(
            "GATE002",
            f"{len(rows.clusters.codes)} rows in clusters for {n} gate rows",
            where="gate",
            next_step="Take the clusters from the gate rows.",
        )
