"""Which incidents there were and are, as of a time."""

from datetime import datetime

from evergreen.decisions.alerts.decision import incidents
from evergreen.decisions.alerts.incident import Incident
from evergreen.record.alerts.reading import KINDS, facts_of
from evergreen.record.ledger.ledger import Ledger


def standing_incidents(ledger: Ledger, model: str, *, at: datetime) -> tuple[Incident, ...]:
    """Return the incidents of a model that the ledger knew of at a time, open and over, by when they began.

    Raises
    ------
    IntegrityError if an entry does not hold what its kind holds.
    """
    entries = [entry for entry in ledger.entries(model, *KINDS) if entry.at <= at]
    return incidents(facts_of(ledger, entries), model=model, now=at)
