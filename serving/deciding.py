"""Who decides a row that the model has answered: what its caller is shown of the answer, and what is logged of it."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple

import msgspec

from evergreen.decisions.automation.degrees import REFERRED, UNSURE, Automation, audit_rule
from evergreen.decisions.drift.asked import is_asked
from evergreen.learning.model.release import Release
from serving.answers import AdvisedClass, AdvisedNumber, Class, Logged, Number, Predicted, Referred, Shown, Truth

A_PERSON = "a person decides"  # whatever the reason: who decides must not see whether the model was sure


class Kept(msgspec.Struct, gc=False):
    """What is logged of a row that a person decides."""

    prediction_id: str
    logged: Logged


class Decided(NamedTuple):
    """Of each answer, in their order, what its caller is shown and what is logged."""

    shown: Sequence[Shown]
    kept: Sequence[Predicted | Kept]


def decide(answers: Sequence[Predicted], automation: Automation | None, release: Release) -> Decided:
    """Return what becomes of a model's answers under a degree of automation; without one all of them are shown.

    Parameters
    ----------
    release : that gave the answers. One without a threshold of its own is sure of nothing.
    """
    if automation is None or automation.degree == "auto":
        return Decided(answers, answers)
    if automation.degree == "assist":
        return Decided([*map(_advised, answers)], [_kept(answer, "assist") for answer in answers])
    rule_of = _refers(automation, release) if automation.degree == "partial" else _always(automation.degree)
    shown: list[Shown] = []
    kept: list[Predicted | Kept] = []
    for answer in answers:
        rule = rule_of(answer)
        shown.append(answer if rule is None else Referred(answer.prediction_id, REFERRED, A_PERSON))
        kept.append(answer if rule is None else _kept(answer, rule))
    return Decided(shown, kept)


def sureness(answer: Predicted) -> float:
    """Return the probability with which the model takes its answer for right; that of a number nobody knows."""
    if isinstance(answer, Number):
        return 0.0
    if isinstance(answer, Truth) and not answer.label:
        return 1 - answer.probability
    return answer.probability


def _always(rule: str) -> Callable[[Predicted], str | None]:
    return lambda _: rule


def _refers(automation: Automation, release: Release) -> Callable[[Predicted], str | None]:
    """Return what says by which rule an answer is referred; None where it is automatic."""
    least = automation.sure_from.get(release.model_digest)
    if least is None:
        return _always(UNSURE)
    audited = partial(is_asked, share=automation.audit, salt=release.model)
    audit = audit_rule(automation.audit)

    def rule(answer: Predicted) -> str | None:
        if not sureness(answer) >= least:  # what is not a number is not sure
            return UNSURE
        return audit if audited(answer.prediction_id) else None

    return rule


def _kept(answer: Predicted, rule: str) -> Kept:
    """Return the record of a referred row: what the model said, unless it is off."""
    label, probability, value, variant, propensity, _, _ = answer.logged
    said = (None, None, None) if rule == "human" else (label, probability, value)
    return Kept(answer.prediction_id, (*said, variant, propensity, REFERRED, rule))


def _advised(answer: Predicted) -> Shown:
    """Return an answer as it is shown to a person who decides."""
    name = answer.prediction_id
    if isinstance(answer, Truth):
        return Truth(name, answer.label, answer.probability, REFERRED, A_PERSON)
    if isinstance(answer, Class):
        return AdvisedClass(name, answer.label, answer.probability, REFERRED, A_PERSON)
    return AdvisedNumber(name, answer.value, REFERRED, A_PERSON)
