"""Bootstrap intervals: every metric of a draw is that of its rows, and the interval is SciPy's."""

import numpy as np
import pytest
from sampled import alone, days, sample
from scipy import stats
from sklearn import metrics

from evergreen.learning.evaluation import bootstrap
from evergreen.learning.evaluation import intervals as by_variance
from evergreen.learning.evaluation.bootstrap import resampled_intervals
from evergreen.learning.evaluation.clusters import Clusters, clustered_error, draws
from evergreen.learning.evaluation.estimates import Estimates
from evergreen.learning.evaluation.influence import influence, mean_of
from evergreen.learning.evaluation.intervals import contributions
from evergreen.learning.evaluation.metrics import measure


def interval(labels, first, second, **changed):
    given = {"threshold": 0.4, "costs": {}, "resamples": 2_000, "confidence": 0.95, "seed": 1}
    given["clusters"] = alone(labels)
    return resampled_intervals(labels, first, second, **{**given, **changed})


def test_every_row_is_drawn_as_often_as_any_other():
    drawn = np.concatenate(list(draws(20_000, 30, 1)))

    assert drawn.shape == (30, 20_000)
    assert (drawn.sum(axis=1) == 20_000).all()
    assert stats.chisquare(drawn.sum(axis=0)).pvalue > 0.001


def test_intervals_agree_with_scipys():
    labels, first, second = sample("regression", n=300)

    def rmse(truth, values, axis=-1):
        return np.sqrt(((truth - values) ** 2).mean(axis=axis))

    def gain(truth, one, other, axis=-1):
        return rmse(truth, one, axis) - rmse(truth, other, axis)

    found = interval(labels, first, second)
    given = {"paired": True, "method": "percentile", "n_resamples": 4_000, "rng": 5, "vectorized": True}
    own = stats.bootstrap((labels, first.values), rmse, **given).confidence_interval
    difference = stats.bootstrap((labels, first.values, second.values), gain, **given).confidence_interval
    assert found.own["rmse"] == pytest.approx(tuple(own), abs=0.02)
    assert found.gain["rmse"] == pytest.approx(tuple(difference), abs=0.03)


@pytest.mark.parametrize("n", [300, bootstrap.MOST_ROWS + 1])
def test_gain_is_between_each_model_at_its_own_threshold(n):
    labels, first, _ = sample("binary", n=n)

    same = interval(labels, first, first, resamples=100)
    found = interval(labels, first, first, others_threshold=0.9, resamples=100)

    assert same.gain["recall"] == (0, 0)
    assert found.gain["roc_auc"] == (0, 0)
    difference = measure(labels, first, threshold=0.4)["recall"] - measure(labels, first, threshold=0.9)["recall"]
    assert 0 < found.gain["recall"][0] < difference < found.gain["recall"][1]
    assert found.own == same.own


def test_intervals_hold_their_metric_and_widen_with_confidence():
    labels, first, second = sample("binary")
    narrow, wide = (interval(labels, first, second, confidence=confidence) for confidence in (0.8, 0.99))

    for name, value in measure(labels, first, threshold=0.4).items():
        assert wide.own[name][0] < narrow.own[name][0] < narrow.own[name][1] < wide.own[name][1]
        assert name == "ece" or wide.own[name][0] < value < wide.own[name][1]


def test_gain_of_a_model_over_itself_is_exactly_zero():
    labels, first, _ = sample("multiclass")

    assert set(interval(labels, first, first).gain.values()) == {(0.0, 0.0)}


def test_gain_is_surer_than_the_two_intervals_because_rows_are_shared():
    labels, first, _ = sample("regression", n=400)
    second = Estimates("regression", first.values + 0.3)
    found, theirs = interval(labels, first, second), interval(labels, second, first)

    apart = (found.own["rmse"][1] - found.own["rmse"][0]) + (theirs.own["rmse"][1] - theirs.own["rmse"][0])
    assert found.gain["rmse"][1] - found.gain["rmse"][0] < apart / 2
    assert found.gain["rmse"][1] < 0


