"""The difference of two models on the same rows: hand arithmetic, the paired bootstrap, and simulation."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from sklearn import metrics

from evergreen.decisions.performance import measure
from evergreen.learning.evaluation.difference import PerformanceError, difference


def two_scorers(n: int, *, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    labels = rng.random(n) < 0.3
    shared = rng.normal(labels, 1.0)
    return labels, shared + 0.4 * rng.normal(size=n), shared + 0.8 * rng.normal(size=n)


def test_difference_equals_hand_arithmetic():
    labels = [True] * 20 + [False] * 20
    first = [0.9] * 10 + [0.4] * 10 + [0.2] * 10 + [0.6] * 10
    second = [0.9] * 20 + [0.1] * 20
    # Placements of `second` are all 1, so the row-wise differences are 0 and -1/2 on either side.
    half = 1.959963984540054 * (2 * (20 * 0.25**2 / 19) / 20) ** 0.5
    found = difference("binary", labels, first, second, confidence=0.95)
    assert (found.first, found.second, found.difference) == (0.75, 1.0, -0.25)
    assert (found.low, found.high) == pytest.approx((-0.25 - half, -0.25 + half), abs=1e-12)


def test_difference_agrees_with_the_paired_bootstrap():
    labels, first, second = two_scorers(1_500, seed=5)

    def resampled(labels, first, second):
        return metrics.roc_auc_score(labels, first) - metrics.roc_auc_score(labels, second)

    oracle = stats.bootstrap(
        (labels, first, second),
        resampled,
        paired=True,
        vectorized=False,
        n_resamples=1_000,
        method="percentile",
        rng=np.random.default_rng(0),
    )
    found = difference("binary", labels, first, second, confidence=0.95)
    assert found.difference == pytest.approx(resampled(labels, first, second), abs=1e-12)
    assert (found.high - found.low) / 2 / 1.96 == pytest.approx(oracle.standard_error, rel=0.08)
    assert (found.low, found.high) == pytest.approx(tuple(oracle.confidence_interval), abs=0.003)


def test_pairing_narrows_the_interval():
    labels, first, second = two_scorers(1_500, seed=6)
    paired = difference("binary", labels, first, second, confidence=0.95)
    alone = [measure("binary", pd.Series(labels), stats.norm.cdf(each)) for each in (first, second)]
    unpaired = np.hypot(*[each.high - each.low for each in alone])
    assert paired.high - paired.low < 0.7 * unpaired


def test_difference_changes_sign_with_the_order():
    labels, first, second = two_scorers(300, seed=7)
    ahead = difference("binary", labels, first, second, confidence=0.9)
    behind = difference("binary", labels, second, first, confidence=0.9)
    assert (behind.difference, behind.low, behind.high) == pytest.approx((-ahead.difference, -ahead.high, -ahead.low))


def test_scorers_that_order_alike_differ_by_exactly_nothing():
    labels, first, _ = two_scorers(300, seed=8)
    found = difference("binary", labels, first, np.exp(first), confidence=0.95)
    assert (found.difference, found.low, found.high) == (0.0, 0.0, 0.0)


@pytest.mark.parametrize(
    ("labels", "first", "second", "code"),
    [
        ([True, False], [1.0], [1.0, 2.0], "PF001"),
        ([True, False], [1.0, 2.0], [1.0, np.nan], "PF002"),
        ([True] * 30, [1.0] * 30, [1.0] * 30, "PF003"),
        ([True] * 30 + [False] * 9, [1.0] * 39, [1.0] * 39, "PF003"),
    ],
)
def test_rows_that_cannot_be_compared_are_refused(labels, first, second, code):
    with pytest.raises(PerformanceError) as raised:
        difference("binary", labels, first, second, confidence=0.95)
    assert raised.value.code == code


def named(n: int, *, seed: int, right: float = 0.7) -> tuple[pd.Series, np.ndarray]:
    """Return labels of three classes and answers, each right with probability `right`, or else any class."""
    rng = np.random.default_rng(seed)
    labels = rng.choice(["a", "b", "c"], n, p=[0.6, 0.3, 0.1])
    return pd.Series(labels), np.where(rng.random(n) < right, labels, rng.choice(["a", "b", "c"], n))


def numbers(n: int, *, seed: int, noise: float = 0.7) -> tuple[pd.Series, np.ndarray]:
    rng = np.random.default_rng(seed)
    truth = rng.normal(10, 2, n)
    return pd.Series(truth), truth + 2 * noise * rng.normal(size=n)


def test_difference_in_balanced_accuracy_equals_hand_arithmetic():
    labels = ["a"] * 10 + ["b"] * 20
    first = ["a"] * 10 + ["b"] * 15 + ["a"] * 5
    second = ["a"] * 6 + ["b"] * 4 + ["b"] * 20
    found = difference("multiclass", labels, first, second, confidence=0.95)
    # Row-wise: of a, 4 of 10 gained; of b, 5 of 20 lost.
    variance = (10 * 0.4 * 0.6 / 9) / (4 * 10) + (20 * 0.25 * 0.75 / 19) / (4 * 20)
    half = 1.959963984540054 * variance**0.5
    assert (found.first, found.second) == pytest.approx(((1 + 0.75) / 2, (0.6 + 1) / 2))
    assert found.difference == pytest.approx(0.2 - 0.125)
    assert (found.low, found.high) == pytest.approx((0.075 - half, 0.075 + half), abs=1e-12)


def test_difference_in_r2_equals_hand_arithmetic():
    labels = [0.0, 2.0] * 10
    found = difference("regression", labels, labels, [0.0, 2.0] * 5 + [1.0, 1.0] * 5, confidence=0.9)
    half = stats.norm.isf(0.05) * ((20 * 0.25 / 19) / 20) ** 0.5
    assert (found.first, found.second, found.difference) == (1.0, 0.5, 0.5)
    assert (found.low, found.high) == pytest.approx((0.5 - half, 0.5 + half), abs=1e-12)


def test_difference_in_balanced_accuracy_agrees_with_simulation():
    rng = np.random.default_rng(6)
    labels = np.repeat(["a", "b", "c"], [240, 120, 40])

    def drawn():
        shared = rng.random(400)
        first = np.where(shared < 0.8, labels, "d")
        return first, np.where((shared < 0.8) & (rng.random(400) < 0.9), labels, "d")

    found = [difference("multiclass", labels, *drawn(), confidence=0.95) for _ in range(400)]
    gaps = np.array([each.difference for each in found])
    errors = np.array([(each.high - each.low) / 2 / 1.959963984540054 for each in found])
    assert gaps.mean() == pytest.approx(0.08, abs=0.005)
    assert errors.mean() == pytest.approx(gaps.std(ddof=1), rel=0.1)


def test_difference_in_r2_agrees_with_simulation():
    rng = np.random.default_rng(7)
    truth = rng.normal(size=300)

    def drawn():
        shared = truth + 0.5 * rng.normal(size=300)
        return shared, shared + 0.4 * rng.normal(size=300)

    found = [difference("regression", truth, *drawn(), confidence=0.95) for _ in range(400)]
    gaps = np.array([each.difference for each in found])
    errors = np.array([(each.high - each.low) / 2 / 1.959963984540054 for each in found])
    assert gaps.mean() == pytest.approx(0.16 / truth.var(), rel=0.05)
    assert errors.mean() == pytest.approx(gaps.std(ddof=1), rel=0.1)


@pytest.mark.parametrize(("task", "sample"), [("multiclass", named), ("regression", numbers)])
def test_equal_answers_differ_by_exactly_nothing_and_the_order_changes_the_sign(task, sample):
    labels, first = sample(300, seed=8)
    second = sample(300, seed=8, **({"right": 0.5} if task == "multiclass" else {"noise": 0.9}))[1]
    same = difference(task, labels, first, first, confidence=0.95)
    assert (same.difference, same.low, same.high) == (0.0, 0.0, 0.0)
    ahead, behind = (difference(task, labels, *pair, confidence=0.9) for pair in ((first, second), (second, first)))
    assert (behind.difference, behind.low, behind.high) == pytest.approx((-ahead.difference, -ahead.high, -ahead.low))
