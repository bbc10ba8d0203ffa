"""The section `retrain`."""

from typing import Annotated, Literal

from pydantic import Field

from evergreen.config.section import Section


class RetrainParams(Section):
    """When a retraining is worth it: a broken promise, age, or, where it is wanted, shift alone."""

    on_shift: bool = False
    """whether shifted rows alone are a reason to train again"""
    max_age_days: Annotated[int, Field(ge=1)]
    """so long after the champion's data ended, age is a reason"""
    cooldown_days: Annotated[int, Field(ge=0)]
    """least time between two retrainings, from window end to window end"""
    attempts: Annotated[int, Field(ge=1)] = 3
    """after so many retrainings in a row that harm outlived, no further one starts until a person asks for it"""
    min_labels: Annotated[int, Field(ge=1)] = 200
    """so many new labelled rows since the champion's data ended, or they decide nothing; default 200"""
    min_gain: Annotated[float, Field(ge=0, lt=1)] = 0.01
    """of the champion's loss: a smaller gain is not worth a repair; default 0.01"""
    window: Literal["auto", "all"] | Annotated[int, Field(ge=1)] = "auto"
    """days of history to train on: a number, `all`, or `auto`, all or what came since the change, as the probe measured
    to be better; default `auto`"""
