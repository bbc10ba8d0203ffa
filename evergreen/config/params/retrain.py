"""The section `retrain`."""

from typing import Annotated

from pydantic import Field

from evergreen.config.section import Section


class RetrainParams(Section):
    """When a retraining is worth it: a matured fall of the gate's metric, table drift, or age."""

    max_drop: Annotated[float, Field(ge=0)]
    """tolerated fall of the metric against its value at the gate"""
    on_drift: bool
    """whether drift alone is a reason to train again"""
    max_age_days: Annotated[int, Field(ge=1)]
    """so long after the champion's data ended, age is a reason"""
    cooldown_days: Annotated[int, Field(ge=0)]
    """least time between two retrainings, from window end to window end"""
