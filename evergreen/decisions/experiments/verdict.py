"""What follows from a look at an experiment, as a value: the ledger keeps it, and pages show it."""

from typing import Literal

from evergreen.base.values import Value

Answer = Literal["promote", "keep", "inconclusive"]


class Decision(Value):
    """What follows from a look.

    `answer`: "promote" `variant`, which is better in a goal and worse in nothing; "keep" the champion, because each
    variant is worse, or not better by what is worth having; "inconclusive", and `would_decide` says what would tell.
    `is_over`: whether as many units were seen as were planned.
    """

    answer: Answer
    variant: str | None
    why: str
    would_decide: tuple[str, ...] = ()
    is_over: bool = False
