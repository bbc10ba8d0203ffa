"""The section `gate`."""

from typing import Annotated

from pydantic import Field

from evergreen.config.objectives import GateMetric
from evergreen.config.section import Section


class GateParams(Section):
    """What a candidate must show on rows that tuning never saw, in units of the metric, of which more is better."""

    metric: GateMetric
    """what is judged, by task as above; more is better for each"""
    floor: float
    """the least value"""
    baseline_gain: float
    """the candidate must beat the baseline by more than this; below 0 where chance moves the metric by so much"""
    champion_margin: Annotated[float, Field(ge=0)]
    """the interval of candidate minus champion must lie above minus this margin"""
    confidence: Annotated[float, Field(gt=0.5, lt=1)]
    """of that interval"""
