"""The section `labels`."""

from typing import Annotated

from pydantic import Field

from evergreen.config.section import Section


class LabelParams(Section):
    """When labels are complete enough to decide anything."""

    coverage: Annotated[float, Field(gt=0, le=1)] = 0.9
    """the share of predictions whose labels must be known up to a day before the day is judged"""
