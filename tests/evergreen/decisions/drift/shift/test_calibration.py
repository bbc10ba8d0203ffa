"""How often a shift is noted where there is none, and where there is one: measured beside stated."""

from dataclasses import dataclass
from datetime import timedelta
from itertools import product

import numpy as np
import pytest
from scipy import stats
from simulated import FIRST, evenly, normal_profile, shocks

from evergreen.decisions.drift.distances import kolmogorov_smirnov, population_stability
from evergreen.decisions.drift.profile.profile import Profile
from evergreen.decisions.drift.shift.comparison import compare, corrected_p
from evergreen.decisions.drift.shift.decision import decide

ALPHA, LEAVE = 0.01, 0.1  # the defaults of `decide`
WINDOW, WINDOWS, WEEK = 30, 3, 0.3
MOST, COLUMNS = 50, (10, 50)
PROCESSES = {
    "independent rows": (0.0, 0.0),
    "10 % of the day": (0.1, 0.0),
    "30 % of the day": (0.3, 0.0),
    "50 % of the day": (0.5, 0.0),
    "90 % of the day": (0.9, 0.0),
    "50 %, days at 0.7": (0.5, 0.7),
    "90 %, days at 0.7": (0.9, 0.7),
}


@dataclass
class Tally:
    """Unchanged windows that were noted: by the test, by it in two of three, by PSI 0.1 and by uncorrected KS."""

    windows: int = 0
    noted: int = 0
    sequences: int = 0
    persistent: int = 0
    psi: int = 0
    ks: int = 0

    def __add__(self, other: "Tally") -> "Tally":
        return Tally(*(getattr(self, field) + getattr(other, field) for field in vars(self)))


