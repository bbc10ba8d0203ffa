"""The section `drift`."""

from typing import Annotated

from pydantic import Field

from evergreen.config.section import Section


class DriftParams(Section):
    """When a window's rows count as shifted from the reference that the champion came with."""

    alpha: Annotated[float, Field(gt=0, lt=0.5)] = 0.01
    """how often unchanged rows may be called shifted in a window, over all columns together"""
    bins: Annotated[int, Field(ge=2, le=100)] = 10
    """quantile bins of a number, cut on the reference"""
    min_days: Annotated[int, Field(ge=3)] = 4
    """with rows on fewer days the verdict is `not enough data`"""
