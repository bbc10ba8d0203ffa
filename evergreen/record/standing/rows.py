"""All that the ledger knew of a model by a time, as far as a page says it."""

from datetime import datetime
from typing import Any

from pydantic import Field

from evergreen.base.values import Value
from evergreen.decisions.alerts.incident import Incident
from evergreen.record.alerts.reading import KINDS
from evergreen.record.alerts.standing import incidents_among
from evergreen.record.alerts.telling import ALERT
from evergreen.record.glances import Glance, Slim, glances_at
from evergreen.record.ledger.chain import CHANGES, Entry
from evergreen.record.ledger.ledger import Ledger
from evergreen.record.outcomes import of_entry
from evergreen.record.registry import history
from evergreen.record.registry.history import Reign
from evergreen.record.rollouts import Note, Rollout, folded, notes
from evergreen.record.windows import latest

RETRAINING = "retraining"


class Step(Slim):
    cached: bool = False
    seconds: float = 0.0
    cpu_seconds: float | None = None


class Check(Slim):
    name: str
    evidence: dict[str, Any] = Field(default_factory=dict)


class Outcome(Slim):
    verdict: str
    version: int | None = None
    checks: tuple[Check, ...] = ()
    steps: tuple[Step, ...] = ()


class Retrained(Slim):
    """What a decision led to; of rows from before there were repairs, `training` is True."""

    at: datetime
    incident: str
    outcome: Outcome
    rung: str | None = None
    gain: float | None = None
    training: bool = True


class Rows(Value):
    """All that the ledger knew of a model by a time.

    `looks`: those that decide, one for each window, by period. `incidents`: open and over, by when they began.
    `last`: the last entry; None of an empty ledger. `rollouts`: oldest first; `noted`: what looks at them found.
    """

    looks: tuple[Glance, ...]
    retrained: tuple[Retrained, ...]
    changes: tuple[Entry, ...]
    incidents: tuple[Incident, ...]
    last: Entry | None
    rollouts: tuple[Rollout, ...] = ()
    noted: tuple[Note, ...] = ()

    def reign(self, at: datetime) -> Reign | None:
        """Return who is champion by then."""
        return history.champion_at(self.changes, at)


def rows(ledger: Ledger, model: str, *, at: datetime) -> Rows:
    """Return what the ledger knew of a model by a time; nothing that was recorded later is looked at.

    Raises
    ------
    IntegrityError if the ledger is not whole, or an entry does not hold what its kind says; Unavailable if it does not
    answer.
    """
    entries = [entry for entry in ledger.entries(model, *KINDS, ALERT) if entry.at <= at]
    glances = glances_at(ledger, entries)
    return Rows(
        looks=tuple(latest(glances.values())),
        retrained=tuple(
            of_entry(ledger, entry, Retrained, at=entry.at, incident=entry.key)
            for entry in entries
            if entry.kind == RETRAINING
        ),
        changes=tuple(entry for entry in entries if entry.kind in CHANGES),
        incidents=incidents_among(ledger, entries, glances, model, at=at),
        last=entries[-1] if entries else None,
        rollouts=tuple(folded(ledger, entries)),
        noted=tuple(notes(ledger, entries)),
    )
