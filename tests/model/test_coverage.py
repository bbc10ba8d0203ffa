"""Bootstrap intervals hold the true value as often as they claim, in worlds whose true values are known."""

from collections import Counter
from functools import cache

import numpy as np
import pytest
from scipy import integrate, stats

from evergreen.learning.evaluation.bootstrap import resampled_intervals
from evergreen.learning.evaluation.clusters import Clusters
from evergreen.learning.evaluation.estimates import Estimates

SHIFT, SHARE = 1.0, 0.3  # scores of true rows are N(SHIFT, 1), of the others N(0, 1); SHARE of the rows are true
SLOPE, FITTED, NOISE = 1.0, 0.7, 1.0


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
