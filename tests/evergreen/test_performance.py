"""Matured performance: hand arithmetic on tiny samples, scikit-learn and the bootstrap on larger ones."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from sklearn import metrics

from evergreen import performance
from evergreen.performance import Performance, PerformanceError, auc_difference, measure


def scored(n: int, *, seed: int, shift: float = 1.0) -> tuple[pd.Series, np.ndarray]:
    rng = np.random.default_rng(seed)
    labels = rng.random(n) < 0.3
    return pd.Series(labels), stats.norm.cdf(rng.normal(shift * labels, 1.0))


# --- the AUC ---------------------------------------------------------------------------------------------------------


def test_auc_equals_hand_arithmetic_with_ties():
    # Pairs of (positive, negative): (0.8, 0.5) 1, (0.8, 0.8) 1/2, (0.5, 0.5) 1/2, (0.5, 0.8) 0: 2 of 4.
    above, below = performance._placements(np.array([True, True, False, False]), np.array([0.8, 0.5, 0.5, 0.8]))
    assert above.tolist() == [0.75, 0.25]
    assert below.tolist() == [0.75, 0.25]


def test_interval_equals_hand_arithmetic():
    # Positives 0.9 beat both kinds of negative, positives 0.4 beat only 0.2: placements 1 and 1/2; negatives 1 and 1/2.
    labels = pd.Series([True] * 20 + [False] * 20)
    scores = [0.9] * 10 + [0.4] * 10 + [0.2] * 10 + [0.6] * 10
    variance_of_placements = 20 * 0.25**2 / 19
    half = 1.959963984540054 * (2 * variance_of_placements / 20) ** 0.5
    found = measure(labels, scores)
    assert found.auc == 0.75
    assert (found.low, found.high) == pytest.approx((0.75 - half, 0.75 + half), abs=1e-12)


@pytest.mark.parametrize("digits", [17, 1])
def test_measures_equal_scikit_learn(digits):
    labels, scores = scored(2_000, seed=1)
    scores = scores.round(digits)
    found = measure(labels, scores)
    assert found.auc == pytest.approx(metrics.roc_auc_score(labels, scores), abs=1e-12)
    assert found.log_loss == pytest.approx(metrics.log_loss(labels, scores), abs=1e-12)
    assert found.brier == pytest.approx(metrics.brier_score_loss(labels, scores), abs=1e-12)


def test_log_loss_of_a_confident_miss_is_finite_as_in_scikit_learn():
    labels, scores = pd.Series([True, False] * 20), [0.0, 1.0] * 20
    assert measure(labels, scores).log_loss == pytest.approx(metrics.log_loss(labels, scores))


def test_variance_equals_the_sum_over_all_pairs():
    labels, scores = scored(150, seed=2)
    scores = scores.round(2)
    true, false = scores[labels], scores[~labels]
    wins = (true[:, None] > false) + 0.5 * (true[:, None] == false)
    variance = wins.mean(axis=1).var(ddof=1) / len(true) + wins.mean(axis=0).var(ddof=1) / len(false)
    found = measure(labels, scores, confidence=0.9)
    assert found.high - found.auc == pytest.approx(stats.norm.isf(0.05) * variance**0.5, abs=1e-12)


def test_interval_covers_the_truth_as_often_as_it_says():
    truth = stats.norm.cdf(1 / 2**0.5)  # of two normals one deviation apart
    found = [measure(*scored(400, seed=seed)) for seed in range(400)]
    covered = np.mean([each.low <= truth <= each.high for each in found])
    assert covered == pytest.approx(0.95, abs=0.03)


def test_interval_stays_between_nought_and_one():
    labels, scores = pd.Series([True] * 20 + [False] * 20), [0.9] * 19 + [0.1] + [0.2] * 20
    assert (measure(labels, scores).high, measure(~labels, scores).low) == (1.0, 0.0)


def test_ten_labels_of_each_class_are_enough():
    assert measure(pd.Series([True, False] * 10), [0.2, 0.4, 0.6, 0.5] * 5).verdict == "measured"


@pytest.mark.parametrize("right", [True, False])
def test_perfect_separation_leaves_room_for_what_was_not_seen(right):
    labels = pd.Series([True] * 20 + [False] * 30)
    found = measure(labels, np.where(labels == right, 0.9, 0.1))
    bound = stats.binomtest(20, 20).proportion_ci(0.95, method="exact").low
    expected = (1.0, bound, 1.0) if right else (0.0, 0.0, 1 - bound)
    assert (found.auc, found.low, found.high) == pytest.approx(expected)


def test_constant_score_is_exactly_one_half():
    found = measure(pd.Series([True, False] * 50), [0.3] * 100)
    assert (found.auc, found.low, found.high) == (0.5, 0.5, 0.5)


# --- labels that are missing, few or wrong ---------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["boolean", "object", "float64"])
def test_rows_without_a_label_are_counted_and_left_out(dtype):
    labels, scores = scored(1_000, seed=3)
    gaps = labels.astype("boolean").mask(labels.index % 5 == 0)
    found = measure(
        gaps.astype(dtype) if dtype != "object" else gaps.astype("object").where(gaps.notna(), None), scores
    )
    kept = labels.index % 5 != 0
    assert (found.n_labelled, found.n_unlabelled) == (800, 200)
    assert found.model_dump(exclude={"n_unlabelled"}) == measure(labels[kept], scores[kept]).model_dump(
        exclude={"n_unlabelled"}
    )


@pytest.mark.parametrize(
    ("labels", "evidence"),
    [
        ([True] * 50, "50 positive and 0 negative labels; at least 10 of each are needed"),
        ([True] * 9 + [False] * 41, "9 positive and 41 negative labels; at least 10 of each are needed"),
        ([None] * 50, "0 positive and 0 negative labels; at least 10 of each are needed"),
        ([], "0 positive and 0 negative labels; at least 10 of each are needed"),
    ],
)
def test_too_few_labels_are_unknown_and_say_why(labels, evidence):
    found = measure(pd.Series(labels, dtype="boolean"), [0.5] * len(labels))
    assert (found.verdict, found.evidence) == ("unknown", evidence)
    assert (found.auc, found.low, found.high) == (None, None, None)
    assert (found.brier is None) == (found.n_labelled == 0)


@pytest.mark.parametrize(
    ("labels", "scores", "code"),
    [
        ([True, False], [0.5], "PF001"),
        ([True, False], [0.5, np.nan], "PF002"),
        ([True, False], [0.5, 1.1], "PF002"),
        (["False", "True"], [0.5, 0.5], "PF004"),
        ([2, 0], [0.5, 0.5], "PF004"),
    ],
)
def test_what_does_not_belong_together_is_refused(labels, scores, code):
    with pytest.raises(PerformanceError) as raised:
        measure(pd.Series(labels), scores)
    assert raised.value.code == code


def test_performance_survives_json():
    found = measure(*scored(200, seed=4))
    assert Performance.model_validate_json(found.model_dump_json()) == found


# --- the difference --------------------------------------------------------------------------------------------------


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
    found = auc_difference(labels, first, second, confidence=0.95)
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
    found = auc_difference(labels, first, second, confidence=0.95)
    assert found.difference == pytest.approx(resampled(labels, first, second), abs=1e-12)
    assert (found.high - found.low) / 2 / 1.96 == pytest.approx(oracle.standard_error, rel=0.08)
    assert (found.low, found.high) == pytest.approx(tuple(oracle.confidence_interval), abs=0.003)


def test_pairing_narrows_the_interval():
    labels, first, second = two_scorers(1_500, seed=6)
    paired = auc_difference(labels, first, second, confidence=0.95)
    alone = [measure(pd.Series(labels), stats.norm.cdf(each)) for each in (first, second)]
    unpaired = np.hypot(*[each.high - each.low for each in alone])
    assert paired.high - paired.low < 0.7 * unpaired


def test_difference_changes_sign_with_the_order():
    labels, first, second = two_scorers(300, seed=7)
    ahead = auc_difference(labels, first, second, confidence=0.9)
    behind = auc_difference(labels, second, first, confidence=0.9)
    assert (behind.difference, behind.low, behind.high) == pytest.approx((-ahead.difference, -ahead.high, -ahead.low))


def test_scorers_that_order_alike_differ_by_exactly_nothing():
    labels, first, _ = two_scorers(300, seed=8)
    found = auc_difference(labels, first, np.exp(first), confidence=0.95)
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
        auc_difference(labels, first, second, confidence=0.95)
    assert raised.value.code == code
