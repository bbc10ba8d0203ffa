"""The section `approval`."""

from typing import Annotated, Literal

from pydantic import Field

from evergreen.config.section import Name, Section


class ApprovalParams(Section):
    """Which promotions need a person: a version that passed the gate by such a rule waits until somebody approves."""

    required: tuple[Literal["first", "superiority", "refresh"], ...] = ()
    """the [rules](gate.md#the-two-rules) by which a version that passed still
    [waits for a person](../how-to/approval.md); default none: the gate alone decides"""
    by: tuple[Name, ...] = ()
    """who may approve and promote, as they write it after `--by`; default anybody. Anybody may reject and roll back"""
    within_hours: Annotated[float, Field(gt=0)] | None = 72.0
    """how long a version waits; nobody's answer is a rejection then. Default 72; null: for ever"""
    not_author: bool = False
    """whether the author of the commit that a version was trained from may not approve it; default no"""
