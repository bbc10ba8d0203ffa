"""Broken columns: found by themselves, in one column, in the same window; and not where days only differ as they do."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import numpy as np
import numpy.typing as npt
import pytest
from daily import FIRST, REFERENCE, Array, Break, Make, Process, bins_of, broken, days_of, profile_of, profiles
from scipy import stats

from evergreen.decisions.drift.faults import decision
from evergreen.decisions.drift.faults.verdict import Faults
from evergreen.decisions.drift.profile.profile import Profile


def found_in(make: Make, harm: Break, *, seed: int, n_days: int, rows: int, last: int = 1_000) -> Faults:
    """Return what is found in a window with one column, whose last days are broken."""
    return decision.decide(*broken(make, harm, seed=seed, n_days=n_days, rows=rows, last=last))


def scaled(factor: float) -> Break:
    return lambda x, rng: x * factor


def constant(x: Array, rng: np.random.Generator) -> Array:
    return np.full(len(x), x[0])


def mostly_null(x: Array, rng: np.random.Generator) -> Array:
    return np.where(rng.random(len(x)) < 0.9, np.nan, x)


def made(process: Process, kind: str = "normal") -> Make:
    shapes: dict[str, Callable[[Array], Array]] = {
        "normal": lambda z: z,
        "away from zero": lambda z: 100 + 5 * z,
        "skewed": lambda z: np.exp(0.5 * z),
        "counts": lambda z: stats.poisson.ppf(stats.norm.cdf(z), 3.0),
    }
    return lambda days, rng: shapes[kind](process.normal(days, rng))


IID, SHARED = Process(), Process(share=0.5, memory=0.7)
KINDS = ("normal", "away from zero", "skewed", "counts")
BREAKS = {"unit": (scaled(1_000), scaled(0.001), scaled(100)), "constant": (constant,), "missing": (mostly_null,)}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("expected", BREAKS)
@pytest.mark.parametrize(("n_days", "rows"), [(30, 100), (30, 5_000), (1, 100), (1, 5_000)])
def test_a_broken_column_is_found_in_the_same_window(kind: str, expected: str, n_days: int, rows: int):
    for harm in BREAKS[expected]:
        for seed in range(3):
            found = found_in(made(IID, kind), harm, seed=seed, n_days=n_days, rows=rows)
            assert found.verdict == "fault", found
            assert found.columns[0].kind == expected
            assert found.columns[0].column == "x"


@pytest.mark.long
@pytest.mark.parametrize("process", [IID, Process(share=0.5), SHARED, Process(share=0.2, weekly=0.7)])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("harm", [scaled(1_000), scaled(0.001), constant, mostly_null])
def test_a_broken_column_is_found_60_times_of_60(process: Process, kind: str, harm: Break):
    for n_days, rows in ((30, 100), (30, 1_000), (1, 100)):
        seeds = range(60)
        faults = [found_in(made(process, kind), harm, seed=seed, n_days=n_days, rows=rows).verdict for seed in seeds]
        least = 58 if n_days == 1 and process.share else 60  # 58 and 59 were counts, all others 60
        assert faults.count("fault") >= least, (n_days, rows)


@pytest.mark.parametrize("harm", [scaled(1_000), constant, mostly_null])
def test_a_fault_of_the_last_three_days_is_found_and_dated(harm: Break):
    found = found_in(made(IID), harm, seed=3, n_days=30, rows=1_000, last=3)
    assert found.verdict == "fault"
    assert found.columns[0].since == FIRST + timedelta(days=REFERENCE + 27)
    assert 0.05 < found.columns[0].share < 0.2


def letters(days: npt.NDArray[np.int64], rng: np.random.Generator) -> Array:
    return rng.choice(5, len(days), p=[0.5, 0.3, 0.1, 0.08, 0.02]).astype(np.float64)


def test_a_shift_of_half_or_one_deviation_is_no_fault():
    for kind in ("normal", "away from zero", "counts"):
        for by in (0.5, 1.0):
            for seed in range(5):

                def moved(
                    days: npt.NDArray[np.int64], rng: np.random.Generator, kind: str = kind, by: float = by
                ) -> Array:
                    x = made(SHARED, kind)(days, rng)
                    return x + by * x.std() * np.clip((days - REFERENCE) / 30, 0, 1)

                assert found_in(moved, lambda x, rng: x, seed=seed, n_days=30, rows=1_000).verdict == "none"


# Unchanged windows of 50 columns.

PROCESSES = (
    IID,
    Process(share=0.1),
    Process(share=0.3),
    Process(share=0.5),
    Process(share=0.9),
    SHARED,
    Process(share=0.2, weekly=0.7),
    Process(share=0.2, memory=0.5, yearly=1.5),
)


def fifty(days: npt.NDArray[np.int64], process: Process, rng: np.random.Generator) -> dict[str, Array]:
    """Return 50 columns of many kinds whose days hang together alike: numbers, then categories named c…."""
    n, last = len(days), int(days.max()) + 1
    columns: dict[str, Array] = {}
    for i in range(5):
        z = [process.normal(days, rng) for _ in range(8)]
        columns |= {
            f"normal {i}": z[0],
            f"away {i}": 100 + 5 * z[1],
            f"skewed {i}": np.exp(0.5 * z[2]),
            f"counts {i}": stats.poisson.ppf(np.clip(stats.norm.cdf(z[3]), 0, 1 - 1e-12), 3.0),
            f"rain {i}": np.where(z[4] > 1, np.exp(z[4] - 1) - 1, 0.0),
            f"gaps {i}": np.where(rng.random(n) < 1 / (1 + np.exp(3 - process.of_days(last, rng)[days])), np.nan, z[5]),
            f"flag {i}": (z[6] > 1.3).astype(np.float64),
            f"c letters {i}": letters(days, rng),
        }
    spells = (process.of_days(last, rng) + np.sin(2 * np.pi * np.arange(last) / 365)) > 1
    outages = np.isin(np.arange(last) // 4, rng.choice(last // 4, max(1, last // 40), replace=False))
    outages[20:24] = True
    columns |= {
        "heavy": np.exp(2 * process.normal(days, rng)),
        "heavier": stats.cauchy.ppf(np.clip(stats.norm.cdf(process.normal(days, rng)), 1e-9, 1 - 1e-9)),
        "snow": np.where(spells[days], rng.exponential(3, n), 0.0),
        "sensor": np.where(outages[days], np.nan, process.normal(days, rng)),
        "sensor 2": np.where(np.roll(outages, 3)[days], np.nan, 20 + process.normal(days, rng)),
        "of the day": rng.normal(size=last)[days],
        "weekday": (days % 7).astype(np.float64),
        "counter": days + rng.random(n),
        "same": np.full(n, 3.0),
        "c carriers": np.where(rng.random(n) < 0.005, np.where(days < REFERENCE, 5, 6), letters(days, rng)),
    }
    return columns


def paged(process: Process, seed: int, *, n_days: int, rows: int, before: int) -> Faults:
    rng = np.random.default_rng([seed, n_days, rows, before])
    days = days_of(n_days, rows, rng, before=before, each=50)
    columns = fifty(days, process, rng)
    assert len(columns) == 50
    named = tuple(name for name in columns if name.startswith("c ") or name.startswith("flag"))
    return decision.decide(*profiles(days, columns, before=before, categories=named))


@pytest.mark.parametrize("process", PROCESSES)
def test_unchanged_windows_of_fifty_columns_are_not_paged(process: Process):
    found = paged(process, 0, n_days=30, rows=1_000, before=REFERENCE)
    assert found.verdict == "none", found.evidence


@pytest.mark.long
def test_at_most_one_in_a_hundred_unchanged_windows_of_fifty_columns_is_paged():
    """Measured: 8 processes, windows of 100 to 5,000 rows and 1 to 30 days, references of 60 and 364 days."""
    designs = [(30, 100, 60), (30, 1_000, 60), (7, 500, 60), (1, 100, 60), (1, 5_000, 60), (30, 3_000, 364)]
    verdicts = [
        paged(process, seed, n_days=n_days, rows=rows, before=before).verdict
        for seed in range(12)
        for process in PROCESSES
        for n_days, rows, before in designs
    ]
    assert stats.binomtest(verdicts.count("fault"), len(verdicts), 0.01, alternative="greater").pvalue > 0.05


# Odd input.


def both() -> tuple[Profile, Profile]:
    rng = np.random.default_rng(9)
    days = days_of(30, 1_000, rng)
    return profiles(days, {"x": rng.normal(size=len(days)), "y": letters(days, rng)}, categories=("y",))


def without(profile: Profile, name: str, **changed: object) -> Profile:
    kept = {key: value for key, value in profile.counts.items() if key != name}
    moments = {key: value for key, value in profile.moments.items() if key != name}
    return replace(profile, counts=kept, moments=moments, **changed)


def test_the_same_rows_twice_are_no_fault():
    reference, window = both()
    assert decision.decide(reference, reference).verdict == "none"
    assert decision.decide(reference, window).verdict == "none"


def test_a_column_that_cannot_be_read_or_is_absent_is_a_fault_even_in_a_few_rows():
    reference, window = both()
    lost = decision.decide(reference, without(window, "x", lost={"x": "text where numbers were"}))
    assert (lost.columns[0].kind, "text where numbers were" in lost.evidence) == ("unreadable", True)
    assert decision.decide(reference, without(window, "x")).columns[0].kind == "absent"
    few = profile_of(np.array([70, 70]), {"y": np.array([0.0, 1.0])}, {"y": reference.bins["y"]})
    assert decision.decide(reference, few).verdict == "fault"


def test_a_column_that_the_reference_lacks_or_counts_otherwise_is_unknown():
    reference, window = both()
    assert decision.decide(without(reference, "x", lost={"x": "a list"}), window).verdict == "unknown"
    other = replace(window, bins={**window.bins, "x": bins_of(np.arange(50.0))})
    assert decision.decide(reference, other).verdict == "unknown"
    assert decision.decide(reference, other).unjudged["x"].startswith("counted in other cells")


def test_no_rows_are_no_traffic_and_few_are_not_enough():
    reference, _ = both()
    columns = {"x": np.zeros(10), "y": np.zeros(10)}
    few = profile_of(np.full(10, 70), columns, reference.bins)
    assert decision.decide(reference, few).verdict == "not enough data"
    empty = profile_of(np.zeros(0, np.int64), {name: x[:0] for name, x in columns.items()}, reference.bins)
    assert decision.decide(reference, empty).verdict == "no traffic"


def test_refused_rows_are_a_fault_from_a_tenth_more_on():
    reference, window = both()
    assert decision.decide(reference, window, refused={"DQ002": 0.09}, refused_before={"DQ002": 0.01}).verdict == "none"
    found = decision.decide(reference, window, refused={"DQ002": 0.2}, refused_before={"DQ002": 0.01})
    assert (found.columns[0].kind, found.columns[0].column) == ("refused", "DQ002")


def test_a_verdict_survives_json():
    reference, window = both()
    found = decision.decide(reference, without(window, "x"))
    assert Faults.model_validate_json(found.model_dump_json()) == found
