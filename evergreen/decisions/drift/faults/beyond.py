"""Numbers far out of the range that the reference had: a code for "not known", an overflow."""

import numpy as np

from evergreen.decisions.drift.faults.missing import fault_of
from evergreen.decisions.drift.faults.scaled import Usual
from evergreen.decisions.drift.faults.shares import Risen, risen
from evergreen.decisions.drift.faults.verdict import Fault
from evergreen.decisions.drift.profile.profile import Profile

LEAST_BEYOND = 0.10  # rise of the share of rows in an outermost cell
FAR = 1.5  # ranges of the reference by which the rows that are new there lie off on average
YEARS = 5 * 365.25 * 86_400e6  # microseconds: what times of another unit miss at least


def find_beyond(name: str, reference: Profile, window: Profile) -> Fault | None:
    """Return the fault that many numbers lie far out of the reference's range, on one side.

    Far: the share of rows in the outermost cell rose by a tenth beyond what the reference's days showed, and the mean
    moved as much as if those rows lay 1.5 ranges of the reference off, which is what tells a code as -999 from a heavy
    tail or a shift. Not asked of counters, whose daily means follow time (r >= 0.95); of times, five years at least.
    """
    usual = Usual(name, reference)
    least, most = usual.extremes
    times = reference.bins[name].kind == "timestamp"
    if not np.isfinite(usual.deviation) or most <= least or (not times and usual.follows_time):
        return None
    far = max(FAR * (most - least), YEARS if times else 0.0)
    before, after = reference.counts[name], window.counts[name]
    for cell, sign in ((0, -1), (-2, 1)):
        found = risen(after[:, cell], after.sum(axis=1), before[:, cell], before.sum(axis=1), least=LEAST_BEYOND)
        if found and _off(name, window, usual, found) * sign >= (found.share - found.usual) * far:
            side = "below" if sign < 0 else "above"
            what = f"in the {'lowest' if sign < 0 else 'highest'} cell, far {side} {least if sign < 0 else most:.6g}"
            return fault_of(name, "out of range", what, found, window)
    return None


def _off(name: str, window: Profile, usual: Usual, found: Risen) -> float:
    """Return by how much the mean over all rows moved."""
    finite, total = window.moments[name][found.start : found.end, :2].sum(axis=0)
    return float(total / finite - usual.mean) if finite else 0.0
