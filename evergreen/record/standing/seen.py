"""What a page needs of the ledger's rows: a small part of each look, so that a thousand are read in a moment."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from pydantic import ConfigDict, Field

from evergreen.base.values import Value
from evergreen.record.ledger.chain import CHANGES, Entry
from evergreen.record.ledger.ledger import Ledger
from evergreen.record.outcomes import of_entry
from evergreen.record.registry import history
from evergreen.record.registry.history import Reign
from evergreen.record.windows import latest

LOOK, RETRAINING = "look", "retraining"
KINDS = (*CHANGES, LOOK, RETRAINING, "proposal", "approval", "rejection")


class Slim(Value):
    """A value of which only a part is read."""

    model_config = ConfigDict(extra="ignore")


class Said(Slim):
    """A signal's verdict and the figures behind it, in a sentence; of early looks some have none."""

    verdict: str
    evidence: str = ""


class Promised(Slim):
    loss: str
    at_most: float


class Kept(Said):
    """What a look says of the promise."""

    promise: Promised
    n_labels: int = 0
    over: bool | None = None
    since: date | None = None
    labels_to_notice: int | None = None


class Labelled(Said):
    """How far a look's rows are labelled."""

    end: datetime
    n: int = 0
    n_due: int = 0
    n_labelled: int = 0
    coverage: float | None = None
    needed: float | None = None
    watermark: datetime | None = None


class Performed(Said):
    metric: str
    value: float | None = None
    low: float | None = None
    high: float | None = None


class Expected(Said):
    value: float | None = None
    loss: float | None = None


class Audit(Said):
    low: float | None = None


class Day(Slim):
    n: int
    loss: float


class Moved(Said):
    """A column beside the reference's."""

    name: str
    statistic: float | None = None
    effect: float | None = None
    missing_reference: float | None = None
    missing_window: float | None = None


class Moves(Said):
    columns: tuple[Moved, ...] = ()


class Fault(Slim):
    column: str
    kind: str
    evidence: str


class Faults(Said):
    columns: tuple[Fault, ...] = ()


class Cause(Slim):
    name: str


class Decision(Slim):
    """Whether to train again, of a look of any age."""

    retrain: bool
    unknown: bool
    triggers: tuple[str, ...] = ()
    summary: str
    circuit_open: bool = False
    policy: str | None = None
    rung: str | None = None
    decided_by: str | None = None
    would_change: tuple[str, ...] = ()


class Seen(Slim):
    """A look. `recorded`: when the ledger learnt of it; `key`: what names it there."""

    key: str
    recorded: datetime
    version: int
    start: date
    end: date
    as_of: datetime
    source: str
    rows: int
    quarantined: int
    faults: Faults
    skew: Said
    shift: Moves
    labels: Labelled
    performance: Performed
    estimated: Expected
    audit: Audit | None = None
    harm: Kept
    causes: tuple[Cause, ...] = ()
    days: tuple[Day, ...] = ()
    decision: Decision

    @property
    def incident(self) -> str:
        return f"v{self.version}:{self.start}:{self.end}"

    @property
    def explained(self) -> tuple[str, ...]:
        """The causes that were named."""
        return tuple(cause.name for cause in self.causes if cause.name != "unknown")

    @property
    def is_history(self) -> bool:
        """Whether it was made long after the time as of which it looks: a walk through the past."""
        return (self.recorded - self.as_of).days >= 1


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
