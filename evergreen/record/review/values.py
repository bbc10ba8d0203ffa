"""What is said of the queue, and of a row in it; without the table library, so that a page may hold it."""

from datetime import datetime
from typing import Any, Literal

from evergreen.base.values import Value

Order = Literal["oldest", "unsure"]


class Length(Value):
    """How many predictions wait for a person, and since when the oldest does. `referred`: with those answered."""

    waiting: int
    oldest: datetime | None
    referred: int


class Row(Value):
    """A referred prediction as a person sees it.

    `sent`: the contract's columns as the log keeps them, times in UTC. `said`: what the model answered, where the rule
    is "assist"; else a person answers without an echo of it. `rule`: by which it was referred, None where who answers
    is not to know it: in an audit, and where the model was not sure.
    """

    prediction_id: str
    received_at: datetime
    version: int
    rule: str | None
    sent: dict[str, Any]
    said: dict[str, Any] | None
