"""Unchanged windows of every kind of column and day: levels, missing values, zeros, odd days, short windows."""

from datetime import timedelta

import numpy as np
import pytest
from scipy import special, stats
from simulated import FIRST, profile_of, shocks

from evergreen.decisions.drift.profile.profile import ColumnBins, Profile
from evergreen.decisions.drift.shift.comparison import compare, corrected_p

EACH = 4
LEVELS = {"few": 3, "some": 12, "many": 60}
ZEROS = ColumnBins("number", edges=np.array([-5e-324, 0.0, 1.0, 2.0]))
NUMBERS = ColumnBins("number", edges=stats.norm.ppf(np.linspace(0, 1, 11)[1:-1]))


def shares_of(kind: str, n_days: int, memory: float, rng: np.random.Generator) -> np.ndarray:
    """Return the share of each cell on each day of a column whose days differ, shape (n_days, n_cells)."""
    if kind in LEVELS:
        n = LEVELS[kind]
        lasting = 0.7 * shocks(n_days, n, memory, rng)
        return np.pad(special.softmax(lasting - np.log(np.arange(1, n + 1)), axis=1), ((0, 0), (0, 2)))
    day = shocks(n_days, 2, memory, rng)
    if kind == "zeros":
        some = special.expit(-2 + day[:, 0])[:, None]
        return np.hstack([0 * some, 1 - some, some * 0.6, some * 0.3, some * 0.1, 0 * some])
    below = stats.norm.cdf((NUMBERS.edges - 0.7 * day[:, :1]) / 0.7)
    missing = special.expit(-3 + day[:, 1]) if kind == "missing" else np.where(rng.random(n_days) < 0.04, 0.8, 0.01)
    values = np.diff(below, axis=1, prepend=0.0, append=1.0) * (1 - missing)[:, None]
    return np.hstack([values, missing[:, None]])


def rows_of(kind: str, n: int, n_days: int, rng: np.random.Generator) -> np.ndarray:
    """Return how many of n rows lie on each day, shape (n_days,)."""
    weights = {
        "even": np.ones(n_days),
        "uneven": rng.lognormal(0, 1, n_days),
        "empty": (rng.random(n_days) < 0.7) + 1e-9,
        "weekends": np.where(np.arange(n_days) % 7 >= 5, 0.1, 1.0),
    }[kind]
    return rng.multinomial(n, weights / weights.sum())


def profiles(
    days: str, memory: float, n_reference: int, n: int, n_days: int, rng: np.random.Generator
) -> tuple[Profile, Profile]:
    """Return a reference of some rows and days, and a window that follows it."""
    length = int(rng.choice([7, 14, 31]))
    rows = np.concatenate([rows_of(days, n_reference, n_days, rng), rows_of(days, n, length, rng)])
    counts, bins = {}, {}
    for kind in ("few", "some", "many", "zeros", "missing", "outages"):
        for at in range(EACH):
            name = f"{kind} {at}"
            shares = shares_of(kind, n_days + length, memory, rng)
            counts[name] = rng.multinomial(rows, shares / shares.sum(axis=1, keepdims=True))
            levels = tuple(f"{level}" for level in range(LEVELS.get(kind, 0)))
            bins[name] = {"zeros": ZEROS, "missing": NUMBERS, "outages": NUMBERS}.get(
                kind, ColumnBins("category", categories=levels)
            )
    before = profile_of(rows[:n_days], {name: of[:n_days] for name, of in counts.items()}, bins)
    first = FIRST + timedelta(days=n_days)
    return before, profile_of(rows[n_days:], {name: of[n_days:] for name, of in counts.items()}, bins, first=first)


@pytest.mark.parametrize("runs", [1, pytest.param(10, marks=pytest.mark.long)])
def test_of_unchanged_windows_of_other_kinds_at_most_five_of_a_hundred_are_noted(runs):
    noted, windows = 0, 0
    by_kind: dict[str, int] = {}
    for days in ("even", "uneven", "empty", "weekends"):
        for memory in (0.0, 0.7):
            for n_reference, n, n_days in ((600, 300, 60), (200, 2_000, 60), (4_000, 300, 364), (400_000, 5_000, 364)):
                rng = np.random.default_rng([n_reference, int(10 * memory), len(days)])
                for _ in range(runs):
                    before, after = profiles(days, memory, n_reference, n, n_days, rng)
                    p = corrected_p(compare(before, after, list(before.bins)))
                    windows += 1
                    noted += min(p.values()) < 0.01
                    for name in p:
                        by_kind[name.split()[0]] = by_kind.get(name.split()[0], 0) + (p[name] < 0.01)
    print(f"{noted} of {windows} windows of {EACH * 6} columns; {by_kind}")
    assert noted <= 0.05 * windows
