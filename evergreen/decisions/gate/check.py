"""What one rule of the gate saw, and what it said."""

from math import isfinite
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from evergreen.base.values import Value

Outcome = Literal["passed", "failed", "inconclusive", "not applicable"]
# JSON knows neither NaN nor infinity.
Evidence = Annotated[
    float | str | None,
    BeforeValidator(lambda value: None if isinstance(value, float) and not isfinite(value) else value),
]


class Check(Value):
    """One rule of the gate on one candidate.

    `code`: GT and three digits, the heading of docs/reference/gate.md that explains it. `inconclusive`: the rows cannot
    tell. `evidence`: the numbers it decided by. `would_change`: what would have led to another answer; empty where
    nothing was refused or left open.
    """

    name: str
    outcome: Outcome
    text: str
    code: str = ""
    evidence: dict[str, Evidence] = Field(default_factory=dict)
    would_change: str = ""


def not_applicable(name: str, code: str, text: str, **evidence: float | str | None) -> Check:
    """Return what a check says of a candidate that it has nothing to say of."""
    return Check(name=name, code=code, outcome="not applicable", text=text, evidence=evidence)


def plural(unit: str, n: int) -> str:
    """Return the name of so many units.

    Examples
    --------
    >>> plural("day", 14), plural("patient", 1)
    ('days', 'patient')
    """
    return unit if n == 1 else f"{unit}s"
