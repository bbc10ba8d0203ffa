"""Each distance against SciPy on the same discrete distributions, or against hand arithmetic."""

from math import log, sqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from scipy.spatial.distance import jensenshannon

from evergreen.decisions.drift import distances
from evergreen.decisions.drift.profile.profile import ColumnBins

NUMBER = ColumnBins("number", edges=np.array([1.0, 2.0]))
CATEGORY = ColumnBins("category", categories=("a", "b"))
counts = st.lists(st.tuples(st.integers(1, 10_000), st.integers(1, 10_000)), min_size=2, max_size=12)


@given(counts)
def test_distances_of_shares_are_those_of_scipy(pairs):
    a, b = (np.array(side) for side in zip(*pairs, strict=True))
    p, q = a / a.sum(), b / b.sum()
    assert distances.kullback_leibler(a, b) == pytest.approx(stats.entropy(p, q), abs=1e-12)
    both = stats.entropy(p, q) + stats.entropy(q, p)
    assert distances.population_stability(a, b) == pytest.approx(both, rel=1e-9, abs=1e-12)
    assert distances.jensen_shannon(a, b) == pytest.approx(np.nan_to_num(jensenshannon(p, q, base=2)), abs=1e-7)
    assert distances.total_variation(a, b) == pytest.approx(0.5 * np.linalg.norm(p - q, 1), abs=1e-12)
    table = stats.chi2_contingency(np.stack([a, b]), correction=False)
    assert distances.chi_square(a, b) == pytest.approx(table.statistic, rel=1e-9, abs=1e-9)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # SciPy warns of the p-value of tiny samples, unused here
@given(st.lists(st.integers(0, 5), min_size=1, max_size=60), st.lists(st.integers(0, 5), min_size=1, max_size=60))
def test_distances_that_need_an_order_are_those_of_scipy_on_the_values(before, now):
    a, b = (np.bincount(side, minlength=6) for side in (before, now))
    by_scipy = stats.ks_2samp(before, now, method="asymp").statistic
    assert distances.kolmogorov_smirnov(a, b) == pytest.approx(by_scipy, abs=1e-12)
    positions = np.arange(6.0)
    assert distances.wasserstein(a, b, positions) == pytest.approx(stats.wasserstein_distance(before, now), abs=1e-12)


def test_each_equals_hand_arithmetic():
    a, b = np.array([10, 30, 60]), np.array([20, 20, 10])
    p, q = (0.1, 0.3, 0.6), (0.4, 0.4, 0.2)
    middle = [(x + y) / 2 for x, y in zip(p, q, strict=True)]
    pairs = list(zip(p, q, strict=True))
    assert distances.population_stability(a, b) == pytest.approx(sum((x - y) * log(x / y) for x, y in pairs))
    assert distances.kullback_leibler(a, b) == pytest.approx(sum(x * log(x / y) for x, y in pairs))
    halves = sum(s * log(s / m, 2) for side in (p, q) for s, m in zip(side, middle, strict=True)) / 2
    assert distances.jensen_shannon(a, b) == pytest.approx(sqrt(halves))
    assert distances.total_variation(a, b) == pytest.approx(0.4)
    assert distances.kolmogorov_smirnov(a, b) == pytest.approx(0.4)
    assert distances.wasserstein(a, b, np.array([0.0, 1.0, 3.0])) == pytest.approx(0.3 + 2 * 0.4)
    expected = [(20, 10), (100 / 3, 50 / 3), (140 / 3, 70 / 3)]
    by_cell = zip(zip(a, b, strict=True), expected, strict=True)
    assert distances.chi_square(a, b) == pytest.approx(
        sum((o - e) ** 2 / e for seen, of in by_cell for o, e in zip(seen, of, strict=True))
    )


def test_an_empty_cell_counts_half_a_row_and_one_that_nobody_has_does_not_exist():
    a, b = np.array([50, 50, 0]), np.array([80, 0, 0])
    p, q = (0.5, 0.5), (80 / 80.5, 0.5 / 80.5)
    pairs = list(zip(p, q, strict=True))
    assert distances.population_stability(a, b) == pytest.approx(sum((x - y) * log(x / y) for x, y in pairs))
    assert distances.kullback_leibler(b, a) == pytest.approx(sum(y * log(y / x) for x, y in pairs))


@given(counts)
def test_no_distance_between_equal_shares_and_none_below_zero(pairs):
    a, b = (np.array([*side, 7]) for side in zip(*pairs, strict=True))
    bins = ColumnBins("number", edges=np.arange(float(len(a) - 2)))
    assert all(value == pytest.approx(0, abs=1e-7) for value in distances.distances(a, 3 * a, bins).values())
    assert all(value >= 0 for value in distances.distances(a, b, bins).values())


def test_what_is_missing_is_a_cell_of_its_own_but_has_no_place_in_an_order():
    found = distances.distances(np.array([50, 30, 20, 0]), np.array([25, 15, 10, 50]), NUMBER)
    assert found["total_variation"] == pytest.approx(0.5)
    assert (found["kolmogorov_smirnov"], found["wasserstein"]) == (0, 0)


def test_categories_have_no_order():
    found = distances.distances(np.array([5, 5, 5, 5]), np.array([9, 1, 5, 5]), CATEGORY)
    assert found.keys() == {"psi", "kl", "jensen_shannon", "total_variation", "chi_square"}


def test_nothing_is_said_of_no_rows_and_all_missing_has_no_order():
    none, some, gone = np.zeros(4, np.int64), np.array([1, 2, 3, 0]), np.array([0, 0, 0, 9])
    assert distances.distances(none, some, NUMBER) == distances.distances(some, none, NUMBER) == {}
    assert "wasserstein" not in distances.distances(some, gone, NUMBER)
    assert distances.distances(some, gone, NUMBER)["jensen_shannon"] == 1
    assert set(distances.distances(gone, gone, NUMBER).values()) == {0.0}


def test_a_shift_by_all_of_the_reference_is_half_of_it_in_ranks():
    found = distances.distances(np.array([100, 100, 100, 0]), np.array([0, 0, 300, 0]), NUMBER)
    assert found["wasserstein"] == pytest.approx(1 / 3)  # from the middle third's middle to the last third's
    assert found["kolmogorov_smirnov"] == pytest.approx(2 / 3)


def test_bands_are_those_of_common_practice():
    psi = [0.0, 0.0999, 0.1, 0.1999, 0.2, 3.0]
    assert [distances.psi_band(value) for value in psi] == ["none"] * 2 + ["moderate"] * 2 + ["significant"] * 2
