"""Whether a column is broken: found by itself, in one column, in the same window."""

from collections.abc import Mapping
from datetime import date

from evergreen.decisions.drift.faults.beyond import find_beyond
from evergreen.decisions.drift.faults.constant import find_constant
from evergreen.decisions.drift.faults.missing import find_infinite, find_missing, find_unseen
from evergreen.decisions.drift.faults.silence import find_silence
from evergreen.decisions.drift.faults.unit import find_unit
from evergreen.decisions.drift.faults.verdict import Fault, Faults, FaultsVerdict, Kind
from evergreen.decisions.drift.profile.profile import ESTIMATE, LABEL, Profile

LEAST_ROWS, LEAST_DAYS = 30, 3  # of the window; of the reference
LEAST_REFUSED = 0.10
UNDATED = "rows without a time"


def decide(
    reference: Profile,
    window: Profile,
    *,
    refused: Mapping[str, float] | None = None,
    refused_before: Mapping[str, float] | None = None,
    period: tuple[date, date] | None = None,
) -> Faults:
    """Return which columns are broken in a window.

    Parameters
    ----------
    reference, window : on the same cells.
    refused, refused_before : the share of rows that were refused before they came into either, by reason, in [0, 1].
    period : the days of the window that are over, without the last; None where no silence is looked for.

    Returns
    -------
    Faults; rows without a time are refused ones too. "no traffic" without rows, "not enough data" below 30 rows or 3
    days of reference, unless a column cannot be read at all; "unknown" when nothing was found and a column could not be
    judged.

    Notes
    -----
    No limit comes from rows alone: see `shares.risen`, `constant.find_constant` and `unit.find_unit` for how far the
    days of the reference lie apart. Of what the model says (`_estimate`, `_label`) only missing, infinite and constant
    values are faults.
    """
    n_reference, n_window = reference.n_rows, window.n_rows
    if n_window + window.undated == 0:
        return Faults(verdict="no traffic", evidence="no rows came", n_reference=n_reference, n_window=0)
    found, unjudged = _unreadable(reference, window)
    notes: list[str] = []
    enough = n_window >= LEAST_ROWS and int((reference.rows > 0).sum()) >= LEAST_DAYS
    found += _refused(
        {**(refused or {}), UNDATED: window.undated / (n_window + window.undated)},
        {**(refused_before or {}), UNDATED: reference.undated / max(n_reference + reference.undated, 1)},
    )
    if enough:
        silent = find_silence(reference, window, start=period[0], end=period[1]) if period else None
        found += [silent] if silent else []
        for name in reference.counts:
            if name in window.counts and name not in unjudged and not any(fault.column == name for fault in found):
                faults, note = _column(name, reference, window)
                found += faults
                notes += [note] if note else []
    verdict: FaultsVerdict = (
        "fault" if found else "not enough data" if not enough else "unknown" if unjudged else "none"
    )
    return Faults(
        verdict=verdict,
        evidence=_evidence(verdict, found, unjudged, reference, window),
        n_reference=n_reference,
        n_window=n_window,
        columns=tuple(sorted(found, key=lambda fault: -fault.share)),
        notes=tuple(notes),
        unjudged=unjudged,
    )


def _unreadable(reference: Profile, window: Profile) -> tuple[list[Fault], dict[str, str]]:
    """Return the columns that only the window lacks, and those that cannot be judged for another reason."""
    found, unjudged = [], {name: f"not in the reference: {why}" for name, why in reference.lost.items()}
    for name, bins in reference.bins.items():
        if name in unjudged:
            continue
        if name in window.lost or name not in window.counts:
            why = window.lost.get(name, "absent")
            evidence = f"cannot be read in the window, and could in the reference: {why}"
            kind: Kind = "absent" if why == "absent" else "unreadable"
            since = window.days[0] if window.days else None
            found.append(Fault(column=name, kind=kind, evidence=evidence, share=1.0, since=since))
        elif name not in reference.counts or not reference.counts[name].sum():
            unjudged[name] = "the reference has no rows of it"
        elif name not in window.bins or not bins.equals(window.bins[name]):
            unjudged[name] = f"counted in other cells than the reference's {bins.kind} column"
        elif not window.counts[name].sum():
            unjudged[name] = "the window has no rows of it"
    return found, unjudged


def _column(name: str, reference: Profile, window: Profile) -> tuple[list[Fault], str | None]:
    found = [find_missing(name, reference, window), find_infinite(name, reference, window)]
    note = None
    broken = find_constant(name, reference, window)
    if name not in (ESTIMATE, LABEL):
        unseen, note = find_unseen(name, reference, window)
        found.append(unseen)
        if broken is None and name in reference.moments and name in window.moments:
            number = reference.bins[name].kind == "number"
            broken = (find_unit(name, reference, window) if number else None) or find_beyond(name, reference, window)
    return [fault for fault in [*found, broken] if fault], note


def _refused(now: Mapping[str, float], before: Mapping[str, float]) -> list[Fault]:
    return [
        Fault(
            column=reason,
            kind="refused",
            evidence=f"{share:.1%} of all rows; before {before.get(reason, 0.0):.1%}",
            share=share,
        )
        for reason, share in now.items()
        if share >= before.get(reason, 0.0) + LEAST_REFUSED
    ]


def _evidence(
    verdict: FaultsVerdict, found: list[Fault], unjudged: Mapping[str, str], reference: Profile, window: Profile
) -> str:
    n, days = window.n_rows, int((reference.rows > 0).sum())
    if verdict == "fault":
        return "; ".join(f"{fault.column}: {fault.evidence}" for fault in found)
    if verdict == "not enough data":
        return f"{n:,} rows and {days} days of reference, where {LEAST_ROWS} and {LEAST_DAYS} are needed"
    left = "".join(f"; {name} could not be judged: {why}" for name, why in unjudged.items())
    judged = len(reference.bins) - len(unjudged)
    return f"none of {judged} columns is broken in {n:,} rows, by {days} days of reference{left}"
