"""The gate's metrics and their intervals: against scikit-learn, SciPy and hand arithmetic."""

import numpy as np
import pytest
from scipy import stats
from sklearn.metrics import balanced_accuracy_score, r2_score, roc_auc_score

from evergreen.learning.evaluation.intervals import contributions, half_width, interval, too_few

RNG = np.random.default_rng(3)
TRUE = RNG.random(80) < 0.4
SCORES = np.round(TRUE * 0.5 + RNG.random(80), 1)  # with ties
NAMES = np.array(["a", "b", "c"])[RNG.integers(0, 3, 80)]
ANSWERS = np.where(RNG.random(80) < 0.7, NAMES, "a")
VALUES = RNG.normal(size=80)
CASES = {
    "binary": (TRUE, SCORES, roc_auc_score),
    "multiclass": (NAMES, ANSWERS, balanced_accuracy_score),
    "regression": (VALUES, VALUES + RNG.normal(size=80) / 3, r2_score),
}


@pytest.mark.parametrize("task", CASES)
def test_value_is_scikit_learns_and_is_made_of_the_contributions(task):
    labels, judged, measure = CASES[task]
    found = contributions(task, labels, judged)
    assert found.value == pytest.approx(measure(labels, judged), abs=1e-12)
    assert sum(map(len, found.groups)) == 80
    means = [group.mean() for group in found.groups]
    assert found.value == pytest.approx(sum(means) if task == "multiclass" else means[0], abs=1e-12)


def test_auc_of_hand_counted_pairs():
    found = contributions("binary", np.array([True, True, False, False]), np.array([3, 1, 1, 0]))
    above, below = found.groups  # of the pairs, 3.5 of 4 are in order
    assert (found.value, above.tolist(), below.tolist()) == (0.875, [1.0, 0.75], [0.75, 1.0])


@pytest.mark.parametrize("confidence", [0.8, 0.95])
def test_half_width_is_the_normal_one_of_a_mean(confidence):
    sample = RNG.normal(size=50)
    low, high = stats.norm.interval(confidence, scale=stats.sem(sample))
    assert half_width((sample,), confidence=confidence) == pytest.approx((high - low) / 2)
    two = half_width((sample, sample), confidence=confidence)
    assert two == pytest.approx(half_width((sample,), confidence=confidence) * 2**0.5)


@pytest.mark.parametrize("task", CASES)
def test_interval_holds_the_value_and_agrees_with_the_bootstrap(task):
    labels, judged, measure = CASES[task]
    low, high = interval(task, labels, contributions(task, labels, judged), confidence=0.9)
    rng = np.random.default_rng(5)
    drawn = [measure(labels[rows], judged[rows]) for rows in rng.integers(0, 80, (300, 80))]
    width = np.quantile(drawn, 0.95) - np.quantile(drawn, 0.05)
    assert low < measure(labels, judged) < high <= 1
    assert high - low == pytest.approx(width, rel=0.35)


@pytest.mark.parametrize(("right", "open_end"), [(True, 0), (False, 1)])
def test_rows_all_answered_alike_have_the_exact_bound_of_clopper_and_pearson(right, open_end):
    labels = np.array(["a"] * 6 + ["b"] * 9)
    judged = labels if right else np.where(labels == "a", "b", "a")
    found = interval("multiclass", labels, contributions("multiclass", labels, judged), confidence=0.95)
    exact = stats.binomtest(6 if right else 0, 6).proportion_ci(0.95, "exact")
    assert found[open_end] == pytest.approx(exact[open_end])
    assert found[1 - open_end] == float(right)


@pytest.mark.parametrize(
    ("task", "labels", "says"),
    [
        ("binary", [True] * 10 + [False] * 9, "10 positive and 9 negative"),
        ("binary", [True] * 10 + [False] * 10, ""),
        ("multiclass", ["a"] * 5 + ["b"] * 4, "4 labels of class b"),
        ("multiclass", ["a"] * 9, "9 labels of 1 class"),
        ("multiclass", ["a"] * 5 + ["b"] * 5, ""),
        ("regression", [*range(19)], "19 labelled rows"),
        ("regression", [1.0] * 20, "all 20 labels are 1.0"),
        ("regression", [*range(20)], ""),
    ],
)
def test_too_few_labels_say_how_many_are_needed(task, labels, says):
    found = too_few(task, np.array(labels))
    assert found.startswith(says)
    assert bool(found) == bool(says)
