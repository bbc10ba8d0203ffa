"""What chance may do to a mean of days, held against dense matrices, simulation and SciPy's tests."""

from datetime import timedelta

import numpy as np
import pytest
from scipy import linalg, stats
from simulated import FIRST, evenly, normal_profile, period, shocks

from evergreen.decisions.drift.shift.comparison import compare
from evergreen.decisions.drift.shift.days import period_of
from evergreen.decisions.drift.shift.dependence import AT_ONCE, MEMORIES, Contrast, spectrum
from evergreen.decisions.drift.shift.means import means_of


def correlations(n: int, memory: float, at_once: float):
    """Return the correlations of n days' shocks, dense."""
    return at_once * np.eye(n) + (1 - at_once) * linalg.toeplitz(memory ** np.arange(n) if memory else np.eye(n)[0])


def test_a_difference_has_the_variance_that_the_dense_matrices_give():
    before, after = period([5, 0, 3, 8, 2, 0, 0, 9]), period([4, 0, 4, 7])
    weights = np.array([0.1, 0.2, 0.3, 0.3, 0.1])
    contrast = Contrast.of(before, weights, after)
    full, full_after = before.on_every_day(weights), after.on_every_day(after.weights)
    shapes = [(memory, share) for memory in MEMORIES for share in AT_ONCE]
    for at, shape in enumerate(shapes):
        of_window = full_after @ correlations(4, *shape) @ full_after
        assert contrast.window_shocks[at] == pytest.approx(of_window)
        assert contrast.shocks[at] == pytest.approx(full @ correlations(8, *shape) @ full + of_window)
    assert contrast.noise == pytest.approx((weights**2 / before.rows).sum() + (after.weights**2 / after.rows).sum())


@pytest.mark.parametrize("gaps", [False, True])
def test_a_spectrum_is_what_is_expected_of_shocks_and_rows(gaps):
    rng = np.random.default_rng(0)
    days = period(np.where((np.arange(80) % 4 == 1) & gaps, 0, 20))
    n, lanes, memory = len(days.days), 4_000, MEMORIES[3]
    series = shocks(days.length, lanes, memory, rng).T[:, days.at] * 0.5
    series += rng.standard_normal((lanes, n)) / np.sqrt(20)
    residuals = series - (series @ days.weights)[:, None]
    found = spectrum(days, residuals, np.ones((n, 1)))
    shape = [(memory, share) for memory in MEMORIES for share in AT_ONCE].index((memory, 0.0))
    expected = found.df * (found.noise + 0.25 * found.shocks[shape])
    assert found.squares.mean(axis=0) == pytest.approx(expected, rel=0.25, abs=0.1)
    assert found.squares.mean(axis=0).sum() == pytest.approx(expected.sum(), rel=0.05)


def test_of_independent_days_p_is_that_of_a_t_test_of_them():
    rng = np.random.default_rng(7)
    means = 0.7 * shocks(450, 12, 0.0, rng)
    means[350:] += np.linspace(0, 0.35, 12)
    sides = (
        normal_profile(means[:350], 0.7, evenly(7_000, 350), rng, first=FIRST),
        normal_profile(means[350:], 0.7, evenly(2_000, 100), rng, first=FIRST + timedelta(days=350)),
    )
    names = list(sides[0].bins)
    found = compare(*sides, names)
    of_days = means_of(sides, (period_of(sides[0]), period_of(sides[1])), names)
    before, after = (np.array(of_days.by_column(side))[:, 0] for side in (of_days.reference, of_days.window))
    expected = stats.ttest_ind(before, after, axis=1).pvalue
    ours = np.array([found[name].p[0] for name in names])
    assert stats.norm.isf(ours / 2) == pytest.approx(stats.norm.isf(expected / 2), abs=0.3)
