"""Incidents of nobody looking: a window was due, and no look was recorded."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from evergreen.decisions.alerts.course import Course
from evergreen.decisions.alerts.facts import Changed, Fact, Looked
from evergreen.decisions.alerts.incident import Incident
from evergreen.decisions.due import Rhythm, next_due

PATIENCE = timedelta(days=2)  # a daily schedule has had two more tries by then


def silent(facts: Iterable[Fact], *, model: str, now: datetime, rhythm: Rhythm) -> list[Incident]:
    """Return the incidents of windows that were due for two days without any look.

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
    due = next_due(heard, rhythm) if heard else until
    if heard and due + PATIENCE <= until:
        evidence = f"no look was recorded since {heard:%Y-%m-%d %H:%M} UTC, and one was due at {due:%Y-%m-%d %H:%M} UTC"
        course.see(due, {"": evidence}, over="")
