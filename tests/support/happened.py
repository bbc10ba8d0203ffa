"""What happened, for incidents: looks, retrainings and answers by day of a year."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from evergreen.base import months
from evergreen.decisions.alerts.facts import Answered, Changed, Looked, Proposed, Retrained
from evergreen.decisions.alerts.incident import Incident, Kind

HARMED: Mapping[Kind, Mapping[str, str]] = {"harm": {"v1": "0.31 where 0.20 was promised"}}
WELL: Mapping[Kind, Mapping[str, str]] = {"harm": {}}


def at(text: str) -> datetime:
    """Return a time of 2026 in UTC: ``04-11`` or ``04-11T12:00``."""
    return datetime.fromisoformat(f"2026-{text}").replace(tzinfo=UTC)


def looked(month: str, when: str, found: Mapping[Kind, Mapping[str, str]] = WELL, **more: Any) -> Looked:
    """Return a look at a month of 2026, recorded when it was made."""
    start, end = months.span(f"2026-{month}")
    given = {
        "at": at(when),
        "recorded": at(when),
        "window": f"v1:{start}:{end}",
        "start": start,
        "end": end,
        "version": 1,
        "found": found,
        "retrain": False,
        "summary": "do not retrain: nothing fired",
    }
    return Looked(**{**given, **more})


def retrained(month: str, when: str, verdict: str = "refused") -> Retrained:
    start, end = months.span(f"2026-{month}")
    return Retrained(at=at(when), window=f"v1:{start}:{end}", verdict=verdict, reason="no better than the champion")


def proposed(version: int, when: str, *, epoch: int = 1, hours: float | None = 72) -> Proposed:
    expires = at(when) + timedelta(hours=hours) if hours else None
    return Proposed(at=at(when), version=version, epoch=epoch, expires=expires)


def answered(version: int, when: str, answer: str = "approval by ada: fine") -> Answered:
    return Answered(at=at(when), version=version, answer=answer)


def changed(version: int, when: str, *, epoch: int = 2) -> Changed:
    return Changed(at=at(when), recorded=at(when), version=version, epoch=epoch)


def incident(kind: Kind = "harm", subject: str = "", *, until: datetime | None = None, **more: Any) -> Incident:
    """Return an incident since the first of February."""
    given = {"since": at("02-01"), "evidence": "0.31 where 0.20 was promised", "ended": "it is over" if until else None}
    return Incident(**{"model": "visits", "kind": kind, "subject": subject, "until": until, **given, **more})
