"""The registry's memory: what was decided, when and by whom, and who was champion at a time."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

from evergreen.base.errors import ConfigError
from evergreen.base.values import Value
from evergreen.record.ledger.chain import CHANGES, Entry

# What somebody or a policy decided; windows, numbers and what tasks note of their work are left out.
DECISIONS = (
    *CHANGES,
    "approval",
    "rejection",
    "proposal",
    "judgement",
    "retraining",
    "lineage",
    "foreign",
    "sent",
    "received",
    "hold",
    "degree",
    "degree_asked",
)
# Who decides where nobody is named: entries from before people could.
UNNAMED = {
    **dict.fromkeys((*CHANGES, "proposal", "judgement", "gate"), "gate"),
    **dict.fromkeys(("retraining", "look", "window"), "policy"),
}


class Event(Value):
    """An entry as people read it. `version`, `by` and `reason` are None where it has none.

    `by`: a person's name, or ``gate`` or ``policy``, which decide by themselves. `direct`: of a version that came to
    all traffic at once, though another one answered.
    """

    seq: int
    at: datetime
    kind: str
    version: int | None
    by: str | None
    reason: str | None
    direct: bool = False


class Reign(Value):
    """A version as champion: the entry that made it so, and when another one did; None while it still is."""

    entry: Entry
    until: datetime | None

    @property
    def version(self) -> int:
        return int(self.entry.payload["version"])


def events(entries: Iterable[Entry], *, everything: bool = False) -> list[Event]:
    """Return the decisions among entries, in their order, or all of them.

    A judgement is one where it refused; one that promoted is told by its promotion.
    """
    return [event_of(entry) for entry in entries if everything or _is_decision(entry)]


def event_of(entry: Entry) -> Event:
    """Return an entry as people read it."""
    return Event(
        seq=entry.seq,
        at=entry.at,
        kind=entry.kind,
        version=_version(entry),
        by=by_of(entry),
        reason=reason_of(entry),
        direct=entry.payload.get("direct") is True,
    )


def by_of(entry: Entry) -> str | None:
    """Return who decided; None where nobody knows. A proposal is the gate's, and names those who may decide on it."""
    by = entry.payload.get("by")
    return by if isinstance(by, str) and by else UNNAMED.get(entry.kind)


def reason_of(entry: Entry) -> str | None:
    """Return why, in a sentence; None where an entry gives no reason."""
    payload = entry.payload
    if entry.kind in ("look", "window"):
        return _text(_inside(payload, "decision", "summary"))
    if entry.kind == "foreign":
        return f"{payload.get('what')}: it was {payload.get('was')}, and by hand {payload.get('is')}"
    if entry.kind == "degree":
        return f"{_inside(payload, 'automation', 'degree')}: {payload.get('reason')}"
    if entry.kind == "degree_asked":
        return f"{payload.get('degree')} stays: {_inside(payload, 'bar', 'evidence')}"
    return _text(payload.get("reason")) or _text(_inside(payload, "judged", "reason"))


def champion_at(changes: Sequence[Entry], at: datetime) -> Reign | None:
    """Return who was champion at a time; None before the first promotion.

    Parameters
    ----------
    changes : the entries that made a version champion, oldest first. One is champion from its entry's time on.
    """
    found = None
    for entry, following in pairwise([*changes, None]):
        if entry is None or entry.at > at:
            break
        found = Reign(entry=entry, until=following.at if following else None)
    return found


def read_time(text: str, *, now: datetime) -> datetime:
    """Return a time that a person wrote in ISO 8601, in UTC unless it names another zone; a date is its midnight.

    Raises
    ------
    ConfigError if it is no time, or later than `now`.

    Examples
    --------
    >>> read_time("2026-05-03", now=datetime(2026, 6, 1, tzinfo=UTC)).isoformat()
    '2026-05-03T00:00:00+00:00'
    """
    try:
        at = datetime.fromisoformat(text.strip())
        at = at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise _no_time(f"expected a time such as 2026-05-03T14:30, got '{text}'", "Write it in ISO 8601.") from error
    if at > now:
        raise _no_time(
            f"{at:%Y-%m-%d %H:%M} UTC lies in the future, of which the ledger knows nothing",
            "Name a time that is past; evergreen status says who is champion now.",
        )
    return at


def _no_time(what: str, next_step: str) -> ConfigError:
    return ConfigError("STA009", what, where="command line", next_step=next_step)


def _is_decision(entry: Entry) -> bool:
    if entry.kind == "judgement":
        return entry.payload.get("verdict") == "refused"
    return entry.kind in DECISIONS


def _version(entry: Entry) -> int | None:
    payload = entry.payload
    version = payload.get("version", _inside(payload, "outcome", "version"))
    if version is None and entry.kind in ("number", "version", "proposal", "approval", "rejection"):
        version = entry.key
    try:
        return int(version)
    except (TypeError, ValueError):
        return None


def _inside(payload: Any, *names: str) -> Any:
    for name in names:
        payload = payload.get(name) if isinstance(payload, dict) else None
    return payload


def _text(value: Any) -> str | None:
    return str(value) if value else None
