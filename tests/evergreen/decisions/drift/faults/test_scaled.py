"""The usual numbers of a column, and what its cells hold in another unit."""

import numpy as np
import pytest
from daily import Array, listed
from scipy import stats

from evergreen.decisions.drift.faults import stretches
from evergreen.decisions.drift.faults.scaled import Usual, moved


def usual_of(by_day: list[Array]) -> Usual:
    return Usual("x", listed([*by_day, np.zeros(1)], before=len(by_day))[0])


def normal(n_days: int, *, each: int = 50, mean: float = 1e6) -> list[Array]:
    rng = np.random.default_rng(0)
    return [rng.normal(mean, 2.0, each) for _ in range(n_days)]


def test_mean_and_deviation_of_each_stretch_are_those_of_its_rows_far_from_zero_too():
    by_day = normal(6)
    looked = stretches.every(6)
    found = moved("x", usual_of(by_day).profile, looked)
    rows = [np.concatenate(by_day[start:end]) for start, end in zip(looked.starts, looked.ends, strict=True)]
    np.testing.assert_array_equal(found.n, [len(x) for x in rows])
    np.testing.assert_allclose(found.means, [x.mean() for x in rows])
    np.testing.assert_allclose(found.deviations, [x.std() for x in rows], rtol=1e-6)
    np.testing.assert_allclose(found.cells.sum(axis=1), 1)


def test_a_stretch_of_one_value_or_of_none_has_no_deviation():
    profile = usual_of([np.full(50, 3.0), np.array([np.nan] * 9), np.arange(20.0)]).profile
    found = moved("x", profile, stretches.of_length(3, 1))
    assert np.isnan(found.deviations).tolist() == [True, True, False]
    assert found.n.tolist() == [50, 0, 20]
    assert found.cells[1].sum() == 0


def test_cells_in_another_unit_are_those_of_the_values_in_it():
    usual = usual_of(normal(40, each=500, mean=10.0))
    edges = usual.profile.bins["x"].edges
    for factor, offset in ((2.54, 0.0), (0.5, 0.0), (1.0, 3.0)):
        expected = np.diff(stats.norm(10.0 * factor + offset, 2.0 * factor).cdf([-np.inf, *edges, np.inf]))
        np.testing.assert_allclose(usual.cells_at(factor, offset), expected, atol=0.06)
    np.testing.assert_allclose(usual.cells_at(1.0), usual.cells, atol=1e-12)


def test_a_value_that_many_rows_share_moves_as_one_and_zero_stays_where_it_is():
    usual = usual_of([np.concatenate([np.zeros(90), np.linspace(1, 2, 10)]) for _ in range(20)])
    assert usual.cells_at(1_000.0) == pytest.approx([*usual.cells[:-1] * (usual.cells[:-1] == 0.9), 0.1])
    assert usual.cells_at(1.0, 5.0) == pytest.approx([0.0] * (len(usual.cells) - 1) + [1.0])


def test_a_counter_follows_time_and_a_season_does_not():
    day = np.arange(60)
    noise = np.linspace(-1, 1, 20)
    assert usual_of([at + noise for at in day]).follows_time
    assert usual_of([-at + noise for at in day]).follows_time
    assert not usual_of([5 * np.sin(at / 9) + noise for at in day]).follows_time
    assert not usual_of([noise for _ in day]).follows_time
    assert not usual_of([noise, noise + 1]).follows_time


def test_a_column_of_one_value_a_day_is_of_the_day():
    assert usual_of([np.full(20, at % 12) for at in range(60)]).is_of_the_day
    assert not usual_of([np.arange(20.0) + at % 12 for at in range(60)]).is_of_the_day


def test_stretches_are_compared_with_those_of_as_many_days_at_most_a_quarter_of_the_reference():
    usual = usual_of([np.arange(50.0) * (1 + (at == 7)) for at in range(40)])  # one day spreads twice as far
    day, few = usual.alike(1, 50)
    assert day == few
    assert day is not None
    assert day.above == pytest.approx(2 * np.log(2))
    assert usual.alike(30, 50 * 30) == usual.alike(10, 50 * 10)
    assert usual.alike(30, 50)[1] == day
