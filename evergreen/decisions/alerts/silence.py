"""Incidents of nobody looking: a window was over, and no look was recorded."""

from collections.abc import Iterable
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from evergreen.base.values import Value
from evergreen.config.contract.contract import Contract
from evergreen.decisions.alerts.course import Course
from evergreen.decisions.alerts.facts import Changed, Fact, Looked
from evergreen.decisions.alerts.incident import Incident
from evergreen.decisions.due import Size, complete_windows

PATIENCE = timedelta(days=2)  # a daily schedule has had two more tries by then
BEYOND = timedelta(days=40)  # within which a window of any length ends


class Rhythm(Value):
    """How often somebody looks: at each window of the calendar when it is over, in local time."""

    window: Size
    timezone: str

    @classmethod
    def of(cls, contract: Contract, window: Size) -> "Rhythm | None":
        """Return the rhythm of a contract's rows; None where they have no time, and nobody can look at a window."""
        return cls(window=window, timezone=contract.timezone) if contract.time is not None else None

    def next_end(self, after: datetime) -> datetime:
        """Return the first time after `after` at which a window is over.

        Examples
        --------
        >>> rhythm = Rhythm(window="week", timezone="America/New_York")
        >>> rhythm.next_end(datetime.fromisoformat("2026-11-29T12:00+00:00")).isoformat()
        '2026-11-30T05:00:00+00:00'
        """
        zone = ZoneInfo(self.timezone)
        today = after.astimezone(zone).date()
        ends = (end for _, end in complete_windows(self.window, after=today, today=today + BEYOND))
        return datetime.combine(next(ends), time(), tzinfo=zone).astimezone(after.tzinfo)


def silent(facts: Iterable[Fact], *, model: str, now: datetime, rhythm: Rhythm) -> list[Incident]:
    """Return the incidents of windows that were over for two days without any look.

    It counts by the ledger's time, from the first champion on: whatever window a look is at, it shows that somebody
    looks.
    """
    course = Course(model, "silence")
    heard: datetime | None = None
    for fact in facts:
        if isinstance(fact, Looked):
            _miss(course, heard, until=fact.recorded, rhythm=rhythm)
            heard = fact.recorded
            course.see(heard, {}, over=f"a look at {fact.window} was recorded")
        elif isinstance(fact, Changed) and heard is None:
            heard = fact.recorded
    _miss(course, heard, until=now, rhythm=rhythm)
    return course.incidents()


def _miss(course: Course, heard: datetime | None, *, until: datetime, rhythm: Rhythm) -> None:
    if heard is None or until - heard < PATIENCE or (due := rhythm.next_end(heard)) + PATIENCE > until:
        return
    evidence = (
        f"no look was recorded since {heard:%Y-%m-%d %H:%M} UTC, and a window was over at {due:%Y-%m-%d %H:%M} UTC"
    )
    course.see(due, {"": evidence}, over="")
