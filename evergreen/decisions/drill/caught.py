"""What caught a fault: what a look says of the rows with it, and does not say of the same rows without."""

from collections.abc import Iterable
from datetime import date
from typing import Literal, NamedTuple

from evergreen.base.values import Value
from evergreen.decisions.drift.faults.verdict import Faults
from evergreen.decisions.drift.harm.watch import Harm
from evergreen.decisions.drift.shift.verdict import Shift
from evergreen.decisions.drill.faults import FaultName

Monitor = Literal["validate", "faults", "harm", "shift", "labels"]
PAGES: tuple[Monitor, ...] = ("validate", "faults", "harm")
NOTES: tuple[Monitor, ...] = ("shift", "labels")
MONITORS = PAGES + NOTES


class Alarm(NamedTuple):
    """One thing that a monitor says: `about` which column, and what `kind` of it; empty where it is about all rows."""

    monitor: Monitor
    about: str = ""
    kind: str = ""


class Caught(Value):
    """What came of one fault.

    `what` was done, in which `columns`, over how many `windows`. `by`: the monitors that said something new, and
    `alarms` what. `after_rows`: how many rows came, of the unfaulted window, from the day on which the fault began to
    that on which the first of them spoke; None where none did. `told`: a page, or a note that nobody is woken for.
    `decision`: what the loop would have done. `causes`: that were named and were not before.
    """

    fault: FaultName
    caught: bool
    what: str
    columns: tuple[str, ...] = ()
    windows: int = 1
    by: tuple[Monitor, ...] = ()
    alarms: tuple[str, ...] = ()
    after_rows: int | None = None
    told: Literal["page", "note"] | None = None
    decision: str = ""
    causes: tuple[str, ...] = ()


class Drilled(Value):
    """A drill: what came of each fault that the table can have, `of` them, and how many were `caught`.

    `start`, `end`: the period of the last window; `version`: the champion's. `left_out`: faults that the table cannot
    have. `said_before`: what the look says without any fault, which catches nothing. `skipped`: later windows that
    were not taken, and why.
    """

    model: str
    version: int
    start: date
    end: date
    caught: int
    of: int
    faults: tuple[Caught, ...]
    left_out: tuple[FaultName, ...] = ()
    said_before: tuple[str, ...] = ()
    skipped: tuple[str, ...] = ()
    seconds: float = 0.0

    def without(self, monitor: Monitor) -> int:
        """Return how many faults would be caught if one monitor were not there."""
        return sum(bool({*fault.by} - {monitor}) for fault in self.faults)


def alarms(faults: Faults, shift: Shift, harm: Harm, *, labels: str) -> frozenset[Alarm]:
    """Return what a look at rows of the source says; of skew it says nothing, as nothing was served.

    Parameters
    ----------
    labels : the verdict on the window's labels. Where rows were refused it says no more than that.

    Examples
    --------
    >>> from evergreen.decisions.drift.harm.promise import Promise
    >>> none = Faults(verdict="none", evidence="", n_reference=9, n_window=9)
    >>> steady = Shift(
    ...     verdict="steady",
    ...     evidence="",
    ...     persistent=False,
    ...     n_reference=9,
    ...     n_window=9,
    ...     blocks_reference=9,
    ...     blocks_window=9,
    ... )
    >>> nothing = Promise(loss="error", at_gate=None, at_most=1.0, tolerance=0.0, evidence="")
    >>> kept = Harm(verdict="kept", evidence="", promise=nothing, limit=20.0)
    >>> alarms(none, steady, kept, labels="complete")
    frozenset()
    >>> alarms(none, steady, kept, labels="immature")
    frozenset({Alarm(monitor='labels', about='', kind='immature')})
    """
    found: set[Alarm] = set()
    for fault in faults.columns:
        found.add(Alarm("validate" if fault.kind == "refused" else "faults", fault.column, fault.kind))
    found |= {Alarm("shift", name, "shifted") for name in shift.named("shifted")}
    found |= {Alarm("shift", column.name, "shifted") for column in shift.predictions if column.verdict == "shifted"}
    if harm.verdict == "broken":
        found.add(Alarm("harm", "", "broken"))
    refused = any(fault.kind == "refused" for fault in faults.columns)
    if labels in ("immature", "none") or (labels == "unknown" and not refused):
        found.add(Alarm("labels", "", labels))
    return frozenset(found)


def monitors(new: Iterable[Alarm]) -> tuple[Monitor, ...]:
    """Return the monitors that say something, each once, pages first."""
    named = {alarm.monitor for alarm in new}
    return tuple(monitor for monitor in MONITORS if monitor in named)


def told(by: Iterable[Monitor]) -> Literal["page", "note"] | None:
    """Return whether somebody is told at once; None where nobody is told anything."""
    named = {*by}
    return None if not named else "page" if named & {*PAGES} else "note"


def said(new: Iterable[Alarm]) -> tuple[str, ...]:
    """Return alarms in words, in order.

    Examples
    --------
    >>> said([Alarm("harm", "", "broken"), Alarm("faults", "fare", "unit")])
    ('faults: fare, unit', 'harm: broken')
    """
    return tuple(f"{one.monitor}: {', '.join(filter(None, (one.about, one.kind)))}" for one in sorted(new))
