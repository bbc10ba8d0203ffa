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
    """one of a list"""
    integer: tuple[int, int] | None = Field(None, alias="int")
    """a whole number between two bounds, both included"""
    real: tuple[float, float] | None = Field(None, alias="float")
    """a number between two bounds"""
    log: bool = False
    """draw on a logarithmic scale; default `false`"""

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
    """The search: how it draws, how it judges a trial, what it may cost, and the space of each family."""

    metric: str | None = None
    """by which trials are judged; any [metric](metrics.md) of the task; default `roc_auc`, `log_loss` or `r2`. Metrics
    of labels take a probability of 0.5 or more as true"""
    sampler: Literal["tpe", "random", "grid"] = "tpe"
    """`tpe`, `random` or `grid`; default `tpe`. A grid takes `values`, and `int` of at most 50 numbers"""
    trials: Annotated[int, Field(ge=1)]
    """how many models are tried; pruned ones count, failed ones do not"""
    seconds: Annotated[float, Field(gt=0)] | None = None
    """how long the search may take, if that is reached first; default: as long as the trials take"""
    folds: Annotated[int, Field(ge=2)]
    """ordered by time where the table has it: each validates on rows after those it is fitted on. By the column of role
    `group` where the table has one instead, and dealt out by class or shuffled otherwise"""
    max_rows: Annotated[int, Field(ge=1_000)]
    """folds are cut from at most this many rows, drawn evenly; the final fit uses all. At least 1,000"""
    prune: bool = True
    """give a trial up that is worse than the median of the others after a fold; default `true`"""
    patience: Annotated[int, Field(ge=1)] | None = 30
    """boosting stops after so many rounds without gain on the validation fold, and the final fit takes the mean of the
    rounds kept, grown with its rows; null: it never stops early; default 30"""
    workers: Annotated[int, Field(ge=1)] = 1
    """processes that fit at a time; default 1. With more, the order in which trials end decides what is drawn next"""
    warm_start: bool = True
    """try the champion's family and parameters first; default `true`"""
    calibrate: bool = True
    """calibrate probabilities where that lowers the log loss of the validation folds; default `true`"""
    families: dict[Annotated[str, AfterValidator(_known_family)], dict[str, Distribution]]
    """one or more of the task's families, or [estimators of your own](../how-to/models.md#estimators-of-your-own) by
    dotted path, each with its search space"""

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