def series(process: str, n: int, days: int, rng: np.random.Generator, *, columns: int) -> tuple[Profile, list[Profile]]:
    """Return a reference and the windows that follow it, n rows each, and one more as dense in the reference."""
    share, memory = PROCESSES[process]
    total = days + WINDOW * WINDOWS
    week = WEEK * np.sin(2 * np.pi * np.arange(total) / 7)
    means = np.sqrt(share) * shocks(total, columns, memory, rng) + week[:, None]
    spread = np.sqrt(1 - share)
    reference = normal_profile(means[:days], spread, evenly(n * days // WINDOW, days), rng, first=FIRST)
    begins = range(days, total, WINDOW)
    return reference, [
        normal_profile(means[at : at + WINDOW], spread, evenly(n, WINDOW), rng, first=FIRST + timedelta(days=at))
        for at in begins
    ]


def unchanged(process: str, n: int, days: int, *, runs: int) -> dict[int, Tally]:
    """Return what was noted by how many columns there are; the ten columns are the first of the fifty."""
    rng = np.random.default_rng([n, days, list(PROCESSES).index(process)])
    tallies = {columns: Tally() for columns in COLUMNS}
    for _ in range(runs):
        reference, windows = series(process, n, days, rng, columns=MOST)
        compared = [compare(reference, window, list(reference.bins)) for window in windows]
        for columns, tally in tallies.items():
            names = list(reference.bins)[:columns]
            p = np.array([list(corrected_p({name: of[name] for name in names}).values()) for of in compared])
            shifted = p < ALPHA
            for at in range(1, WINDOWS):
                shifted[at] |= shifted[at - 1] & (p[at] < LEAVE)
            tally.windows += WINDOWS
            tally.noted += int(shifted.any(axis=1).sum())
            tally.sequences += 1
            tally.persistent += bool((shifted[-1] & shifted[:-1].any(axis=0)).any())
            for window in windows:
                pairs = [(reference.total(name), window.total(name)) for name in names]
                tally.psi += any(population_stability(*pair) >= 0.1 for pair in pairs)
                scale = np.sqrt(1 / (1 / reference.n_rows + 1 / window.n_rows))
                tally.ks += any(stats.kstwobign.sf(scale * kolmogorov_smirnov(*pair)) < 0.05 for pair in pairs)
    return tallies


def upper(events: int, n: int) -> float:
    """Return the upper end of the two-sided 95 % interval of a rate (Clopper and Pearson, 1934)."""
    return float(stats.binomtest(events, n).proportion_ci(0.95, "exact").high)


def noted_at_last(process: str, days: int, *, by: float, runs: int, columns: int = 10) -> tuple[float, float]:
    """Return the share of runs in which `by` standard deviations in one column are noted in the first of two windows
    or in the second, and the share of these in which that column comes first. Of 1,000 rows each."""
    rng = np.random.default_rng([days, int(10 * by), list(PROCESSES).index(process)])
    noted = first = 0
    for _ in range(runs):
        share, memory = PROCESSES[process]
        total = days + 2 * WINDOW
        means = np.sqrt(share) * shocks(total, columns, memory, rng)
        means[days:, 3] += by
        halves = (0, days), (days, days + WINDOW), (days + WINDOW, total)
        reference, *windows = (
            normal_profile(
                means[begin:end],
                np.sqrt(1 - share),
                evenly(1_000 * (end - begin) // WINDOW, end - begin),
                rng,
                first=FIRST + timedelta(days=begin),
            )
            for begin, end in halves
        )
        looks = [decide(reference, window) for window in windows]
        found = [look.columns[0].name for look in looks if "c3" in look.named("shifted")]
        noted += bool(found)
        first += found[:1] == ["c3"]
    return noted / runs, first / max(noted, 1)


def test_a_thin_campaign_of_unchanged_windows_notes_hardly_any_where_the_usual_rules_do():
    total = Tally()
    for process, n, days in (
        ("independent rows", 100, 60),
        ("50 % of the day", 500, 60),
        ("90 %, days at 0.7", 500, 364),
    ):
        for tally in unchanged(process, n, days, runs=6).values():
            total += tally
    assert total.noted <= 0.05 * total.windows
    assert total.persistent <= 1
    assert total.psi > 0.8 * total.windows
    assert total.ks > 0.5 * total.windows


def test_half_a_standard_deviation_is_noted_within_two_windows_and_its_column_comes_first():
    noted, first = noted_at_last("independent rows", 60, by=0.5, runs=20)
    assert noted == 1.0
    assert first == 1.0


@pytest.mark.long
def test_of_unchanged_windows_at_most_five_of_a_hundred_are_noted():
    overall = Tally()
    for days, process in product((60, 364), PROCESSES):
        by_columns = {columns: Tally() for columns in COLUMNS}
        for n in (100, 500, 5_000):
            for columns, tally in unchanged(process, n, days, runs=30).items():
                by_columns[columns] += tally
                print(f"{days} days, {process}, {n} rows, {columns} columns: {tally}", flush=True)
        for columns, tally in by_columns.items():
            line = f"| {days} | {process} | {columns} | {tally.noted} of {tally.windows} "
            line += f"({upper(tally.noted, tally.windows):.1%}) | {tally.persistent} of {tally.sequences} "
            print(line + f"| {tally.psi / tally.windows:.0%} | {tally.ks / tally.windows:.0%} |", flush=True)
            assert tally.noted <= 0.05 * tally.windows, line
            assert upper(tally.noted, tally.windows) <= 0.07, line
            overall += tally
    print(overall)
    assert overall.persistent <= 0.01 * overall.sequences
    assert overall.psi > 0.25 * overall.windows
    assert overall.ks > 0.5 * overall.windows


@pytest.mark.long
def test_what_is_noted_of_a_shift_falls_as_days_hang_together():
    for days, process, by in product((60, 364), PROCESSES, (0.5, 1.0)):
        runs = 200 if process == "independent rows" and by == 0.5 else 40
        noted, first = noted_at_last(process, days, by=by, runs=runs)
        print(f"| {days} | {process} | {by} | {noted:.1%} | {first:.0%} |", flush=True)
        if process == "independent rows":
            assert noted >= 0.95
            assert first >= 0.95
