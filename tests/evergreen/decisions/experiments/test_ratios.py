import numpy as np
import pytest
from scipy import stats

from evergreen.decisions.experiments.ratios import Units, difference, group


def units(seed: int, n: int = 400) -> Units:
    """Return units with several rows each, whose values resemble each other within a unit."""
    rng = np.random.default_rng(seed)
    rows = rng.integers(1, 9, n).astype(float)
    return Units((rng.normal(3, 1, n) + 0.1 * rows) * rows, rows)


def test_with_one_row_a_unit_it_is_the_mean_and_its_error() -> None:
    values = np.random.default_rng(1).gamma(2, size=300)
    found = group(Units(values, np.ones(300)))
    assert found.mean == pytest.approx(values.mean())
    assert found.variance == pytest.approx(stats.sem(values) ** 2)


def test_variance_is_what_resampling_units_gives() -> None:
    seen, rng = units(3), np.random.default_rng(4)
    drawn = rng.integers(0, len(seen), (4_000, len(seen)))
    means = seen.sums[drawn].sum(axis=1) / seen.rows[drawn].sum(axis=1)
    assert group(seen).variance == pytest.approx(means.var(), rel=0.06)


def test_rows_of_one_unit_are_not_counted_as_if_each_were_another() -> None:
    rng = np.random.default_rng(5)
    of_unit = rng.normal(size=200)
    alone = group(Units(of_unit, np.ones(200)))
    tenfold = group(Units(of_unit * 10, np.full(200, 10.0)))
    assert tenfold.variance == pytest.approx(alone.variance)
    assert tenfold.rows == 2_000


def test_difference_adds_the_variances_as_welch_does() -> None:
    a, b = np.random.default_rng(6).normal(size=90), np.random.default_rng(7).normal(1, 3, 40)
    found = difference(group(Units(a, np.ones(90))), group(Units(b, np.ones(40))))
    welch = stats.ttest_ind(b, a, equal_var=False)
    assert found.value / found.error == pytest.approx(welch.statistic)


def test_nothing_is_said_of_no_unit() -> None:
    assert group(Units(np.zeros(0), np.zeros(0))) is None
