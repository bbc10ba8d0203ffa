"""Why it is so: the causes of a loss that rose, told apart by name, and what is no more than a note."""

from collections.abc import Sequence
from datetime import date
from typing import Literal

import numpy as np

from evergreen.base.values import Value
from evergreen.decisions.drift.faults.skew import Skew
from evergreen.decisions.drift.faults.verdict import Faults

CauseName = Literal[
    "data fault",
    "training/serving skew",
    "shift",
    "prediction shift",
    "concept drift",
    "staleness",
    "harder months",
    "unknown",
]
MOST = 0.5  # of the loss that was added: what a fresh model has to win back, or cannot, for a cause to be named
FEW_WINDOWS = 3  # below, gradual cannot be told from sudden


class Interval(Value):
    """A figure with its interval, `low <= value <= high`."""

    value: float
    low: float
    high: float


class Window(Value):
    """By how much the loss of the window from `start` on exceeded that at the gate."""

    start: date
    excess: Interval


class Evidence(Value):
    """What is known of a window, in plain figures; None is what was not looked at.

    `used`: columns that the model uses, None for all. `shifted`: columns in order of effect. `realised`, `estimated`:
    mean loss per row, as labels say and as estimated without them; `at_gate`: what it was at the gate. `fresh`: loss of
    the champion less that of a model fitted on the newest labelled rows, on the same later rows. `history`: earlier
    windows and this one, in order.
    """

    faults: Faults | None = None
    skew: Skew | None = None
    used: tuple[str, ...] | None = None
    shift: Literal["steady", "shifted", "not enough data", "unknown", "no traffic"] | None = None
    shifted: tuple[str, ...] = ()
    predictions_shifted: bool | None = None
    harm: Literal["kept", "broken", "not enough data", "unknown"] | None = None
    at_gate: float | None = None
    realised: Interval | None = None
    estimated: Interval | None = None
    fresh: Interval | None = None
    age_days: float | None = None
    history: tuple[Window, ...] = ()


class Cause(Value):
    """One cause, the figures that speak for it, and the columns that it lies in."""

    name: CauseName
    evidence: str
    columns: tuple[str, ...] = ()


def name(evidence: Evidence) -> tuple[Cause, ...]:
    """Return the causes, the one that explains best first; nothing where nothing is amiss.

    Notes
    -----
    A skew, or a fault, in columns that the model uses comes before all: figures from broken values explain nothing
    else. A broken promise is then explained by comparing the champion with a fresh model on the same rows, and what
    labels say with what was estimated without them, which knows of p(x) and is blind to p(y|x):

    - the fresh model wins back half of what was lost: concept drift, or staleness when the loss grew along a line
      rather than in a step; shift when the columns shifted and the estimate accounts for the loss
    - the fresh model cannot win back half: harder months
    - no fresh model: concept drift or staleness when labels say more than was estimated, harder months when the
      estimate rose as well; the evidence says that a fresh model would settle it

    A shift without harm is a note. What cannot be told is "unknown", with what would tell it.

    Examples
    --------
    >>> name(Evidence(harm="kept", shift="steady"))
    ()
    >>> def near(value: float) -> Interval:
    ...     return Interval(value=value, low=value - 0.02, high=value + 0.02)
    >>> fell = Evidence(harm="broken", at_gate=0.05, realised=near(0.30), estimated=near(0.06), fresh=near(0.24))
    >>> [cause.name for cause in name(fell)]
    ['concept drift']
    """
    broken = _broken(evidence, used=True)
    causes = list(broken)
    if evidence.harm == "broken" and not broken:
        causes.append(_of_harm(evidence))
    causes += [note for note in _notes(evidence) if note.name not in {cause.name for cause in causes}]
    causes += _broken(evidence, used=False)
    return (*causes, *_unknown(evidence, nothing=not causes))


def _broken(evidence: Evidence, *, used: bool) -> list[Cause]:
    def concerned(columns: Sequence[str], *, rows: Sequence[str] = ()) -> tuple[str, ...]:
        known = evidence.used
        return tuple(column for column in columns if (known is None or column in known or column in rows) is used)

    causes = []
    if evidence.skew and (skewed := concerned(evidence.skew.named("skew"))):
        said = "; ".join(f"{each.name}: {each.evidence}" for each in evidence.skew.columns if each.name in skewed)
        causes.append(Cause(name="training/serving skew", evidence=said, columns=skewed))
    if evidence.faults:
        refused = [fault.column for fault in evidence.faults.columns if fault.kind in ("refused", "silent")]
        faulty = concerned([fault.column for fault in evidence.faults.columns], rows=refused)
        said = "; ".join(
            f"{fault.column}: {fault.evidence}" for fault in evidence.faults.columns if fault.column in faulty
        )
        if faulty:
            causes.append(Cause(name="data fault", evidence=said, columns=tuple(dict.fromkeys(faulty))))
    return causes


