"""The section `retrain`."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from evergreen.config.params.policy import Policy
from evergreen.config.section import Section


def _policy(text: str) -> str:
    """Return the text of a policy as it is printed, or say what is wrong with it."""
    return str(Policy.parse(text))


class RetrainParams(Section):
    """When a retraining is worth it, and what holds it back."""

    policy: Annotated[str, Field(max_length=200), AfterValidator(_policy)] = "any(harm,probe)"
    """when to train again: a [policy](policies.md); default `any(harm,probe)`"""
    cooldown_days: Annotated[int, Field(ge=0)]
    """least time after a training that was promoted, from window end to window end; one that was refused starts none"""
    attempts: Annotated[int, Field(ge=1)] = 3
    """after so many retrainings in a row that harm outlived, or that the gate refused, no further one starts until a
    person asks for it; default 3"""
    budget: Annotated[int, Field(ge=0)] = 12
    """so many trainings a year at most, promoted or not; default 12"""
    min_labels: Annotated[int, Field(ge=1)] = 200
    """so many new labelled rows since the champion's data ended, or they decide nothing; default 200"""
    min_gain: Annotated[float, Field(ge=0, lt=1)] = 0.01
    """of the champion's loss: a smaller gain is not worth a repair; default 0.01"""
    cost: Annotated[float, Field(ge=0)] = 20.0
    """what one training costs, counted in wholly wrong answers; default 20"""
    window: Literal["auto", "all"] | Annotated[int, Field(ge=1)] = "auto"
    """days of history to train on: a number, `all`, or `auto`, all or what came since the promise broke (where none is
    broken, the last month), as the probe measured to be better; default `auto`"""
