"""Numbers far out of the range that the reference had: a code for "not known", an overflow."""

import numpy as np

from evergreen.decisions.drift.faults import stretches
from evergreen.decisions.drift.faults.scaled import Usual, moved
from evergreen.decisions.drift.faults.shares import gain
from evergreen.decisions.drift.faults.verdict import Fault
from evergreen.decisions.drift.profile.profile import LEAST, MOST, SQUARES, Profile

LEAST_SHARE, LEAST_ROWS, SHORTEST = 0.02, 10.0, 2  # of a stretch; days where the window has as many
NEARLY_ALL = 0.9
FAR = 3.0  # ranges of the reference
YEARS = 5 * 365.25 * 86_400e6  # microseconds: what times of another unit miss at least


def find_beyond(name: str, reference: Profile, window: Profile) -> Fault | None:
    """Return the fault that many numbers lie far out of the reference's range.

    The furthest lies three ranges of the reference off, and the mean square around the reference's mean is that of at
    least 10 rows, and 2 %, as far as that: sum (x - mean)² / max (x - mean)². That tells a code as -999 from a heavy
    tail, whose sum of squares is that of a few rows, and from a shift. Unless nearly all are as far, the deviation lies
    beyond what alike stretches of the reference leave free (`spread.spread_of`) too. Not asked of counters, whose daily
    means follow time (r >= 0.95), nor of what is one value a day, as the month; of times, five years at least.
    """
    usual = Usual(name, reference)
    least, most = usual.extremes
    times = reference.bins[name].kind == "timestamp"
    if not np.isfinite(usual.deviation) or most <= least or (not times and (usual.follows_time or usual.is_of_the_day)):
        return None
    moments = window.moments[name]
    low, high = float(moments[:, LEAST].min()), float(moments[:, MOST].max())
    off = max(least - low, high - most)
    if not np.isfinite(off) or off < max(FAR * (most - least), YEARS if times else 0.0):
        return None
    furthest = max(usual.mean - low, high - usual.mean)
    looked = stretches.every(len(window.days))
    n, total, squares = looked.sums(moments[:, : SQUARES + 1]).T
    n, origin = np.maximum(n, 1), reference.bins[name].origin
    with np.errstate(over="ignore", invalid="ignore"):
        about = squares - 2 * (usual.mean - origin) * (total - n * origin) + n * (usual.mean - origin) ** 2
        rows = np.maximum(about, 0.0) / furthest / furthest
        rows = np.where(np.isfinite(rows), rows, np.abs(total - n * usual.mean) / furthest)  # squares past float64
    rows = np.clip(np.nan_to_num(rows, posinf=np.inf), 0.0, n)
    shares = rows / n
    long_enough = looked.lengths >= min(SHORTEST, len(window.days))
    asked = long_enough & (rows >= LEAST_ROWS) & (shares >= LEAST_SHARE)
    if not asked.any():
        return None
    best = int(np.argmax(np.where(asked, n * gain(shares, np.full(len(n), LEAST_SHARE / 2)), -1.0)))
    if shares[best] < NEARLY_ALL and not _wider(usual, name, window, looked, best):
        return None
    code = low if usual.mean - low > high - usual.mean else high
    since, until = window.days[looked.starts[best]], window.days[looked.ends[best] - 1]
    return Fault(
        column=name,
        kind="out of range",
        evidence=f"about {rows[best]:,.0f} of {n[best]:,.0f} values from {since} to {until} lie far out, the furthest "
        f"at {code:.6g}; in the reference all lie in [{least:.6g}, {most:.6g}]",
        share=float(rows[best] / window.counts[name].sum()),
        since=since,
    )


def _wider(usual: Usual, name: str, window: Profile, looked: stretches.Stretches, index: int) -> bool:
    """Return whether a stretch spreads more than any of the reference's, or than is known."""
    after = moved(name, window, looked)
    deviation = float(after.deviations[index])
    spread, _ = usual.alike(int(looked.lengths[index]), float(after.n[index]))
    return spread is None or not np.isfinite(deviation) or float(np.log(deviation)) - spread.centre > spread.above
