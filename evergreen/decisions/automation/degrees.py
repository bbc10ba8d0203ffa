"""The degrees of automation: who decides at each of them, and what a service does with an answer of the model."""

from collections.abc import Mapping
from typing import Annotated, Final, Literal

from pydantic import Field

from evergreen.base.values import Value
from evergreen.config.contract.decision import DecisionPolicy, Degree

DEGREES: Final[tuple[Degree, ...]] = ("human", "shadow", "assist", "partial", "auto")
REFERRED: Final = "referred"  # the decision in the record of a row that a person decides
UNSURE: Final = "unsure"  # why, beside the degrees that refer every row
AUDIT: Final = "audit"
Decider = Literal["automatic", "human", "shadow", "assist", "unsure", "audit"]
DECIDERS: Final[tuple[Decider, ...]] = ("automatic", "human", "shadow", "assist", "unsure", "audit")


class Automation(Value):
    """Who decides from one change of it to the next. It is what a service reads.

    Attributes
    ----------
    degree : `human`: the model is not heard; `shadow`: what it says is logged and shown to nobody; `assist`: it is
        shown, and a person decides; `partial`: it answers where it is sure, and a person decides the rest; `auto`: it
        answers every row.
    error, confidence : what is promised of automatic answers: that a share of at most `error` is wrong.
    audit : the share of the sure answers that is referred all the same, at random by the prediction's id.
    sure_from : by the digest of a model, from which sureness on its answers keep the promise; None where none does. A
        model that is not named has no threshold yet: all its answers are referred.
    """

    degree: Degree
    error: Annotated[float, Field(gt=0, lt=1)]
    confidence: Annotated[float, Field(gt=0, lt=1)]
    audit: Annotated[float, Field(ge=0, le=1)]
    sure_from: Mapping[str, float | None] = {}


def is_below(degree: Degree, other: Degree) -> bool:
    """Return whether a degree leaves more to people than another one.

    Examples
    --------
    >>> is_below("assist", "partial"), is_below("auto", "auto")
    (True, False)
    """
    return DEGREES.index(degree) < DEGREES.index(other)


def begins(policy: DecisionPolicy) -> Degree:
    """Return the degree with which a model begins: its answers are logged and shown to nobody, or not even that."""
    return "human" if policy.degree == "human" else "shadow"


def audit_rule(share: float) -> str:
    """Return the rule in the records of sure answers that were referred at random.

    Examples
    --------
    >>> audit_rule(0.05)
    'audit:0.05'
    """
    return f"{AUDIT}:{share:g}"


def audit_share(rule: str | None) -> float | None:
    """Return with which probability a sure answer was referred, by the rule of its record; None of any other record.

    Examples
    --------
    >>> audit_share("audit:0.05"), audit_share("unsure")
    (0.05, None)
    """
    kind, _, share = (rule or "").partition(":")
    return float(share) if kind == AUDIT and share else None


def decider(decision: str | None, rule: str | None) -> Decider:
    """Return who decides a row, by the decision and the rule of its record: nobody but the model, or a person, and why.

    Examples
    --------
    >>> decider("referred", "audit:0.05"), decider("positive", "threshold"), decider(None, None)
    ('audit', 'automatic', 'automatic')
    """
    if decision != REFERRED:
        return "automatic"
    kind = (rule or "").partition(":")[0]
    return next((known for known in DECIDERS[1:] if known == kind), UNSURE)
