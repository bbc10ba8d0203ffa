"""All that the ledger knew of a model by a time, as far as a page says it."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from pydantic import Field

from evergreen.base.values import Value
from evergreen.record.ledger.chain import CHANGES, Entry
from evergreen.record.ledger.ledger import Ledger
from evergreen.record.outcomes import of_entry
from evergreen.record.registry import history
from evergreen.record.registry.history import Reign
from evergreen.record.seen import LOOK, Seen, Slim
from evergreen.record.windows import latest

RETRAINING = "retraining"
KINDS = (*CHANGES, LOOK, RETRAINING, "proposal", "approval", "rejection")


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
    look: str | None = None
    reason: str = ""
    outcome: Outcome
    rung: str | None = None
    gain: float | None = None
    training: bool = True


class Rows(Value):
    """All that the ledger knew of a model by a time.

    `looks`: those that decide, one for each window, by period. `waiting`: versions that a person was asked about and
    has not answered. `last`: the last entry; None of an empty ledger.
    """

    looks: tuple[Seen, ...]
    retrained: tuple[Retrained, ...]
    changes: tuple[Entry, ...]
    waiting: tuple[int, ...]
    last: Entry | None

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
    entries = [entry for entry in ledger.entries(model, *KINDS) if entry.at <= at]
    of = {kind: [entry for entry in entries if entry.kind == kind] for kind in KINDS}
    looks = [of_entry(ledger, entry, Seen, key=entry.key, recorded=entry.at) for entry in of[LOOK]]
    return Rows(
        looks=tuple(latest(looks)),
        retrained=tuple(
            of_entry(ledger, entry, Retrained, at=entry.at, incident=entry.key) for entry in of[RETRAINING]
        ),
        changes=tuple(entry for entry in entries if entry.kind in CHANGES),
        waiting=_waiting(of["proposal"], answered=[*of["approval"], *of["rejection"]], changes=entries),
        last=entries[-1] if entries else None,
    )


def _waiting(proposals: Sequence[Entry], *, answered: Sequence[Entry], changes: Sequence[Entry]) -> tuple[int, ...]:
    """Return the versions that were proposed, of which nobody said anything, and under the present champion."""
    gone = {entry.key for entry in answered}
    last = max((entry.seq for entry in changes if entry.kind in CHANGES), default=0)
    return tuple(int(entry.key) for entry in proposals if entry.key not in gone and entry.seq > last)
