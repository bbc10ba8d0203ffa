"""Incidents of what was decided: a training that is refused again and again, one that is not done, a person's turn."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from evergreen.decisions.alerts.course import Course
from evergreen.decisions.alerts.facts import Answered, Changed, Fact, Looked, Proposed, Retrained
from evergreen.decisions.alerts.incident import Incident

REFUSED = 3  # in a row
PATIENCE = timedelta(days=1)  # within which a retraining that was decided is done


def refused(facts: Iterable[Fact], *, model: str) -> list[Incident]:
    """Return the incidents of three retrainings or more in a row that the gate refused."""
    course, n = Course(model, "retraining-refused"), 0
    for fact in facts:
        if isinstance(fact, Changed):
            n = 0
            course.see(fact.at, {}, over=f"version {fact.version} was promoted")
        elif isinstance(fact, Retrained):
            n = n + 1 if fact.verdict == "refused" else 0
            evidence = f"{n} retrainings in a row were refused; the last, after {fact.window}: {fact.reason}"
            course.see(fact.at, {"": evidence} if n >= REFUSED else {}, over="a retraining passed the gate")
    return course.incidents()


def not_done(facts: Iterable[Fact], *, model: str, now: datetime) -> list[Incident]:
    """Return the incidents of retrainings that were decided and, a day later, neither done nor decided otherwise.

    It counts from when the decision was recorded, not from the time as of which was looked.
    """
    course, done, last = Course(model, "retraining-failed"), set[str](), None
    for fact in facts:
        at = fact.recorded if isinstance(fact, Looked) else fact.at
        if isinstance(fact, Looked) and (last is None or fact.order >= last.order):
            last = fact
        if isinstance(fact, Retrained):
            done.add(fact.window)
        owed = last is not None and last.retrain and last.window not in done
        evidence = {"": f"decided after {last.window}: {last.summary}"} if last and owed else {}
        over = "it was done" if isinstance(fact, Retrained) else "a later look decided otherwise"
        course.see(at, evidence, over=over)
    return [one for one in course.incidents() if (one.until or now) - one.since >= PATIENCE]


def waiting(facts: Iterable[Fact], *, model: str, now: datetime) -> list[Incident]:
    """Return the incidents of versions that wait, or waited, for a person."""
    course, proposed = Course(model, "approval-waiting"), dict[str, Proposed]()

    def see(at: datetime, over: str) -> None:
        course.see(at, {name: _asks(one) for name, one in proposed.items()}, over=over)

    def expire(at: datetime) -> None:
        for name, one in list(proposed.items()):
            if one.expires and one.expires <= at:
                del proposed[name]
                see(one.expires, "nobody answered in time")

    for fact in facts:
        expire(fact.recorded if isinstance(fact, Looked) else fact.at)
        if isinstance(fact, Proposed):
            proposed[f"v{fact.version}"] = fact
            see(fact.at, "")
        elif isinstance(fact, Answered) and f"v{fact.version}" in proposed:
            del proposed[f"v{fact.version}"]
            see(fact.at, fact.answer)
        elif isinstance(fact, Changed):
            for name in [name for name, one in proposed.items() if one.epoch != fact.epoch]:
                del proposed[name]
            see(fact.at, f"version {fact.version} became champion")
    expire(now)
    return course.incidents()


def _asks(proposed: Proposed) -> str:
    until = f" until {proposed.expires:%Y-%m-%d %H:%M} UTC" if proposed.expires else ""
    return f"version {proposed.version} passed the gate and waits for a person{until}"
