"""Bootstrap intervals hold the true value as often as they claim, in worlds whose true values are known."""

from collections import Counter
from functools import cache

import numpy as np
import pytest
from scipy import integrate, stats

from evergreen.learning.evaluation.bca import bca, percentiles, r2_difference_interval
from evergreen.learning.evaluation.bootstrap import resampled_intervals
from evergreen.learning.evaluation.clusters import Clusters, draws
from evergreen.learning.evaluation.estimates import Estimates
from evergreen.learning.evaluation.intervals import contributions
from evergreen.learning.evaluation.intervals import interval as linearised

SHIFT, SHARE = 1.0, 0.3  # scores of true rows are N(SHIFT, 1), of the others N(0, 1); SHARE of the rows are true
SLOPE, FITTED, NOISE = 1.0, 0.7, 1.0
SIGMA, LEARNT = 1.5, 0.8  # of a lognormal target, half of whose log is known; another model learnt 0.8 of that half


def density(score):
    return SHARE * stats.norm.pdf(score, SHIFT) + (1 - SHARE) * stats.norm.pdf(score)


def chance(score):
    return SHARE * stats.norm.pdf(score, SHIFT) / density(score)


def expected(loss):
    return integrate.quad(lambda score: density(score) * loss(chance(score)), -12, 12)[0]


@cache
def truths():
    """Return the metrics of the true probabilities, and those of a fitted slope, over all possible rows."""
    error = (SLOPE - FITTED) ** 2 + NOISE**2
    return {
        "roc_auc": stats.norm.cdf(SHIFT / np.sqrt(2)),
        "log_loss": expected(lambda p: -p * np.log(p) - (1 - p) * np.log1p(-p)),
        "accuracy": expected(lambda p: max(p, 1 - p)),
        "rmse": np.sqrt(error),
        "r2": 1 - error / (SLOPE**2 + NOISE**2),
    }


def coverage(n_rows, campaigns, resamples):
    held = Counter()
    given = {"threshold": 0.5, "costs": {}, "resamples": resamples, "confidence": 0.95}
    given["clusters"] = Clusters("row", np.arange(n_rows))
    for seed in range(campaigns):
        rng = np.random.default_rng([n_rows, seed])
        late = rng.random(n_rows) < SHARE
        said = Estimates("binary", chance(rng.normal(size=n_rows) + SHIFT * late))
        x = rng.normal(size=n_rows)
        target, values = SLOPE * x + NOISE * rng.normal(size=n_rows), Estimates("regression", FITTED * x)
        found = {**resampled_intervals(late, said, said, seed=seed, **given).own}
        found |= resampled_intervals(target, values, values, seed=seed, **given).own
        held.update(name for name, value in truths().items() if found[name][0] <= value <= found[name][1])
    return {name: held[name] / campaigns for name in truths()}


def test_intervals_hold_the_true_value_in_a_short_campaign():
    found = coverage(n_rows=800, campaigns=80, resamples=300)

    low, high = stats.binom.ppf([0.001, 0.999], 80, 0.95) / 80
    assert all(low <= share <= high for share in found.values()), found


@pytest.mark.long
def test_intervals_hold_the_true_value_in_95_of_100_samples():
    found = coverage(n_rows=1_000, campaigns=1_500, resamples=600)

    assert all(0.93 <= share <= 0.97 for share in found.values()), found


# Skewed targets


def skewed(n_rows, seed):
    """Return a lognormal target, its expectation by what is known of it, and what the other model says of it."""
    side = SIGMA / np.sqrt(2)
    known, unknown = side * np.random.default_rng([n_rows, seed]).normal(size=(2, n_rows))
    return np.exp(known + unknown), np.exp(known + side**2 / 2), np.exp(LEARNT * known + side**2 / 2)


def skewed_truths():
    """Return R² of the expectation over all possible rows, and how much more it is than that of the other model."""
    half = SIGMA**2 / 2
    square, expected, other, both = np.exp(
        [4 * half, 3 * half, (1 + 2 * LEARNT**2) * half, (1 + LEARNT) ** 2 * half / 2]
    )
    variance = square - np.exp(2 * half)
    error = square - 2 * np.exp(half) * both + other
    return 1 - (square - expected) / variance, (error - (square - expected)) / variance


def alone(target, values):
    """Return R²'s interval linearised in its two means, and those of its draws by percentiles and by BCa."""
    table = np.column_stack([np.ones(len(target)), target - target.mean(), (target - target.mean()) ** 2])
    table = np.column_stack([table, (target - values) ** 2])

    def r2(sums):
        n, centre, spread, error = np.moveaxis(sums, -1, 0)
        return 1 - error / (spread - centre**2 / n)

    drawn = np.concatenate([r2(counts @ table) for counts in draws(len(target), 1_000, 1)])
    value, without = r2(table.sum(axis=0)), r2(table.sum(axis=0) - table)
    return {
        "linearised": linearised("regression", target, contributions("regression", target, values), confidence=0.95),
        "percentiles": percentiles(drawn, alpha=0.025),
        "bca": bca(value, drawn, without, alpha=0.025),
    }


def skewed_errors(n_rows, campaigns, *, each=False):
    """Return how often an interval of 95 % lies wholly above, and wholly below, the true value, by method."""
    own, gap = skewed_truths()
    off = {}
    rows = Clusters("row", np.arange(n_rows))
    for seed in range(campaigns):
        target, values, others = skewed(n_rows, seed)
        given = {"threshold": 0.5, "costs": {}, "resamples": 1_000, "confidence": 0.95, "clusters": rows, "seed": seed}
        said = [Estimates("regression", of) for of in (values, others)]
        found = {"r2": resampled_intervals(target, *said, **given).own["r2"]} | (alone(target, values) if each else {})
        ends = {name: (interval, own) for name, interval in found.items()}
        drawing = {"alpha": 0.025, "resamples": 1_000, "seed": seed}
        ends["difference"] = r2_difference_interval(target, values, others, rows, **drawing), gap
        for name, ((low, high), true) in ends.items():
            off.setdefault(name, []).append((true < low, true > high))
    return {name: tuple(np.mean(sides, axis=0)) for name, sides in off.items()}


def test_skewed_truths_are_those_of_very_many_rows():
    target, values, others = skewed(4_000_000, 1)
    r2, gap = skewed_truths()

    known = np.log(target)
    assert known.std() == pytest.approx(SIGMA, rel=0.01)
    error = [((target - of) ** 2).mean() for of in (values, others)]
    assert 1 - error[0] / target.var() == pytest.approx(r2, abs=0.05)
    assert (error[1] - error[0]) / target.var() == pytest.approx(gap, abs=0.03)


def test_intervals_of_r2_hold_on_a_skewed_target_in_a_short_campaign():
    off = skewed_errors(n_rows=1_000, campaigns=60)

    assert all(sum(sides) < stats.binom.ppf(0.999, 60, 0.09) / 60 for sides in off.values()), off


@pytest.mark.long
def test_intervals_of_r2_hold_the_true_value_in_9_of_10_samples_of_a_skewed_target():
    off = skewed_errors(n_rows=1_000, campaigns=1_000, each=True)

    held = {name: 1 - sum(sides) for name, sides in off.items()}
    assert held["r2"] >= 0.9, off
    assert held["difference"] >= 0.95, off
    assert max(off["difference"]) <= 0.025, off
    assert max(held["linearised"], held["bca"]) < 0.88, off
