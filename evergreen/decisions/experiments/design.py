"""What was agreed before an experiment began: nothing in it changes while it runs."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from evergreen.base.values import Value
from evergreen.config.contract.columns import Task

MetricName = Literal["error", "brier", "absolute error", "target", "latency"]
Better = Literal["higher", "lower"]
# The first of a task is what an experiment is about where nothing is named.
METRICS: dict[Task, tuple[MetricName, ...]] = {
    "binary": ("error", "brier", "target", "latency"),
    "multiclass": ("error", "latency"),
    "regression": ("absolute error", "target", "latency"),
}
BETTER: dict[MetricName, Better] = {
    "error": "lower",
    "brier": "lower",
    "absolute error": "lower",
    "target": "higher",
    "latency": "lower",
}
Then = Literal["rollout", "keep"]


class Goal(Value):
    """A metric that may decide. `effect`: the smallest difference worth having, above 0, in the metric's unit."""

    metric: MetricName
    better: Better
    effect: Annotated[float, Field(gt=0)]


class Guard(Value):
    """A metric that may not get worse by more than `margin`, 0 or more, in its unit; latency in milliseconds."""

    metric: MetricName
    better: Better
    margin: Annotated[float, Field(ge=0)]


class Variant(Value):
    """A version beside the champion: its name in records, and its share of the units."""

    name: str
    version: int
    share: Annotated[float, Field(gt=0, lt=1)]


class Design(Value):
    """An experiment as it was agreed on.

    Attributes
    ----------
    champion : the version that the others are compared with; it has the share that they leave.
    unit : the columns whose rows hang together and stay with one variant; without any, each prediction is its own.
    planned : units in each variant, were all as large, at which its interval is the narrowest, and it ends at last.
    alpha : the error, over all looks, variants and goals, of finding a difference where there is none.
    adjust : whether the champion's answer to the same row is taken out.
    then : what follows by itself: "rollout" of what is better, or "keep": nobody does anything.
    """

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,29}$")]
    champion: int
    variants: Annotated[tuple[Variant, ...], Field(min_length=1, max_length=7)]
    goals: Annotated[tuple[Goal, ...], Field(min_length=1)]
    guards: tuple[Guard, ...] = ()
    unit: tuple[str, ...] = ()
    planned: Annotated[int, Field(ge=2)]
    alpha: Annotated[float, Field(gt=0, lt=0.5)] = 0.05
    adjust: bool = True
    then: Then = "keep"

    @model_validator(mode="after")
    def _adds_up(self) -> Self:
        names = [variant.name for variant in self.variants]
        if len({*names, "champion"}) <= len(names):
            raise ValueError(f"variants need names of their own, got {', '.join(names)}")
        if sum(variant.share for variant in self.variants) >= 1 - 1e-9:
            raise ValueError("the variants leave the champion no share")
        asked = [one.metric for one in self.asked]
        if len({*asked}) < len(asked):
            raise ValueError(f"a metric is a goal or a guard, and once, got {', '.join(asked)}")
        return self

    @property
    def owner(self) -> str:
        """Who divides the traffic, as the ledger calls it."""
        return f"experiment-{self.name}"

    @property
    def names(self) -> tuple[str, ...]:
        """The champion, then the others, as records call them."""
        return ("champion", *(variant.name for variant in self.variants))

    @property
    def asked(self) -> "tuple[Goal | Guard, ...]":
        """What is measured: the goals, then the guards."""
        return (*self.goals, *self.guards)

    @property
    def champion_share(self) -> float:
        return 1 - sum(variant.share for variant in self.variants)
