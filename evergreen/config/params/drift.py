"""The section `drift`."""

from typing import Annotated

from pydantic import Field

from evergreen.config.section import Section


class DriftParams(Section):
    """When a window counts as drifted from the champion's training table."""

    alpha: Annotated[float, Field(gt=0, lt=0.5)]
    """how often unchanged data may be called drifted, over all columns together"""
    min_psi: Annotated[float, Field(ge=0)]
    """the least population stability index that matters, in nats"""
    bins: Annotated[int, Field(ge=2)]
    """quantile bins, cut on the training rows"""
    min_rows: Annotated[int, Field(ge=1)]
    """with fewer rows, in the window or in training, the verdict is `unknown`"""
    min_columns: Annotated[int, Field(ge=1)]
    """this many drifted columns make the table drift"""