def test_same_seed_gives_the_same_intervals_and_another_one_others():
    labels, first, second = sample("binary")

    assert interval(labels, first, second) == interval(labels, first, second)
    assert interval(labels, first, second) != interval(labels, first, second, seed=2)


def test_metric_that_many_draws_leave_undefined_has_no_interval():
    labels = np.array([True] + [False] * 99)
    said = Estimates("binary", np.linspace(0, 0.9, 100))

    found = interval(labels, said, said).own
    assert "roc_auc" not in found  # a third of the draws have no positive row
    assert "accuracy" in found


def test_perfect_answers_are_not_certain():
    labels = np.array([True, False] * 15)
    said = Estimates("binary", labels.astype(float))

    low, high = interval(labels, said, said).own["accuracy"]
    assert (low, high) == (pytest.approx(0.025 ** (1 / 15)), 1.0)
    assert low == pytest.approx(stats.binomtest(15, 15).proportion_ci().low)


def test_undefined_metric_has_no_interval():
    labels = np.zeros(50)
    labels[0] = 1
    said = Estimates("regression", np.full(50, 0.5))

    assert "mape" not in interval(labels, said, said).own
    assert metrics.mean_absolute_percentage_error(labels, said.values) > 1e12


@pytest.mark.parametrize("task", ["binary", "regression"])
def test_long_table_has_the_intervals_of_all_its_rows(task):
    labels, first, second = sample(task, n=150_000)
    own = interval(labels, first, second, threshold=0.5, resamples=400).own
    value = measure(labels, first, threshold=0.5)

    judged = {"binary": "roc_auc", "regression": "r2"}[task]
    known = {judged: by_variance.interval(task, labels, contributions(task, labels, first.values), confidence=0.95)}
    if task == "binary":
        known["accuracy"] = stats.binomtest(round(value["accuracy"] * 150_000), 150_000).proportion_ci(0.95)
    else:
        error = np.abs(labels - first.values)
        known["mae"] = stats.norm.interval(0.95, error.mean(), stats.sem(error))
    for name, (low, high) in known.items():
        assert own[name] == pytest.approx((low, high), abs=0.15 * (high - low))
        assert own[name][0] < value[name] < own[name][1]


def test_long_table_draws_no_more_rows_than_one_of_fifty_thousand(monkeypatch):
    drawn = []
    monkeypatch.setattr(bootstrap, "draws", lambda n, *rest: drawn.append(n) or draws(n, *rest))
    for task, n, expected in (
        ("regression", 50_000, 50_000),
        ("regression", 80_000, 50_000),
        ("binary", 51_000, 50_000),
    ):
        interval(*sample(task, n=n), resamples=1)
        assert drawn.pop() == expected
    many = tuple(f"{number:02}" for number in range(40))
    said = Estimates("multiclass", np.random.default_rng(1).dirichlet(np.ones(40), 6_000), many)
    interval(said.compared, said, said, resamples=1)
    assert drawn == [5_000]


def test_gain_on_a_long_table_is_that_of_all_its_rows():
    labels, first, second = sample("regression", n=90_000)
    low, high = interval(labels, first, second, resamples=400).gain["mae"]

    gains = np.abs(labels - first.values) - np.abs(labels - second.values)
    expected = stats.norm.interval(0.95, gains.mean(), stats.sem(gains))
    assert (low, high) == pytest.approx(expected, abs=0.15 * (expected[1] - expected[0]))


def test_nearly_perfect_answers_on_a_long_table_stay_below_one():
    labels = np.arange(400_000) % 2 == 0
    said = labels.astype(float)
    wrong = np.sort(np.random.default_rng(1).choice(400_000, size=50_000, replace=False))[:3]  # all are drawn from
    said[wrong] = 1 - said[wrong]

    low, high = interval(labels, *[Estimates("binary", said)] * 2, resamples=100).own["accuracy"]
    assert low < 1 - 3 / 400_000 < high == 1.0