def _of_harm(evidence: Evidence) -> Cause:
    """Return what explains a broken promise where no column is broken."""
    gate, realised, estimated, fresh = evidence.at_gate, evidence.realised, evidence.estimated, evidence.fresh
    if gate is None or realised is None:
        return Cause(name="unknown", evidence="the loss rose; how far it rose would tell why")
    excess = realised.value - gate
    rose = f"the loss is {realised.value:.3g} where it was {gate:.3g} at the gate"
    if estimated:
        rose += f", and {estimated.value:.3g} [{estimated.low:.3g}, {estimated.high:.3g}] was estimated without labels"
    if fresh:
        rose += f"; a fresh model wins back {fresh.value:.3g} [{fresh.low:.3g}, {fresh.high:.3g}]"
        if fresh.high < MOST * excess:
            return _harder(evidence, f"{rose}: it falls as well")
        if fresh.low <= 0 or fresh.value < MOST * excess:
            return Cause(name="unknown", evidence=f"{rose}, which decides nothing: more labelled rows would")
        if estimated and realised.low <= estimated.high and evidence.shifted:
            return Cause(
                name="shift", evidence=f"{rose}: rows moved to where the champion is weak", columns=evidence.shifted
            )
        return _changed(evidence, rose)
    missing = f"{rose}; no fresh model was fitted on the newest labelled rows, which would settle it"
    if estimated and realised.low > estimated.high:
        return _changed(evidence, missing)
    if estimated and estimated.low > gate:
        return _harder(evidence, missing)
    return Cause(name="unknown", evidence=missing)


def _harder(evidence: Evidence, said: str) -> Cause:
    return Cause(name="harder months", evidence=f"{said}: rows like these are harder", columns=evidence.shifted)


def _changed(evidence: Evidence, said: str) -> Cause:
    aged = "" if evidence.age_days is None else f" over the {evidence.age_days:.0f} days of the champion"
    if _grew(evidence.history):
        return Cause(name="staleness", evidence=f"{said}; the loss grew window by window{aged}")
    known = len(evidence.history) >= FEW_WINDOWS
    how = "it came in a step" if known else f"{FEW_WINDOWS} windows would tell whether it came in a step or grew"
    return Cause(name="concept drift", evidence=f"{said}; {how}")


def _grew(history: Sequence[Window]) -> bool:
    """Return whether a rising line explains the excess by window better than a step at any window."""
    if len(history) < FEW_WINDOWS:
        return False
    days = np.array([(window.start - history[0].start).days for window in history], dtype=np.float64)
    excess = np.array([window.excess.value for window in history])
    slope, start = np.polyfit(days, excess, 1)
    line = float(((excess - start - slope * days) ** 2).sum())
    steps = [excess[:k].var() * k + excess[k:].var() * (len(excess) - k) for k in range(1, len(excess))]
    return bool(slope > 0 and line < min(steps))


def _notes(evidence: Evidence) -> list[Cause]:
    causes = []
    if evidence.shift == "shifted":
        harmless = ", without harm so far: a note" if evidence.harm == "kept" else ""
        said = f"{', '.join(evidence.shifted) or 'some columns'} moved{harmless}"
        causes.append(Cause(name="shift", evidence=said, columns=evidence.shifted))
    if evidence.predictions_shifted:
        causes.append(Cause(name="prediction shift", evidence="what the model says moved"))
    return causes


def _unknown(evidence: Evidence, *, nothing: bool) -> list[Cause]:
    said = []
    if evidence.faults and evidence.faults.verdict == "unknown":
        said.append(f"columns could not be judged: {evidence.faults.evidence}")
    if evidence.skew and evidence.skew.verdict == "unknown":
        said.append(f"served and source could not be compared: {evidence.skew.evidence}")
    if nothing and evidence.harm in ("unknown", "not enough data"):
        said.append("whether the loss rose is not known: more labels would tell")
    if nothing and evidence.shift in ("unknown", "not enough data"):
        said.append("whether rows moved is not known: more days would tell")
    return [Cause(name="unknown", evidence="; ".join(said))] if said else []
