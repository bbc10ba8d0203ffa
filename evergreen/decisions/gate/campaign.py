"""What the gates of a year may get wrong together, and how much of that is left.

A gate that is asked every night at 5 % promotes at least one worthless model within 30 nights with 79 %. So the error
of a rule belongs to the campaign, and each gate gets a part of it: the i-th a share of 1 / (i H), where H is the sum of
1 / i over ASKS, and, right after a promotion, what that promotion was given. That is the online fallback of Tian and
Ramdas (2021, Statistical Methods in Medical Research 30), which keeps the probability of any wrong promotion at most
alpha however the gates depend on each other; they do, because their rows overlap.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Literal

from evergreen.base.values import Value

ASKS = 365  # of a campaign; later gates of it have nothing left
LENGTH = timedelta(days=365)
WHOLE = sum(1 / i for i in range(1, ASKS + 1))
MOST_USES = 5  # of the same gate rows, after which an answer that they leave open is no licence to promote

Rule = Literal["first", "superiority", "refresh"]


class Asked(Value):
    """A gate that was asked before: when, by which rule, on which rows, and what became of the candidate.

    `given`: the error that it was given, of a campaign's; 0 where its rule spends none, or nothing was compared.
    `level`: what a promotion gave back of that, for the next gate (`Verdict.returned`). `rows`: the digest of the gate
    rows.
    """

    at: datetime
    rule: Rule
    level: float
    promoted: bool
    rows: str
    given: float = 0.0


class Level(Value):
    """The error that the next gate may make.

    `asked`: how many gates of this campaign went before; `spent`: what they were given together, `left`: what all later
    ones may be given, of alpha. `ends`: when the next campaign begins; None before the first gate.
    """

    level: float
    asked: int
    spent: float
    left: float
    ends: datetime | None


def next_level(history: Sequence[Asked], *, now: datetime, alpha: float) -> Level:
    """Return what the next gate of `superiority` may get wrong, so that all of a campaign do with at most `alpha`.

    Parameters
    ----------
    history : every gate that was ever asked of the model, in order.

    Examples
    --------
    >>> from datetime import UTC
    >>> first = next_level((), now=datetime(2026, 1, 1, tzinfo=UTC), alpha=0.05)
    >>> round(first.level, 4), first.asked
    (0.0077, 0)
    """
    spending = [asked for asked in history if asked.rule == "superiority" and asked.at <= now]
    campaign, begun = _campaign(spending, now)
    n = sum(asked.given > 0 for asked in campaign)
    carried = campaign[-1].level if campaign and campaign[-1].promoted else 0.0
    spent = sum(asked.given - asked.level * asked.promoted for asked in campaign)
    left = max(0.0, alpha - spent)
    share = alpha / ((n + 1) * WHOLE) if n < ASKS else 0.0
    return Level(
        level=min(share + carried, left),
        asked=len(campaign),
        spent=spent,
        left=left,
        ends=begun and begun + LENGTH,
    )


def uses(history: Sequence[Asked], rows: str) -> int:
    """Return how often these very gate rows will have been used to choose, this time included."""
    return 1 + sum(asked.rows == rows and bool(rows) for asked in history)


def level_of_use(n: int, alpha: float) -> float:
    """Return the error of the n-th choice from the same rows; of all choices together it is at most `alpha`.

    Examples
    --------
    >>> level_of_use(1, 0.05), level_of_use(4, 0.05)
    (0.025, 0.0025)
    """
    return alpha / (n * (n + 1))


def _campaign(history: Sequence[Asked], now: datetime) -> tuple[list[Asked], datetime | None]:
    """Return the gates of the campaign that `now` lies in, and when it began: with its first gate."""
    begun: datetime | None = None
    current: list[Asked] = []
    for asked in history:
        if begun is None or asked.at >= begun + LENGTH:
            begun, current = asked.at, []
        current.append(asked)
    if begun is not None and now >= begun + LENGTH:
        return [], None
    return current, begun
