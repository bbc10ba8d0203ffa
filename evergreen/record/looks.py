"""What a look at a window, and a retraining, answer: JSON-sized, the same through every door."""

from collections.abc import Iterable
from datetime import date, datetime
from typing import Literal

from evergreen.base.artifacts.refs import TableRef
from evergreen.base.values import Value, digest_of
from evergreen.decisions.drift.audit import Audited
from evergreen.decisions.drift.causes import Cause
from evergreen.decisions.drift.estimated.decision import Estimated
from evergreen.decisions.drift.faults.skew import Skew
from evergreen.decisions.drift.faults.verdict import Faults
from evergreen.decisions.drift.harm.days import Day
from evergreen.decisions.drift.harm.watch import Harm
from evergreen.decisions.drift.shift.verdict import Shift
from evergreen.decisions.performance import Performance
from evergreen.decisions.retrain.decision import Decision
from evergreen.decisions.retrain.ladder import Probed
from evergreen.record.labels.verdict import Labels
from evergreen.record.outcomes import StepRun, TrainingOutcome

LOOK = "look"


class Signals(Value):
    """What the signals say of a window.

    `source`: its rows are those that were ``served``, or, where none was, those of the ``source``. `data`: the digest
    of the rows and labels that were looked at. `shift`: against the reference that was frozen when the version was
    registered; `recent`: against the windows before, which slides. `days`: the losses of the window's days up to which
    labels are complete. `probed`: what a repair would gain; None where the data has a fault. `audit`: the loss of all
    rows by the labels that were asked for at random, where some were. `automatic`: whether the
    answers that the model gave by itself keep what the contract promises of them, by `automatic_days`; None where it
    promises nothing, or a person decides every row. `profile`: of its rows. `report`: the page with
    its pictures.
    """

    source: Literal["served", "source"]
    rows: int
    quarantined: int
    data: str
    shift: Shift
    recent: Shift | None = None
    faults: Faults
    skew: Skew
    labels: Labels
    performance: Performance
    estimated: Estimated
    audit: Audited | None = None
    harm: Harm
    automatic: Harm | None = None
    causes: tuple[Cause, ...]
    probed: Probed | None = None
    days: tuple[Day, ...]
    automatic_days: tuple[Day, ...] = ()
    profile: TableRef | None
    report: str | None


class Look(Signals):
    """What a look at a window found, as of a time.

    `seen_until`: the day until which the champion has seen the rows of the window, where it has; those are judged by
    nobody. `pages`: what somebody must be told of at once. `made_with`: the digest of the code, parameters and contract
    behind it.
    """

    model: str
    version: int
    start: date
    end: date
    as_of: datetime
    made_with: str
    seen_until: date | None
    pages: tuple[str, ...]
    decision: Decision
    steps: tuple[StepRun, ...] = ()

    @property
    def incident(self) -> str:
        """What names the window: the champion and the period. One retraining follows of it at most."""
        return f"v{self.version}:{self.start}:{self.end}"

    @property
    def key(self) -> str:
        """What names the look in the ledger: the window, the time, and what was looked at with what."""
        return f"{self.incident}:{self.as_of:%Y%m%dT%H%M%SZ}:{digest_of([self.data, self.made_with])[:12]}"


class RetrainingOutcome(Value):
    """What a retraining decision led to; `training` is None when none was needed.

    `superseded_by`: the window that decides by now, where another one was asked for; nothing was done.
    """

    window: str
    decision: Decision
    training: TrainingOutcome | None
    already_done: bool
    superseded_by: str | None = None


def pages(found: Signals, decision: Decision, *, was_open: bool) -> tuple[str, ...]:
    """Return what somebody must be told of at once: a fault of the data, skew, a broken promise, an open circuit.

    Shift, estimates and age are notes.

    Parameters
    ----------
    was_open : whether the circuit was open at the look before: that is told once.
    """
    told = [
        ("data fault", found.faults.evidence, found.faults.verdict == "fault"),
        ("skew", found.skew.evidence, found.skew.verdict == "skew"),
        ("harm", found.harm.evidence, found.harm.verdict == "broken"),
        ("automation", *_of(found.automatic)),
        ("circuit open", decision.summary, decision.circuit_open and not was_open),
    ]
    return tuple(f"{name}: {evidence}" for name, evidence, is_told in told if is_told)


def _of(automatic: Harm | None) -> tuple[str, bool]:
    return (automatic.evidence, automatic.verdict == "broken") if automatic else ("", False)


def known_days(looks: Iterable[Look], of: Literal["days", "automatic_days"] = "days") -> list[Day]:
    """Return the losses of the days that deciding looks hold, each day once, as the latest look that judged it says."""
    days: dict[date, Day] = {}
    for look in sorted(looks, key=lambda look: look.as_of):
        days |= {day.day: day for day in getattr(look, of)}
    return [days[day] for day in sorted(days)]
