"""A look as those read it who need a little of each of a thousand: the ledger holds whole ones, `looks.Look`."""

from collections.abc import Iterable
from datetime import date, datetime
from typing import Any

from pydantic import ConfigDict

from evergreen.base.values import Value
from evergreen.record.ledger.chain import Entry
from evergreen.record.ledger.ledger import Ledger
from evergreen.record.outcomes import of_entry

LOOK = "look"


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


class Skewed(Said):
    name: str


class Skew(Said):
    columns: tuple[Skewed, ...] = ()


class Probed(Slim):
    """What a look says of repairs; `gain`: of the best refit over the champion, with its interval."""

    evidence: str
    failed: bool = False
    gain: float | None = None
    low: float | None = None
    high: float | None = None


class Moved(Said):
    """A column beside the reference's."""

    name: str
    statistic: float | None = None
    effect: float | None = None
    missing_reference: float | None = None
    missing_window: float | None = None


class Moves(Said):
    """What a look says of its columns, as they are kept: of one look they are asked for, of a thousand they are not."""

    columns: tuple[Any, ...] = ()

    @property
    def moved(self) -> tuple[Moved, ...]:
        return tuple(map(Moved.model_validate, self.columns))


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
    rung: str | None = None
    decided_by: str | None = None
    would_change: tuple[str, ...] = ()


class Glance(Slim):
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
    skew: Skew
    shift: Moves
    labels: Labelled
    performance: Performed
    estimated: Expected
    audit: Audit | None = None
    harm: Kept
    automatic: Kept | None = None
    probed: Probed | None = None
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


def glances_at(ledger: Ledger, entries: Iterable[Entry]) -> dict[int, Glance]:
    """Return the looks among entries, by the entry's number.

    Raises
    ------
    IntegrityError if an entry does not hold a look.
    """
    return {
        entry.seq: of_entry(ledger, entry, Glance, key=entry.key, recorded=entry.at)
        for entry in entries
        if entry.kind == LOOK
    }
