"""The arithmetic of drift against independent sources: the stability index, its limit, and corrections."""

from math import log

import numpy as np
import pandas as pd
import pytest

from evergreen.decisions.drift import statistics


def normal(n: int, *, seed: int, mean: float = 0.0, deviation: float = 1.0) -> pd.Series:
    return pd.Series(np.random.default_rng(seed).normal(mean, deviation, n))


def test_stability_of_identical_samples_is_exactly_zero():
    sample = normal(1_000, seed=1).mask(lambda s: s > 2)
    assert statistics.population_stability(sample, sample) == 0.0
    assert statistics.category_stability(sample.round().astype(str), sample.round().astype(str)) == 0.0


def test_stability_reads_unchanged_and_shifted_samples_as_common_practice_does():
    reference = normal(10_000, seed=1)
    assert statistics.population_stability(reference, normal(1_000, seed=2)) < 0.1
    assert statistics.population_stability(reference, normal(1_000, seed=3, mean=0.5, deviation=1.2)) > 0.2


def test_stability_equals_hand_arithmetic():
    # Median of the reference is 50: bins (-inf, 50] and (50, inf), and one of missing values.
    reference = pd.Series([*range(1, 101)] + [np.nan] * 25)
    current = pd.Series([10.0] * 30 + [90.0] * 60 + [np.nan] * 10)
    p, q = (50 / 125, 50 / 125, 25 / 125), (30 / 100, 60 / 100, 10 / 100)
    by_hand = sum((a - b) * log(a / b) for a, b in zip(p, q, strict=True))
    assert statistics.population_stability(reference, current, bins=2) == pytest.approx(by_hand, abs=1e-12)


def test_stability_counts_an_empty_bin_as_half_a_row():
    reference, current = pd.Series([*range(1, 101)]), pd.Series([10] * 80)
    p, q = (50 / 100, 50 / 100), (80 / 80.5, 0.5 / 80.5)
    by_hand = sum((a - b) * log(a / b) for a, b in zip(p, q, strict=True))
    assert statistics.population_stability(reference, current, bins=2) == pytest.approx(by_hand, abs=1e-12)


def test_stability_counts_values_outside_the_reference_range():
    reference = pd.Series(np.linspace(0, 1, 1_000))
    outside = reference.where(reference.index < 900, 50.0).where(reference.index >= 100, -50.0)
    assert (
        statistics.population_stability(reference, outside) == 0.0
    )  # the same rows, further out in the same open bins
    assert statistics.population_stability(reference, reference + 2) > 5


def test_stability_sees_a_constant_move_to_either_side():
    reference = pd.Series([5.0] * 500)
    for moved in (4.0, 6.0, np.nextafter(5.0, 6.0)):
        assert statistics.population_stability(reference, pd.Series([moved] * 499 + [5.0])) > 5


def test_stability_gives_a_frequent_value_its_own_bin():
    reference = pd.Series([0.0] * 800 + list(np.linspace(0.1, 1, 200)))
    below = reference.replace(0.0, -1.0)
    assert statistics.population_stability(reference, below) > 5


def test_stability_is_symmetric_for_given_bins():
    a, b = pd.Series(list("xxxxyyz") * 100), pd.Series(list("xyyyzzz") * 60)
    assert statistics.category_stability(a, b) == pytest.approx(statistics.category_stability(b, a), abs=1e-15)


def test_stability_reads_timestamps_of_any_resolution():
    at = pd.Series(pd.date_range("2024-01-01", periods=1_000, freq="h", tz="UTC"))
    assert statistics.population_stability(at, at.dt.as_unit("s")) == 0.0
    assert statistics.population_stability(at, at + pd.Timedelta(days=30)) > 0.2


def test_category_stability_equals_hand_arithmetic_with_an_unseen_category():
    reference, current = pd.Series(["a"] * 60 + ["b"] * 40), pd.Series(["a"] * 20 + ["b"] * 30 + ["c"] * 50)
    p, q = (60 / 100.5, 40 / 100.5, 0.5 / 100.5), (20 / 100, 30 / 100, 50 / 100)
    by_hand = sum((a - b) * log(a / b) for a, b in zip(p, q, strict=True))
    assert statistics.category_stability(reference, current) == pytest.approx(by_hand, abs=1e-12)


def test_category_stability_pools_the_rare():
    rare = [f"rare{i}" for i in range(50)]
    reference, current = pd.Series(["a"] * 950 + rare), pd.Series(["a"] * 475 + rare[:25])
    assert statistics.category_stability(reference, current) == pytest.approx(0.0, abs=1e-12)


@pytest.mark.parametrize(
    ("reference", "current", "said"),
    [
        (range(199), range(200), "199 rows in the reference, at least 200 are needed"),
        (range(200), range(0), "0 rows in the window, at least 200 are needed"),
        (range(200), [None] * 200, "every value is missing in the window"),
    ],
)
def test_stability_refuses_samples_that_say_nothing(reference, current, said):
    with pytest.raises(statistics.DriftError, match=said) as raised:
        statistics.population_stability(pd.Series(reference, dtype=float), pd.Series(current, dtype=float))
    assert raised.value.code == "DR001"
    assert raised.value.exit_code == 3


def test_holm_equals_hand_arithmetic():
    # Sorted: 0.01 * 4, 0.02 * 3, 0.03 * 2, 0.04 * 1; steps never fall: 0.04, 0.06, 0.06, 0.06.
    assert statistics.holm([0.04, 0.01, 0.03, 0.02]) == pytest.approx((0.06, 0.04, 0.06, 0.06))
    assert statistics.holm([0.5, 0.9]) == (1.0, 1.0)
    assert statistics.holm([]) == ()


def test_limit_is_where_the_unchanged_index_ends():
    rng = np.random.default_rng(5)
    n, m, bins, alpha = 2_000, 1_000, 10, 0.05
    counts = rng.multinomial(n, [1 / bins] * bins, 4_000), rng.multinomial(m, [1 / bins] * bins, 4_000)
    indices = [statistics.stability(np.stack(pair).astype(float)) for pair in zip(*counts, strict=True)]
    share = np.mean(np.array(indices) > statistics.stability_limit(n, m, bins=bins, alpha=alpha))
    assert share == pytest.approx(alpha, abs=3 * np.sqrt(alpha * (1 - alpha) / 4_000))
