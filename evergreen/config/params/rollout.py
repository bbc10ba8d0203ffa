"""The section `rollout`, and the grammar of its plans."""

import itertools
from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field, field_validator

from evergreen.config.section import Name, Section

SHADOW = "shadow"
ALL = 100.0  # percent, at which a version becomes champion


def steps_of(plan: str) -> tuple[float | None, ...]:
    """Return the percentages of a plan in order, None for `shadow`; raises ValueError for one that cannot be followed.

    Examples
    --------
    >>> steps_of("shadow,5,25,50,100")
    (None, 5.0, 25.0, 50.0, 100.0)
    >>> steps_of("50,5,100")
    Traceback (most recent call last):
    ...
    ValueError: a plan goes up: 5 comes after 50
    """
    words = [word.strip() for word in plan.split(",")]
    steps = tuple(_steps(words))
    shares = [step for step in steps if step is not None]
    for before, after in itertools.pairwise(shares):
        if after == before:
            raise ValueError(f"a plan goes up: {after:g} stands there twice")
        if after < before:
            raise ValueError(f"a plan goes up: {after:g} comes after {before:g}")
    if not shares or shares[-1] != ALL:
        raise ValueError(f"a plan ends with {ALL:g}, all of the traffic; this one ends with {words[-1] or 'nothing'}")
    return steps


def _steps(words: list[str]) -> Iterator[float | None]:
    for number, word in enumerate(words):
        if word == SHADOW:
            if number:
                raise ValueError(f"'{SHADOW}' is the first step of a plan, or none")
            yield None
            continue
        try:
            share = float(word)
        except ValueError:
            raise ValueError(f"a step is '{SHADOW}' or a percentage, not '{word}'") from None
        if not 0 < share <= ALL:
            raise ValueError(f"a step is above 0 and at most {ALL:g} percent, not {word}")
        yield share


class RolloutParams(Section):
    """How a version comes into service by degrees, and what takes it out again."""

    direct: bool = False
    """whether a version that passed the gate, or was approved, takes all of the traffic at once; default no: by
    `plan`. The first champion, and a version that was champion before, always do"""
    plan: Annotated[str, Field(min_length=1)] = "shadow,5,25,50,100"
    """the steps, as in the [how-to](../how-to/rollout.md): `shadow` (asked too, never heard) and rising percentages of
    the traffic, up to 100"""
    unit: tuple[Name, ...] = ()
    """columns that say who keeps a variant, such as `[customer]`; default the contract's group, or else each prediction
    by itself"""
    min_rows: Annotated[int, Field(ge=1)] = 500
    """answers of the new version that a step needs"""
    min_hours: Annotated[float, Field(ge=0)] = 24.0
    """how long a step takes at least"""
    block: Literal["day", "hour"] = "day"
    """rows of one local day, or hour, hang together; what is said of losses needs 8 of them"""
    worse_by: Annotated[float, Field(gt=0, lt=1)] = 0.02
    """how much more loss, on the scale of `harm.loss`, from 0 to 1, does not matter"""
    alpha: Annotated[float, Field(gt=0, lt=0.5)] = 0.05
    """how often a whole rollout may err about the losses: let a version through that is worse by more, or return one
    that is not worse"""
    slo_p50_ms: Annotated[float, Field(gt=0)] | None = None
    """default none: half of the requests take at most so many milliseconds"""
    slo_p99_ms: Annotated[float, Field(gt=0)] | None = 100.0
    """99 of 100 requests do; a new version that needs longer for a batch is not waited for: the champion answers. Null:
    it has any time"""
    max_failed: Annotated[float, Field(gt=0, lt=1)] = 0.01
    """the share of rows that a new version may fail to answer"""
    max_referred: Annotated[float, Field(ge=0, lt=1)] = 0.05
    """how much larger than the champion's the share of rows may be that it refers to people"""
    max_shift: Annotated[float, Field(gt=0, le=1)] = 0.1
    """how far its answers may be from the champion's before a person looks: the difference of mean probabilities, or of
    the share of a class; of values, in standard deviations of the champion's"""
    unclear: Literal["refuse", "shadow"] = "refuse"
    """what becomes of a candidate about which the gate is inconclusive: nothing, or a shadow until evidence suffices"""

    @field_validator("plan")
    @classmethod
    def _can_be_followed(cls, plan: str) -> str:
        steps_of(plan)
        return plan
