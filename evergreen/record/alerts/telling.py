"""Who was told what: events and tries as rows of the ledger, and what follows of them.

A row ``alert`` says that an incident began or ended, once. A try to tell a route is a row ``telling`` before anything
is sent and a row ``told`` with how it ended after that; one without the other was cut off, and may have arrived.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from uuid import uuid4

from evergreen.base.values import Value
from evergreen.decisions.alerts.incident import Incident
from evergreen.decisions.alerts.message import Event, events_of
from evergreen.record.ledger.chain import Entry
from evergreen.record.ledger.ledger import Ledger
from evergreen.record.outcomes import of_entry

ALERT, TELLING, TOLD = "alert", "telling", "told"
FIRST_WAIT, LONGEST_WAIT = timedelta(minutes=1), timedelta(days=1)  # after a route was not reached
DOUBTFUL = 2  # tries that were cut off, after which no further one is made: at most one of them is a repeat


class Try(Value):
    """One try to tell a route, `by` a name of its own. `reached`: whether it did; None where nobody knows. `why`: what
    became of it.

    `doubtful`: whether it may have arrived all the same. `over`: whether its events are done with.
    """

    route: str
    n: int
    at: datetime
    events: tuple[str, ...]
    by: str = ""
    reached: bool | None = None
    why: str | None = None
    doubtful: bool = True
    over: bool = False

    @property
    def key(self) -> str:
        return f"{self.route}:{self.n}"


class Due(Value):
    """What a route is to be told now, in the try with the number `n`.

    `covers`: the keys of all events that this is about; `events`: those that are worth telling. `repeats`: whether they
    may have arrived before. `given_up`: the try before, whose events are not told again.
    """

    n: int
    covers: tuple[str, ...]
    events: tuple[Event, ...]
    repeats: bool
    given_up: Try | None = None


def note(ledger: Ledger, model: str, incidents: Sequence[Incident]) -> list[Event]:
    """Record what began and ended, each once, and return what nobody had recorded before."""
    known = {entry.key for entry in ledger.entries(model, ALERT)}
    new = [event for event in events_of(incidents) if event.key not in known]
    for event in new:
        ledger.record(model, ALERT, event.key, event.model_dump(mode="json"))
    return new


def noted(ledger: Ledger, entries: Iterable[Entry]) -> list[Event]:
    """Return what began and ended, in the order in which it was recorded."""
    return [of_entry(ledger, entry, Event) for entry in entries if entry.kind == ALERT]


def tries(entries: Sequence[Entry], route: str) -> list[Try]:
    """Return the tries to tell a route, in their order, each with how it ended."""
    ended = {entry.key: entry.payload for entry in entries if entry.kind == TOLD}
    begun = [entry for entry in entries if entry.kind == TELLING and entry.payload["route"] == route]
    return [Try.model_validate({**entry.payload, "at": entry.at, **ended.get(entry.key, {})}) for entry in begun]


def due(events: Sequence[Event], made: Sequence[Try], *, now: datetime) -> Due | None:
    """Return what a route is to be told now; None if nothing, or if it is to be left alone for a while.

    A route that was not reached is tried again after a minute, and then after twice as long each time, a day at most;
    at once where there is something new to tell. What was over when a route was tried for the first time is not
    told.

    Parameters
    ----------
    events : all that began and ended, in order.
    made : the tries of the route, in order, none of which is going on.
    """
    open_tries: list[Try] = []
    for one in made:
        open_tries = [] if one.over else [*open_tries, one]
    cut_off = [one for one in open_tries if one.reached is None]
    given_up = cut_off[-1] if len(cut_off) >= DOUBTFUL else None
    if given_up:
        open_tries = []
    done = {key for one in made if one.over or one == given_up for key in one.events}
    pending = [event for event in events if event.key not in done]
    keys = {event.key for event in pending}
    before = set(made[0].events) if made else keys
    past = {one.incident.key for one in events if one.what == "closed" and one.key in before}
    telling = [one for one in pending if one.key not in before or one.incident.key not in past]
    if open_tries and open_tries[-1].reached is False and keys <= set(open_tries[-1].events):
        failed = len(open_tries) - len(cut_off)
        wait = min(FIRST_WAIT * 2 ** min(failed - 1, 20), LONGEST_WAIT)
        telling = telling if now >= open_tries[-1].at + wait else []
    if not telling and not given_up:
        return None
    return Due(
        n=len(made) + 1,
        covers=tuple(event.key for event in pending),
        events=tuple(telling),
        repeats=any(one.doubtful for one in open_tries),
        given_up=given_up,
    )


def begin(ledger: Ledger, model: str, route: str, due: Due) -> bool:
    """Record that a route is about to be told; return False if somebody else has begun the same try."""
    begun = {"route": route, "n": due.n, "events": due.covers, "by": uuid4().hex}
    return bool(ledger.record(model, TELLING, f"{route}:{due.n}", begun).payload["by"] == begun["by"])


def end(ledger: Ledger, model: str, route: str, n: int, *, reached: bool | None, why: str, doubtful: bool) -> None:
    """Record how a try ended."""
    over = reached is not False
    ended = {"reached": reached, "why": why, "doubtful": doubtful, "over": over}
    ledger.record(model, TOLD, f"{route}:{n}", ended)
