"""The section `harm`."""

from typing import Annotated, Literal

from pydantic import Field

from evergreen.config.section import Section


class HarmParams(Section):
    """The promise that is watched: how much worse than at the gate a champion may become."""

    loss: Literal["brier", "error"] | None = None
    """of a binary model: the squared error of the probability (default), or the share of wrong decisions"""
    tolerance: Annotated[float, Field(ge=0, lt=1)] = 0.02
    """how much above what the gate allows for the expected loss, in [0, 1], may lie"""
    alpha: Annotated[float, Field(gt=0, lt=0.5)] = 0.05
    """how often a promise that is kept may be called broken, over a champion's whole life"""
