"""How decisions are made on what a model says: by people, by the model where it is sure, or by the model alone."""

from typing import Annotated, Literal

from pydantic import Field

from evergreen.config.section import Section

Degree = Literal["human", "shadow", "assist", "partial", "auto"]


class DecisionPolicy(Section):
    """The contract's `decision`: how far automation may go, what it promises, and what has to be shown first.

    `degree`: the highest that may be raised to; it begins at `shadow`, or at `human` if that is the highest.
    `error`: the share of automatic answers that may be wrong, with `confidence` that it is no more. `audit`: the share
    of the sure answers that is referred to people all the same, at random, so that the promise can be watched.
    `rows`, `days`: how many labelled rows of how many local days a degree has to be judged on before the next one.
    `people`: the column of what people decided, sent along with a row; without it their feedback says.
    """

    degree: Degree
    error: Annotated[float, Field(gt=0, lt=1)]
    confidence: Annotated[float, Field(ge=0.5, lt=1)] = 0.95
    audit: Annotated[float, Field(gt=0, le=1)] = 0.05
    rows: Annotated[int, Field(ge=30)] = 300
    days: Annotated[int, Field(ge=4)] = 14
    people: Annotated[str, Field(min_length=1)] | None = None
