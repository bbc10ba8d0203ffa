"""Which incidents there were and are, as of a time."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from evergreen.decisions.alerts.decision import incidents
from evergreen.decisions.alerts.incident import Incident
from evergreen.decisions.alerts.silence import Rhythm
from evergreen.record.alerts import telling
from evergreen.record.alerts.reading import KINDS, facts_of
from evergreen.record.glances import Glance, glances_at
from evergreen.record.ledger.chain import Entry
from evergreen.record.ledger.ledger import Ledger


def standing_incidents(
    ledger: Ledger, model: str, *, at: datetime, rhythm: Rhythm | None = None
) -> tuple[Incident, ...]:
    """Return the incidents of a model that the ledger knew of at a time, open and over, by when they began.

    Parameters
    ----------
    rhythm : how often somebody should look; without it silence is as it was recorded by those who know.

    Raises
    ------
    IntegrityError if an entry does not hold what its kind holds.
    """
    entries = [entry for entry in ledger.entries(model, *KINDS, telling.ALERT) if entry.at <= at]
    return incidents_among(ledger, entries, glances_at(ledger, entries), model, at=at, rhythm=rhythm)


def incidents_among(
    ledger: Ledger,
    entries: Sequence[Entry],
    glances: Mapping[int, Glance],
    model: str,
    *,
    at: datetime,
    rhythm: Rhythm | None = None,
) -> tuple[Incident, ...]:
    """Return what `standing_incidents` does, of entries of the kinds that it reads, and the looks among them."""
    facts = facts_of(ledger, [entry for entry in entries if entry.kind != telling.ALERT], glances)
    found = incidents(facts, model=model, now=at, rhythm=rhythm)
    if rhythm:
        return found
    return tuple(sorted((*found, *_silences(ledger, entries)), key=lambda one: (one.since, one.key)))


def _silences(ledger: Ledger, entries: Sequence[Entry]) -> list[Incident]:
    last = {event.incident.key: event.incident for event in telling.noted(ledger, entries)}
    return [incident for incident in last.values() if incident.kind == "silence"]
