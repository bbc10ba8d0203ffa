"""What is written to somebody of what began and what ended, in plain text, whatever the data holds."""

from collections.abc import Sequence
from typing import Literal

from evergreen.base.errors import printable
from evergreen.base.values import Value, digest_of
from evergreen.decisions.alerts.incident import Incident

MOST = 10  # incidents told one by one
LONGEST = 400  # characters of evidence


class Event(Value):
    """What somebody is told of an incident: that it began, or that it is over."""

    what: Literal["opened", "closed"]
    incident: Incident

    @property
    def key(self) -> str:
        return f"{self.incident.key}:{self.what}"


class Message(Value):
    """A title and a body of lines; `is_page`: whether it tells of a page that began."""

    title: str
    body: str
    is_page: bool


def events_of(incidents: Sequence[Incident]) -> list[Event]:
    """Return what there is to tell of incidents: of each that it began, and of one that is over that too."""
    events = []
    for incident in incidents:
        began = incident.model_copy(update={"until": None, "ended": None})
        events.append(Event(what="opened", incident=began))
        if incident.until:
            events.append(Event(what="closed", incident=incident))
    return events


def message(model: str, events: Sequence[Event], *, repeats: bool = False) -> Message:
    """Return one message of all that happened: pages first, then notes, then what is over.

    An incident that began and is over by now is told once, as over.

    Parameters
    ----------
    events : not empty.
    repeats : whether it may have arrived before.
    """
    over = [event.incident for event in events if event.what == "closed"]
    ended = {incident.key for incident in over}
    begun = [event.incident for event in events if event.what == "opened" and event.incident.key not in ended]
    begun.sort(key=lambda incident: incident.severity != "page")
    told = [*map(_began, begun), *map(_ended, over)]
    left = len(told) - MOST
    lines = [
        *told[:MOST],
        *([f"And {left} more: evergreen alerts"] if left > 0 else []),
        *(["This may have reached you before: how the last try ended is not known."] if repeats else []),
        f"{model}, message {digest_of([event.key for event in events])[:12]}",
    ]
    return Message(
        title=_title(model, begun, over),
        body="\n\n".join(lines),
        is_page=any(incident.severity == "page" for incident in begun),
    )


def _title(model: str, begun: Sequence[Incident], over: Sequence[Incident]) -> str:
    first = begun[0] if begun else over[0]
    kind = first.severity if begun else "over"
    others = len(begun) + len(over) - 1
    return f"[{model}] {kind}: {first.title}" + (f", and {others} more" if others else "")


def _began(incident: Incident) -> str:
    return "\n".join(
        [
            f"{incident.severity.upper()}: {incident.title}{_about(incident)}",
            f"  since {incident.since:%Y-%m-%d %H:%M} UTC",
            f"  {cut(incident.evidence)}",
            f"  next: {incident.next_step}",
            f"  see:  {incident.runbook}",
        ]
    )


def _ended(incident: Incident) -> str:
    until = f"{incident.until:%Y-%m-%d %H:%M} UTC" if incident.until else "now"
    return "\n".join(
        [
            f"OVER: {incident.title}{_about(incident)}",
            f"  from {incident.since:%Y-%m-%d %H:%M} to {until}",
            f"  {cut(incident.ended or '')}",
        ]
    )


def _about(incident: Incident) -> str:
    return f" ({cut(incident.subject, 100)})" if incident.subject else ""


def cut(text: str, longest: int = LONGEST) -> str:
    """Return text on one line, what does not print spelled out, and not longer than that.

    Examples
    --------
    >>> cut("one\\ntwo three", 9)
    'one\\\\ntwo…'
    """
    shown = printable(text[: longest + 1])
    return shown if len(shown) <= longest else shown[: longest - 1].rstrip() + "…"
