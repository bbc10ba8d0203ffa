"""Intervals of ratios of sums: against SciPy's BCa, hand arithmetic, and a naive bootstrap."""

import numpy as np
import pytest
from scipy import stats
from sklearn.metrics import r2_score

from evergreen.learning.evaluation.bca import bca, percentiles, r2_difference_interval, widest
from evergreen.learning.evaluation.clusters import Clusters, clustered_error, draws
from evergreen.learning.evaluation.estimates import Estimates
from evergreen.learning.evaluation.influence import influence

GIVEN = {"alpha": 0.025, "resamples": 2_000, "seed": 1}


def skewed(n, seed=2):
    rng = np.random.default_rng(seed)
    truth = rng.lognormal(size=n)
    return truth, truth + rng.normal(size=n), truth + 2 * rng.normal(size=n)


def r2_gap(truth, one, other, axis=-1):
    spread = truth.var(axis=axis)
    return (((truth - other) ** 2).mean(axis=axis) - ((truth - one) ** 2).mean(axis=axis)) / spread


def left_out(truth, one, other, codes):
    kept = (codes != code for code in np.unique(codes))
    return np.array([r2_gap(truth[rows], one[rows], other[rows]) for rows in kept])


@pytest.mark.parametrize("alpha", [0.025, 0.1])
def test_bca_of_the_same_draws_is_scipys(alpha):
    table = skewed(60)
    given = {"paired": True, "vectorized": True, "confidence_level": 1 - 2 * alpha, "rng": 3}
    oracle = stats.bootstrap(table, r2_gap, n_resamples=2_000, method="BCa", **given)

    without = left_out(*table, np.arange(60))
    found = bca(r2_gap(*table), oracle.bootstrap_distribution, without, alpha=alpha)
    assert found == pytest.approx(tuple(oracle.confidence_interval), abs=1e-12)


def test_bca_of_draws_that_no_cluster_moves_is_their_percentiles():
    drawn = np.linspace(-1, 1, 1_001)

    assert bca(0.0, drawn, np.ones(5), alpha=0.1) == pytest.approx((-0.8, 0.8))


def test_bca_is_finite_where_every_draw_is_on_one_side():
    low, high = bca(5.0, np.linspace(-1, 1, 1_001), np.arange(5.0), alpha=0.1)

    assert -1 <= low <= high <= 1


def test_widest_reaches_as_far_as_each_of_four():
    table = skewed(80)
    value, without = float(r2_gap(*table)), left_out(*table, np.arange(80))
    drawn = np.array(
        [r2_gap(*(np.repeat(of, counts.astype(int)) for of in table)) for counts in next(draws(80, 500, 1))]
    )
    low, high = widest(value, drawn, without, alpha=0.05)

    error = np.sqrt(79 / 80 * ((without - without.mean()) ** 2).sum())
    below, above = percentiles(drawn, alpha=0.05)
    ends = [
        (below, above),
        (2 * value - above, 2 * value - below),
        bca(value, drawn, without, alpha=0.05),
        stats.t.interval(0.9, 79, value, error),
    ]
    assert (low, high) == pytest.approx((min(each[0] for each in ends), max(each[1] for each in ends)))


def test_too_many_undefined_draws_leave_no_interval():
    drawn = np.where(np.arange(100) < 6, np.nan, 1.0)

    assert percentiles(drawn, alpha=0.1) is None
    assert percentiles(drawn[2:], alpha=0.1) == (1, 1)
    assert widest(1.0, drawn, np.ones(5), alpha=0.1) is None
    assert widest(1.0, drawn[6:], np.ones(1), alpha=0.1) is None


def test_difference_of_r2_is_inside_and_changes_its_sign_with_the_order():
    truth, one, other = skewed(500)
    together = Clusters("patient", np.arange(500) // 5)
    low, high = r2_difference_interval(truth, one, other, together, **GIVEN)

    assert 0 < low < r2_score(truth, one) - r2_score(truth, other) < high
    turned = r2_difference_interval(truth, other, one, together, **GIVEN)
    assert turned[1] < 0
    assert turned == pytest.approx((-high, -low), rel=1e-9)


def test_difference_of_r2_is_the_widest_of_naive_draws_of_clusters():
    table, codes = skewed(90), np.arange(90) % 30
    rows = [np.flatnonzero(codes == code) for code in range(30)]
    counts = np.concatenate(list(draws(30, 2_000, 1))).astype(int)
    drawn = [
        r2_gap(*(of[np.concatenate([rows[code] for code in np.repeat(np.arange(30), each)])] for of in table))
        for each in counts
    ]
    expected = widest(float(r2_gap(*table)), np.array(drawn), left_out(*table, codes), alpha=0.025)

    assert r2_difference_interval(*table, Clusters("day", codes), **GIVEN) == pytest.approx(expected, abs=1e-10)


def test_difference_of_r2_in_calm_worlds_is_that_of_the_clustered_error():
    rng = np.random.default_rng(4)
    codes = np.repeat(np.arange(200), 10)
    truth = rng.normal(size=2_000) + rng.normal(size=200)[codes]
    one, other = truth + rng.normal(size=2_000), truth + rng.normal(size=2_000) + rng.normal(size=200)[codes]
    together = Clusters("patient", codes)
    low, high = r2_difference_interval(truth, one, other, together, **GIVEN)

    first, second = (influence("r2", truth, Estimates("regression", said)) for said in (one, other))
    half = clustered_error(first.rows - second.rows, together).half_width(0.025)
    assert high - low == pytest.approx(2 * half, rel=0.1)
    alone = r2_difference_interval(truth, one, other, Clusters("row", np.arange(2_000)), **GIVEN)
    assert high - low > 1.3 * (alone[1] - alone[0])


def test_equal_models_differ_by_exactly_nothing():
    truth, one, _ = skewed(50)

    assert r2_difference_interval(truth, one, one, Clusters("row", np.arange(50)), **GIVEN) == (0, 0)


@pytest.mark.parametrize(
    ("truth", "codes"),
    [(np.ones(20), np.arange(20)), (np.eye(20)[0], np.arange(20)), (np.arange(20.0), np.zeros(20, dtype=np.int64))],
)
def test_labels_that_do_not_vary_and_a_single_cluster_say_nothing_of_the_difference(truth, codes):
    found = r2_difference_interval(truth, truth + 1, truth - 2, Clusters("day", codes), **GIVEN)

    assert found == (-np.inf, np.inf)
