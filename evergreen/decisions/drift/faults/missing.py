"""Values that are missing, are infinite, or belong to no category that the reference had."""

from datetime import date

import numpy as np

from evergreen.decisions.drift.faults.shares import Risen, risen
from evergreen.decisions.drift.faults.stretches import Whole, of_length
from evergreen.decisions.drift.faults.verdict import Fault, Kind
from evergreen.decisions.drift.profile.profile import INFINITE, Profile

LEAST_MISSING, LEAST_INFINITE, LEAST_UNSEEN = 0.10, 0.02, 0.10  # rises of a share of rows
NOTED_UNSEEN = 0.002


def find_missing(name: str, reference: Profile, window: Profile) -> Fault | None:
    """Return the fault that far more values are missing than on any days of the reference."""
    before, after = reference.counts[name], window.counts[name]
    found = risen(after[:, -1], after.sum(axis=1), before[:, -1], before.sum(axis=1), least=LEAST_MISSING)
    return fault_of(name, "missing", "missing", found, window) if found else None


def find_infinite(name: str, reference: Profile, window: Profile) -> Fault | None:
    """Return the fault that numbers are infinite."""
    if name not in reference.moments or name not in window.moments:
        return None
    before, after = (
        reference.moments[name][:, INFINITE].astype(np.int64),
        window.moments[name][:, INFINITE].astype(np.int64),
    )
    rows = window.counts[name].sum(axis=1), reference.counts[name].sum(axis=1)
    found = risen(after, rows[0], before, rows[1], least=LEAST_INFINITE)
    return fault_of(name, "infinite", "infinite", found, window) if found else None


def find_unseen(name: str, reference: Profile, window: Profile) -> tuple[Fault | None, str | None]:
    """Return the fault that many rows have a category new to the model, and else a note where some have.

    A category that the reference itself had for one stretch of days only counts as new there: of keys that come and go
    the reference is as full of new ones as a window.
    """
    if reference.bins[name].categories is None:
        return None, None
    counts, after = reference.counts[name], window.counts[name]
    rows = after.sum(axis=1)
    before = counts[:, -2] + _passing(counts[:, :-2], days=len(window.days))
    found = risen(after[:, -2], rows, before, counts.sum(axis=1), least=LEAST_UNSEEN, shortest=2)
    if found:
        return fault_of(name, "unseen", "in categories that the reference had never or rarely", found, window), None
    new, usual = after[:, -2].sum() / rows.sum(), before.sum() / counts.sum()
    if new <= NOTED_UNSEEN + 2 * usual:
        return None, None
    return None, (
        f"{name}: {new:.2%} of {rows.sum():,} rows in categories that the reference had never or rarely "
        f"(there {usual:.2%} of rows)"
    )


def _passing(counts: Whole, *, days: int) -> Whole:
    """Return by day the rows in categories that occur on no day further away than `days`, or a third of all days."""
    b = len(counts)
    reach = max(1, min(days, b // 3))
    near = of_length(b + 2 * reach, 2 * reach + 1).sums(np.pad(counts, ((reach, reach), (0, 0))))
    return np.asarray(np.where(near >= counts.sum(axis=0), counts, 0).sum(axis=1), dtype=np.int64)


def fault_of(name: str, kind: Kind, what: str, found: Risen, window: Profile) -> Fault:
    """Return the fault of a share that rose."""
    since: date = window.days[found.start]
    total = int(window.counts[name].sum())
    return Fault(
        column=name,
        kind=kind,
        evidence=f"{found.share:.1%} of {found.n:,} rows are {what} from {since} to {window.days[found.end - 1]}; "
        f"in the reference {found.usual:.1%}, at worst {found.worst:.1%} on days in a row; limit {found.limit:.1%}",
        share=found.hits / total,
        since=since,
    )
