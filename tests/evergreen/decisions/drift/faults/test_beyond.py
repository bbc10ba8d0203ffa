"""Numbers far out of the reference's range: codes and overflows, and not tails or shifts."""

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest
from daily import FIRST, Array, Process, broken, listed

from evergreen.decisions.drift.faults.beyond import find_beyond
from evergreen.decisions.drift.profile.profile import Profile

EVEN = np.linspace(-1, 1, 100)


def with_code(code: float, n: int, *, of: int = 100) -> Array:
    """Return a day of even values of which the first are a code."""
    return np.where(np.arange(of) < n, code, np.linspace(-1, 1, of))


def times(by_day: list[Array]) -> tuple[Profile, Profile]:
    """Return reference and window of times in microseconds."""
    reference, window = listed(by_day)
    bins = {"x": replace(reference.bins["x"], kind="timestamp")}
    return replace(reference, bins=bins), replace(window, bins=bins)


def test_a_code_among_days_that_hang_together_is_found_and_shown():
    def coded(x: Array, rng: np.random.Generator) -> Array:
        return np.where(rng.random(len(x)) < 0.2, -9_999, x)

    process = Process(share=0.5, memory=0.7)
    found = find_beyond("x", *broken(process.normal, coded, seed=4, n_days=30, rows=1_000))
    assert found is not None
    assert found.kind == "out of range"
    assert "the furthest at -9999; in the reference all lie in [-" in found.evidence
    assert 0.15 < found.share < 0.25


@pytest.mark.parametrize(
    ("n", "of", "fault"), [(9, 100, False), (10, 100, True), (19, 1_000, False), (20, 1_000, True)]
)
def test_ten_rows_and_one_in_fifty_are_the_least_that_counts(n: int, of: int, fault: bool):
    assert (find_beyond("x", *listed([EVEN] * 60 + [with_code(1e4, n, of=of)])) is not None) == fault


def test_the_days_of_a_code_are_dated_and_its_rows_counted():
    found = find_beyond("x", *listed([EVEN] * 70 + [with_code(999.0, 30)] * 5 + [EVEN] * 5))
    assert found is not None
    assert found.since == FIRST + timedelta(days=70)
    assert found.share == pytest.approx(150 / 2_000, rel=1e-3)
    assert found.evidence.startswith("about 150 of 500 values from 2024-03-11 to 2024-03-15 lie far out, the furthest")


@pytest.mark.parametrize(("code", "fault"), [(6.9, False), (7.1, True), (-6.9, False), (-7.1, True)])
def test_three_ranges_away_is_far(code: float, fault: bool):
    # the reference lies in [-1, 1]: three ranges further are -7 and 7
    assert (find_beyond("x", *listed([EVEN] * 60 + [with_code(code, 40)])) is not None) == fault


def test_one_wild_row_a_day_and_a_heavy_tail_are_no_code():
    assert find_beyond("x", *listed([EVEN] * 60 + [with_code(1e6, 1)] * 30)) is None
    tail = np.where(EVEN > 0.9, 1 / (1 - np.minimum(EVEN, 0.9999)) ** 1.5, EVEN)
    assert tail.max() > 1_000
    assert find_beyond("x", *listed([EVEN] * 60 + [tail] * 30)) is None


def test_an_overflow_whose_squares_are_beyond_float64_is_found():
    with np.errstate(over="ignore"):
        reference, window = listed([EVEN] * 60 + [with_code(1e200, 20)] * 5)
    found = find_beyond("x", reference, window)
    assert found is not None
    assert found.share == pytest.approx(0.2)


def test_counters_and_values_of_the_day_are_not_asked():
    late = np.full(100, 1e6)
    assert find_beyond("x", *listed([day + EVEN for day in range(60)] + [late])) is None
    assert find_beyond("x", *listed([np.full(100, day % 12.0) for day in range(60)] + [late])) is None
    assert find_beyond("x", *listed([np.zeros(100)] * 60 + [late])) is None


@pytest.mark.parametrize(("years", "fault"), [(4.5, False), (5.5, True), (-54.0, True)])
def test_times_are_out_of_range_from_five_years_on_though_they_follow_time(years: float, fault: bool):
    second, day, year = 1e6, 86_400e6, 365.25 * 86_400e6
    start = 54 * year
    known = [start + at * day + np.arange(100) * second for at in range(61)]
    assert (find_beyond("x", *times([*known[:60], known[60] + years * year])) is not None) == fault
