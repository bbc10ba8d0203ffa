"""The section `retrain`."""

from typing import Annotated

from pydantic import Field

from evergreen.config.section import Section


class RetrainParams(Section):
    """When a retraining is worth it: a matured fall of the gate's metric, table drift, or age.

    `max_drop`: tolerated fall of the metric against its value at the gate. `max_age_days`: between the end of the
    champion's data and the end of the window. `cooldown_days`: least time between two retrainings.
    """

    max_drop: Annotated[float, Field(ge=0)]
    on_drift: bool
    max_age_days: Annotated[int, Field(ge=1)]
    cooldown_days: Annotated[int, Field(ge=0)]
