"""Which look decides of a window, where it was looked at more than once."""

from collections.abc import Iterable
from datetime import date, datetime
from typing import Protocol, TypeVar


class Looked(Protocol):
    """A look at the window [start, end) as of a time."""

    @property
    def start(self) -> date: ...
    @property
    def end(self) -> date: ...
    @property
    def as_of(self) -> datetime: ...


L = TypeVar("L", bound=Looked)


def latest(looks: Iterable[L]) -> list[L]:
    """Return the look that decides of each window: the one as of the latest time, and of those the last.

    By the ends of the windows: so the last one is the newest, whatever the windows before were cut like.

    Parameters
    ----------
    looks : in the order in which they were recorded.
    """
    deciding: dict[tuple[date, date], L] = {}
    for look in looks:
        before = deciding.get((look.start, look.end))
        if before is None or look.as_of >= before.as_of:
            deciding[look.start, look.end] = look
    return [deciding[period] for period in sorted(deciding, key=lambda period: (period[1], period[0]))]
