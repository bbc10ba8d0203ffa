"""A column that came in another unit: what was known of it, times a factor."""

from dataclasses import dataclass

import numpy as np

from evergreen.decisions.drift.faults import stretches
from evergreen.decisions.drift.faults.changes import Change, agrees, changes_of
from evergreen.decisions.drift.faults.scaled import Moved, Usual, moved
from evergreen.decisions.drift.faults.shares import risen
from evergreen.decisions.drift.faults.stretches import Floats
from evergreen.decisions.drift.faults.verdict import Fault
from evergreen.decisions.drift.profile.profile import Profile

LEAST_ROWS, SHORTEST = 20, 2  # of a stretch: numbers, and days where the window has as many
LEAST_MOVED = 0.5  # total variation of the cells; a shift of one standard deviation comes to 0.38
LEAST_OUTER = 0.3  # rise of the share of rows in the two outermost cells
ROOM = 0.3, 0.55  # total variation that a factor may leave unexplained
HUGE = 50.0  # a factor that shows in the spread where most values are zero, and the cells can hardly move
STEPS = 4.0  # deviations by which a mean that moved shows another scale of temperature by itself
REST = 2.5  # deviations of the mean within which all other days must lie, unless the factor is gross
LEFT = 0.7  # of the total variation that a factor may leave unexplained


def find_unit(name: str, reference: Profile, window: Profile) -> Fault | None:
    """Return the fault that numbers come in another unit.

    Notes
    -----
    A stretch of two days and more, or a window of one, has another unit when (a) its cells lie at least half the total
    variation away from the reference's; of columns that are mostly zero, with a factor of 50, they must be as likely in
    the other unit; (b) its standard deviation lies beyond what alike stretches of the reference leave free
    (`spread.spread_of`), or the share of its rows in the outermost cells rose by 0.3 beyond what the reference's days
    showed (`shares.risen`), which finds more under heavy tails; and (c) the reference times a factor explains its
    cells, and its mean. A factor of 8 and more, or of 1/8 and less, is taken as it is. A smaller one must be one of
    those known, within 5 %, and the reference's mean at least three deviations away from zero: of columns about zero,
    or skewed, such a factor looks like any wider spread, and is not told. Fahrenheit, Celsius and kelvin are told by
    spread and mean together, and of no column that follows time. All other days must be in the reference's unit then.
    """
    usual = Usual(name, reference)
    if not np.isfinite(usual.deviation):
        return None
    looked = stretches.every(len(window.days))
    after = moved(name, window, looked)
    far = after.distances(usual.cells)
    long_enough = looked.lengths >= min(SHORTEST, len(window.days))
    with np.errstate(invalid="ignore"):
        huge = np.abs(np.log(after.deviations / usual.deviation)) >= np.log(HUGE)
    possible = long_enough & (after.n >= LEAST_ROWS) & ((far >= LEAST_MOVED) | huge) & np.isfinite(after.deviations)
    if not possible.any():
        return None
    outer = _outer_risen(name, reference, window)
    best: _Found | None = None
    for index in np.flatnonzero(possible)[np.argsort(-(after.n * far)[possible])]:
        if best and after.n[index] * far[index] <= best.score:
            break
        days = int(looked.starts[index]), int(looked.ends[index])
        found = _explained(after, int(index), usual, days, certain=days == outer)
        if found and (best is None or found.score > best.score):
            best = found
    return _fault(name, usual, after, best, window) if best else None


@dataclass(frozen=True)
class _Found:
    index: int
    days: tuple[int, int]
    change: Change
    score: float


def _outer_risen(name: str, reference: Profile, window: Profile) -> tuple[int, int] | None:
    """Return the days on which far more rows lie in the outermost cells than in the reference."""
    before, after = reference.counts[name], window.counts[name]
    outer = [counts[:, 0] + counts[:, -2] for counts in (after, before)]
    found = risen(outer[0], after.sum(axis=1), outer[1], before.sum(axis=1), least=LEAST_OUTER)
    return (found.start, found.end) if found else None


def _explained(after: Moved, index: int, usual: Usual, days: tuple[int, int], *, certain: bool) -> _Found | None:
    """Return the change of unit that explains a stretch; `certain` that it is not like the reference's."""
    n, cells, log = float(after.n[index]), after.cells[index], float(np.log(after.deviations[index]))
    as_long, as_many = usual.alike(days[1] - days[0], n)
    if as_long is None or as_many is None:
        return None
    beyond = certain or (as_long.exceeded_by(log) and as_many.exceeded_by(log))
    moved_by = float(np.abs(cells - usual.cells).sum() / 2)
    room = min(LEFT * moved_by, float(np.clip(as_long.furthest, *ROOM)))
    for change in changes_of(log - as_long.centre, float(after.means[index]), usual, as_long.deviation):
        expected = usual.cells_at(change.factor, change.offset)
        left = float(np.abs(cells - expected).sum() / 2)
        shown = left <= room if moved_by >= LEAST_MOVED else left <= ROOM[0] and _likelier(cells, expected, usual, n)
        far = beyond or (change.offset != 0 and change.moves(usual.mean) >= STEPS * usual.deviation)
        alone = change.is_gross or _rest_is_usual(after, index, usual)
        if far and shown and alone and agrees(float(after.means[index]), change, usual):
            return _Found(index, days, change, n * max(moved_by - left, 1 / n))
    return None


def _rest_is_usual(after: Moved, index: int, usual: Usual) -> bool:
    """Return whether the mean of all other days is one of the reference's unit; of a season on its way it is none."""
    n = float(after.n[-1] - after.n[index])  # the last stretch is the whole window
    if n <= 0:
        return True
    mean = float(after.n[-1] * after.means[-1] - after.n[index] * after.means[index]) / n
    return abs(mean - usual.mean) <= REST * usual.deviation


def _likelier(cells: Floats, expected: Floats, usual: Usual, n: float) -> bool:
    """Return whether a stretch's cells are at least as likely in the other unit, and as many rows are not zero.

    As many: half to twice the usual share lies outside the fullest cell, which another unit leaves as full.
    """
    least = 0.5 / n
    fullest = int(np.argmax(usual.cells))
    others = float((1 - cells[fullest]) / max(1 - usual.cells[fullest], least))
    gain = float((cells * np.log((expected + least) / (usual.cells + least))).sum())
    return gain >= 0 and 0.5 <= others <= 2


def _fault(name: str, usual: Usual, after: Moved, found: _Found, window: Profile) -> Fault:
    index, change, days = found.index, found.change, found.days
    n, since = int(after.n[index]), window.days[days[0]]
    guess = f" ({change.words}?)" if change.words else ""
    about = f"about {_figure(change.factor)} times the reference's"
    if change.offset:
        about = f"about {change.factor:.3g} times the reference's plus {change.offset:.5g}"
    return Fault(
        column=name,
        kind="unit",
        evidence=f"{n:,} values from {since} to {window.days[days[1] - 1]} are {about}: another unit?{guess} Mean "
        f"{after.means[index]:.4g} and deviation {after.deviations[index]:.4g}, in the reference {usual.mean:.4g} and "
        f"{usual.deviation:.4g}",
        share=n / int(window.counts[name].sum()),
        since=since,
    )


def _figure(factor: float) -> str:
    return f"{factor:,.0f}" if factor >= 100 else f"{factor:.3g}"