# Clusters


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
def test_intervals_of_rows_that_come_a_hundred_times_are_those_of_one(task):
    labels, first, second = sample(task)
    many = [Estimates(task, np.repeat(said.values, 100, axis=0), said.classes) for said in (first, second)]
    together = Clusters("patient", np.repeat(np.arange(151), 100))

    one = interval(labels, first, second, resamples=200)
    found = interval(np.repeat(labels, 100), *many, clusters=together, resamples=200)
    for of_one, of_many in zip(one, found, strict=True):
        for name in of_one.keys() - {"ece"}:  # its bins are of equal mass, and a row that comes often has more
            assert of_many[name] == pytest.approx(of_one[name], abs=1e-9), name


def test_intervals_of_days_that_share_a_shock_are_those_of_clustered_errors():
    rng = np.random.default_rng(6)
    codes = np.repeat(np.arange(60), 50)
    shock = rng.normal(size=60)[codes]
    late = rng.random(3_000) < stats.norm.cdf(shock - 0.5)
    said = Estimates("binary", stats.norm.cdf(rng.normal(size=3_000) + late))
    together = Clusters("day", codes)

    for metric in ("roc_auc", "brier", "log_loss"):
        low, high = interval(late, said, said, clusters=together).own[metric]
        rows = influence(metric, late, said).rows
        assert high - low == pytest.approx(2 * 1.96 * clustered_error(rows, together).se, rel=0.12)
    alone_low, alone_high = interval(late, said, said).own["brier"]
    assert high - low > 1.5 * (alone_high - alone_low)


def test_long_table_of_many_clusters_has_the_intervals_of_all_of_them():
    labels, first, second = sample("regression", n=150_000)
    together = Clusters("patient", np.repeat(np.arange(50_000), 3))
    shifted = Estimates("regression", first.values + np.random.default_rng(1).normal(size=50_000)[together.codes])
    low, high = interval(labels, shifted, second, clusters=together, resamples=400).own["mae"]

    expected = clustered_error(mean_of(np.abs(labels - shifted.values)).rows, together)
    assert high - low == pytest.approx(2 * expected.half_width(0.025), rel=0.15)


@pytest.mark.parametrize("task", ["binary", "regression"])
def test_long_table_of_few_clusters_keeps_all_of_them_and_all_rows_of_sums(task, monkeypatch):
    labels, first, second = sample(task, n=12_000)
    together = days(12_000, 40)
    whole = interval(labels, first, second, clusters=together, resamples=300)
    monkeypatch.setattr(bootstrap, "MOST_ROWS", 6_000)
    thinned = interval(labels, first, second, clusters=together, resamples=300)

    ranked = {"roc_auc", "average_precision", "median_absolute_error"}
    for of_all, of_some in zip(whole, thinned, strict=True):
        for name, ends in of_all.items():
            off = 0.35 * (ends[1] - ends[0]) if name in ranked else 1e-9
            assert of_some[name] == pytest.approx(ends, abs=off), name
    assert task == "regression" or thinned.own["roc_auc"] != pytest.approx(whole.own["roc_auc"], abs=1e-6)


def test_thinned_rows_are_as_large_a_share_of_each_cluster():
    together = days(10_000, 20)
    rows = bootstrap._thinned(together, 4_000, seed=1)

    share = np.bincount(together.codes[rows], minlength=20) - 0.4 * np.bincount(together.codes)
    assert len(np.unique(rows)) == 4_000
    assert np.abs(share).max() < 1


def test_perfect_answers_in_few_clusters_are_as_uncertain_as_those():
    labels = np.array([True, False] * 15)
    said = Estimates("binary", labels.astype(float))

    together = Clusters("patient", np.repeat(np.arange(10), 3))
    assert interval(labels, said, said, clusters=together).own["accuracy"] == (pytest.approx(0.025**0.1), 1.0)


def test_intervals_of_numbers_end_where_their_metric_does():
    labels = np.random.default_rng(5).lognormal(sigma=2, size=60)
    said = Estimates("regression", labels + 0.01 * np.random.default_rng(6).normal(size=60) * labels**1.5)

    own = interval(labels, said, said, resamples=300).own
    assert own["r2"][1] <= 1
    assert min(own[name][0] for name in ("rmse", "mae", "mape", "pinball", "median_absolute_error")) >= 0
