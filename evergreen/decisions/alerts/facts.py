"""What incidents follow from: what the ledger says happened, in its order, with nothing in it that is not needed."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Literal

from evergreen.base.values import Value
from evergreen.decisions.alerts.incident import Kind


class Looked(Value):
    """A look that was recorded.

    `at`: the time as of which it looked; `recorded`: the ledger's time. `found`: for each kind that it could judge, the
    evidence by whom it is about, empty where it is not so; a kind that is not there could not be judged.
    `retrain`: whether it decided so.
    """

    fact: Literal["looked"] = "looked"
    at: datetime
    recorded: datetime
    window: str
    start: date
    end: date
    version: int
    found: Mapping[Kind, Mapping[str, str]]
    retrain: bool
    summary: str

    @property
    def order(self) -> tuple[date, date, datetime]:
        """What says which of two looks decides: the one at the window that ends later, of one window the later one."""
        return self.end, self.start, self.at


class Retrained(Value):
    """A retraining that was done after a window; `verdict` as of its judgement, and its `reason`."""

    fact: Literal["retrained"] = "retrained"
    at: datetime
    window: str
    verdict: str
    reason: str


class Proposed(Value):
    """A version that waits for a person until `expires`, judged against the champion of that `epoch`."""

    fact: Literal["proposed"] = "proposed"
    at: datetime
    version: int
    epoch: int
    expires: datetime | None


class Answered(Value):
    """What a person, or the policy, said of a version that waited."""

    fact: Literal["answered"] = "answered"
    at: datetime
    version: int
    answer: str


class Changed(Value):
    """Another version became champion; `recorded`: the ledger's time."""

    fact: Literal["changed"] = "changed"
    at: datetime
    recorded: datetime
    version: int
    epoch: int


class Rolled(Value):
    """What happened to the rollout of a version, or what a look at it found.

    `did`: as the ledger has it, or "looked"; `person`: whether it goes on only if a person does something.
    """

    fact: Literal["rolled"] = "rolled"
    at: datetime
    rollout: str
    version: int
    did: str
    person: bool
    reason: str


Fact = Looked | Retrained | Proposed | Answered | Changed | Rolled
