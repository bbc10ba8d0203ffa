"""The section `gate`."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from evergreen.config.objectives import METRICS, GateMetric
from evergreen.config.section import Section


class GateParams(Section):
    """What a candidate must show on rows that tuning never saw, in units of the metric, of which more is better."""

    metric: GateMetric
    """what is judged, by task as above; more is better for each"""
    floor: float
    """the least value"""
    floors: dict[str, float] = {}
    """the least value of other [metrics](../how-to/evaluation.md#the-metrics), or the greatest of those of which less
    is better; default none"""
    baseline_gain: float = 0.0
    """a candidate is refused that is shown to gain less than this over the prior ([`GT002`](gate.md#gt002)) or the next
    simpler family ([`GT003`](gate.md#gt003)); default 0"""
    champion_margin: Annotated[float, Field(ge=0)]
    """a loss against the champion ([`GT004`](gate.md#gt004)), one before it, or on a slice, that still counts as
    equal"""
    confidence: Annotated[float, Field(gt=0.5, lt=1)]
    """what is left of 1 is the error that each [rule](gate.md#the-two-rules) may make"""
    rule: Literal["auto", "superiority", "refresh"] = "auto"
    """`superiority`: a candidate must be shown to be better; `refresh`: it must not be shown to be worse. Default
    `auto`: refresh for newer rows and otherwise the same parameters, superiority for anything else"""
    when_unclear: Literal["newer", "keep"] = "newer"
    """what a refresh does where the rows [cannot tell](../how-to/gate.md#when-it-cannot-tell): take the newer model, or
    keep the champion; default `newer`"""
    proper_margin: Annotated[float, Field(ge=0)] = 0.05
    """a log loss that is greater than the champion's by this share of it still counts as equal
    ([`GT006`](gate.md#gt006)); default 0.05"""
    max_bias: Annotated[float, Field(gt=0)] = 0.5
    """how far the mean of the estimates may be off, as a share of the mean of the labels, or, of a number, of its
    standard deviation ([`GT007`](gate.md#gt007)); default 0.5"""
    max_gap: Annotated[float, Field(gt=0)] = 0.3
    """how much better a candidate may be on its own train rows ([`GT009`](gate.md#gt009)); default 0.3"""
    ceiling: float | None = None
    """a value that is too good to be true ([`GT010`](gate.md#gt010)); default none. One that leaves less than a tenth
    of the champion's error is refused without it"""
    max_megabytes: Annotated[float, Field(gt=0)] | None = None
    """the greatest size of a model ([`GT011`](gate.md#gt011)); default none"""
    max_milliseconds: Annotated[float, Field(gt=0)] | None = None
    """the longest that an answer to one row may take ([`GT012`](gate.md#gt012)); default none"""

    @property
    def alpha(self) -> float:
        """The error that each rule may make."""
        return 1 - self.confidence

    @model_validator(mode="after")
    def _known_metrics(self) -> Self:
        unknown = sorted(set(self.floors) - set(METRICS))
        if unknown:
            raise ValueError(f"floors: no such metric: {unknown[0]}; known are {', '.join(METRICS)}")
        return self
