"""The section `tune`."""

from typing import Annotated, Literal, Self, get_args

from pydantic import AfterValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from evergreen.config.objectives import FamilyName
from evergreen.config.section import Section

GRID_POINTS = 50  # whole numbers in a range that a grid walks through


def _known_family(name: str) -> str:
    if "." not in name and name not in get_args(FamilyName):
        known = ", ".join(f"'{family}'" for family in get_args(FamilyName))
        what = "no such family: name one of {expected}, or an estimator class by its dotted path"
        raise PydanticCustomError("unknown_family", what, {"expected": known})
    return name


class Distribution(Section):
    """Where tuning looks for one hyperparameter: exactly one of `values`, `int` and `float` (inclusive bounds)."""

    values: Annotated[tuple[float | int | str | bool | None, ...], Field(min_length=1)] | None = None
    integer: tuple[int, int] | None = Field(None, alias="int")
    real: tuple[float, float] | None = Field(None, alias="float")
    log: bool = False

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        if sum(kind is not None for kind in (self.values, self.integer, self.real)) != 1:
            raise ValueError("give exactly one of values, int, float")
        bounds = self.integer or self.real
        if bounds and bounds[0] > bounds[1]:
            raise ValueError(f"low <= high must hold, but got (low={bounds[0]}, high={bounds[1]})")
        if self.log and (not bounds or bounds[0] <= 0):
            raise ValueError("log needs int or float bounds above 0")
        return self


class TuneParams(Section):
    """The search: how it draws, how it judges a trial, what it may cost, and the space of each family.

    `metric`: by which trials are judged; by default that of the task: roc_auc, log_loss or r2. `sampler`: how
    parameters are drawn. `trials` and `seconds` bound the search, whichever is reached first; trials that a killed
    search finished count. `folds`: ordered by time where the table has it, by groups or classes otherwise. `max_rows`:
    folds are cut from at most this many rows, drawn evenly; the final fit uses all. `prune`: a trial that is worse
    than the median of the others after a fold is given up. `patience`: boosting stops after this many rounds without
    gain on the validation fold. `workers`: processes that fit at a time. `warm_start`: the champion's parameters are
    tried first. `calibrate`: probabilities are calibrated where that lowers the log loss of the validation folds.
    """

    metric: str | None = None
    sampler: Literal["tpe", "random", "grid"] = "tpe"
    trials: Annotated[int, Field(ge=1)]
    seconds: Annotated[float, Field(gt=0)] | None = None
    folds: Annotated[int, Field(ge=2)]
    max_rows: Annotated[int, Field(ge=1_000)]
    prune: bool = True
    patience: Annotated[int, Field(ge=1)] | None = 30
    workers: Annotated[int, Field(ge=1)] = 1
    warm_start: bool = True
    calibrate: bool = True
    families: dict[Annotated[str, AfterValidator(_known_family)], dict[str, Distribution]]

    @model_validator(mode="after")
    def _some_family(self) -> Self:
        if not self.families:
            raise ValueError("name at least one family")
        return self

    @model_validator(mode="after")
    def _grid_has_points(self) -> Self:
        endless = [
            f"{family}.{name}"
            for family, parameters in self.families.items()
            for name, where in parameters.items()
            if where.real or (where.integer and where.integer[1] - where.integer[0] >= GRID_POINTS)
        ]
        if self.sampler == "grid" and endless:
            raise ValueError(f"sampler grid takes `values`, or `int` of at most {GRID_POINTS}: {endless[0]} has more")
        return self
