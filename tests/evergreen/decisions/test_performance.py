"""Matured performance: hand arithmetic on tiny samples, scikit-learn and the bootstrap on larger ones."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from sklearn import metrics

from evergreen.decisions.performance import Performance, measure
from evergreen.learning.evaluation import intervals
from evergreen.learning.evaluation.difference import PerformanceError


def scored(n: int, *, seed: int, shift: float = 1.0) -> tuple[pd.Series, np.ndarray]:
    rng = np.random.default_rng(seed)
    labels = rng.random(n) < 0.3
    return pd.Series(labels), stats.norm.cdf(rng.normal(shift * labels, 1.0))


def test_auc_equals_hand_arithmetic_with_ties():
    # Pairs of (positive, negative): (0.8, 0.5) 1, (0.8, 0.8) 1/2, (0.5, 0.5) 1/2, (0.5, 0.8) 0: 2 of 4.
    above, below = intervals.placements(np.array([True, True, False, False]), np.array([0.8, 0.5, 0.5, 0.8]))
    assert above.tolist() == [0.75, 0.25]
    assert below.tolist() == [0.75, 0.25]


def test_interval_equals_hand_arithmetic():
    # Positives 0.9 beat both kinds of negative, positives 0.4 beat only 0.2: placements 1 and 1/2; negatives 1 and 1/2.
    labels = pd.Series([True] * 20 + [False] * 20)
    scores = [0.9] * 10 + [0.4] * 10 + [0.2] * 10 + [0.6] * 10
    variance_ofplacements = 20 * 0.25**2 / 19
    half = 1.959963984540054 * (2 * variance_ofplacements / 20) ** 0.5
    found = measure("binary", labels, scores)
    assert found.value == 0.75
    assert (found.low, found.high) == pytest.approx((0.75 - half, 0.75 + half), abs=1e-12)


@pytest.mark.parametrize("digits", [17, 1])
def test_measures_equal_scikit_learn(digits):
    labels, scores = scored(2_000, seed=1)
    scores = scores.round(digits)
    found = measure("binary", labels, scores)
    assert found.value == pytest.approx(metrics.roc_auc_score(labels, scores), abs=1e-12)
    assert found.others["log_loss"] == pytest.approx(metrics.log_loss(labels, scores), abs=1e-12)
    assert found.others["brier"] == pytest.approx(metrics.brier_score_loss(labels, scores), abs=1e-12)


def test_log_loss_of_a_confident_miss_is_finite_as_in_scikit_learn():
    labels, scores = pd.Series([True, False] * 20), [0.0, 1.0] * 20
    assert measure("binary", labels, scores).others["log_loss"] == pytest.approx(metrics.log_loss(labels, scores))


def test_variance_equals_the_sum_over_all_pairs():
    labels, scores = scored(150, seed=2)
    scores = scores.round(2)
    true, false = scores[labels], scores[~labels]
    wins = (true[:, None] > false) + 0.5 * (true[:, None] == false)
    variance = wins.mean(axis=1).var(ddof=1) / len(true) + wins.mean(axis=0).var(ddof=1) / len(false)
    found = measure("binary", labels, scores, confidence=0.9)
    assert found.high - found.value == pytest.approx(stats.norm.isf(0.05) * variance**0.5, abs=1e-12)


def test_interval_covers_the_truth_as_often_as_it_says():
    truth = stats.norm.cdf(1 / 2**0.5)  # of two normals one deviation apart
    found = [measure("binary", *scored(400, seed=seed)) for seed in range(400)]
    covered = np.mean([each.low <= truth <= each.high for each in found])
    assert covered == pytest.approx(0.95, abs=0.03)


def test_interval_stays_between_nought_and_one():
    labels, scores = pd.Series([True] * 20 + [False] * 20), [0.9] * 19 + [0.1] + [0.2] * 20
    assert (measure("binary", labels, scores).high, measure("binary", ~labels, scores).low) == (1.0, 0.0)


def test_ten_labels_of_each_class_are_enough():
    assert measure("binary", pd.Series([True, False] * 10), [0.2, 0.4, 0.6, 0.5] * 5).verdict == "measured"


@pytest.mark.parametrize("right", [True, False])
def test_perfect_separation_leaves_room_for_what_was_not_seen(right):
    labels = pd.Series([True] * 20 + [False] * 30)
    found = measure("binary", labels, np.where(labels == right, 0.9, 0.1))
    bound = stats.binomtest(20, 20).proportion_ci(0.95, method="exact").low
    expected = (1.0, bound, 1.0) if right else (0.0, 0.0, 1 - bound)
    assert (found.value, found.low, found.high) == pytest.approx(expected)


def test_constant_score_is_exactly_one_half():
    found = measure("binary", pd.Series([True, False] * 50), [0.3] * 100)
    assert (found.value, found.low, found.high) == (0.5, 0.5, 0.5)


@pytest.mark.parametrize("dtype", ["boolean", "object", "float64"])
def test_rows_without_a_label_are_counted_and_left_out(dtype):
    labels, scores = scored(1_000, seed=3)
    gaps = labels.astype("boolean").mask(labels.index % 5 == 0)
    found = measure(
        "binary", gaps.astype(dtype) if dtype != "object" else gaps.astype("object").where(gaps.notna(), None), scores
    )
    kept = labels.index % 5 != 0
    assert (found.n_labelled, found.n_unlabelled) == (800, 200)
    assert found.model_dump(exclude={"n_unlabelled"}) == measure("binary", labels[kept], scores[kept]).model_dump(
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
    found = measure("binary", pd.Series(labels, dtype="boolean"), [0.5] * len(labels))
    assert (found.verdict, found.evidence) == ("unknown", evidence)
    assert (found.value, found.low, found.high) == (None, None, None)
    assert set(found.others) == ({"log_loss", "brier"} if found.n_labelled else set())


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
        measure("binary", pd.Series(labels), scores)
    assert raised.value.code == code


def test_performance_survives_json():
    found = measure("binary", *scored(200, seed=4))
    assert Performance.model_validate_json(found.model_dump_json()) == found


def named(n: int, *, seed: int, right: float = 0.7) -> tuple[pd.Series, np.ndarray]:
    """Return labels of three classes and answers, each right with probability `right`, or else any class."""
    rng = np.random.default_rng(seed)
    labels = rng.choice(["a", "b", "c"], n, p=[0.6, 0.3, 0.1])
    return pd.Series(labels), np.where(rng.random(n) < right, labels, rng.choice(["a", "b", "c"], n))


def numbers(n: int, *, seed: int, noise: float = 0.7) -> tuple[pd.Series, np.ndarray]:
    rng = np.random.default_rng(seed)
    truth = rng.normal(10, 2, n)
    return pd.Series(truth), truth + 2 * noise * rng.normal(size=n)


def test_balanced_accuracy_and_its_interval_equal_hand_arithmetic():
    labels = pd.Series(["a"] * 10 + ["b"] * 20)
    answers = ["a"] * 8 + ["b"] * 2 + ["b"] * 15 + ["a"] * 5
    found = measure("multiclass", labels, answers)
    # Of each class the share that is right, and the variance of ones and noughts with n - 1.
    variance = (10 * 0.8 * 0.2 / 9) / (4 * 10) + (20 * 0.75 * 0.25 / 19) / (4 * 20)
    half = 1.959963984540054 * variance**0.5
    assert (found.metric, found.value) == ("balanced_accuracy", pytest.approx(0.775))
    assert (found.low, found.high) == pytest.approx((0.775 - half, 0.775 + half), abs=1e-12)
    assert found.others == {"accuracy": pytest.approx(23 / 30)}
    assert found.evidence == f"balanced_accuracy 0.7750 [{found.low:.4f}, {found.high:.4f}] on 30 labelled rows"


def test_r2_and_its_interval_equal_hand_arithmetic():
    labels = pd.Series([0.0, 2.0] * 10)
    values = [0.0, 2.0] * 5 + [1.0, 1.0] * 5  # half of the rows wholly explained, half not at all
    found = measure("regression", labels, values)
    half = 1.959963984540054 * ((20 * 0.25 / 19) / 20) ** 0.5
    assert (found.metric, found.value) == ("r2", 0.5)
    assert (found.low, found.high) == pytest.approx((0.5 - half, 0.5 + half), abs=1e-12)
    assert found.others == {"rmse": pytest.approx(0.5**0.5), "mae": 0.5}


def test_values_equal_scikit_learn():
    labels, answers = named(500, seed=1)
    found = measure("multiclass", labels, answers)
    assert found.value == pytest.approx(metrics.balanced_accuracy_score(labels, answers), abs=1e-12)
    truth, values = numbers(500, seed=1)
    measured = measure("regression", truth, values)
    assert measured.value == pytest.approx(metrics.r2_score(truth, values), abs=1e-12)
    assert measured.others["rmse"] == pytest.approx(metrics.root_mean_squared_error(truth, values), abs=1e-12)
    assert measured.others["mae"] == pytest.approx(metrics.mean_absolute_error(truth, values), abs=1e-12)


def test_intervals_of_other_tasks_cover_the_truth_as_often_as_they_say():
    found = [measure("multiclass", *named(400, seed=seed)) for seed in range(400)]
    truth = 0.7 + 0.3 / 3
    assert np.mean([each.low <= truth <= each.high for each in found]) == pytest.approx(0.95, abs=0.03)
    found = [measure("regression", *numbers(400, seed=seed)) for seed in range(400)]
    assert np.mean([each.low <= 1 - 0.7**2 <= each.high for each in found]) == pytest.approx(0.95, abs=0.03)


@pytest.mark.parametrize(
    ("task", "labels", "judged", "evidence"),
    [
        ("multiclass", ["a"] * 30, ["a"] * 30, "30 labels of 1 class; at least 5 of each of two are needed"),
        ("multiclass", ["a"] * 30 + ["b"] * 4, ["a"] * 34, "4 labels of class b; at least 5 of each class are needed"),
        ("multiclass", [None] * 9, ["a"] * 9, "0 labels of 0 class; at least 5 of each of two are needed"),
        ("regression", [1.0, 2.0] * 9, [1.0] * 18, "18 labelled rows; at least 20 are needed"),
        ("regression", [2.0] * 40, [1.0] * 40, "all 40 labels are 2.0"),
        ("regression", [None] * 40, [1.0] * 40, "0 labelled rows; at least 20 are needed"),
    ],
)
def test_too_few_labels_of_other_tasks_are_unknown_and_say_why(task, labels, judged, evidence):
    dtype = "float64" if task == "regression" else "str"
    found = measure(task, pd.Series(labels, dtype=dtype), judged)
    assert (found.verdict, found.evidence, found.value) == ("unknown", evidence, None)


def test_rows_without_a_label_of_other_tasks_are_left_out():
    labels, answers = named(300, seed=3)
    gaps = labels.astype("str").mask(labels.index % 3 == 0)
    found = measure("multiclass", gaps, answers)
    assert (found.n_labelled, found.n_unlabelled) == (200, 100)
    assert found.value == measure("multiclass", labels[gaps.notna()], answers[gaps.notna()]).value


def test_answers_that_are_all_right_leave_room_for_what_was_not_seen():
    labels = pd.Series(["a"] * 20 + ["b"] * 30 + ["c"] * 25)
    found = measure("multiclass", labels, labels.to_numpy())
    assert (found.value, found.low, found.high) == pytest.approx((1.0, 0.025 ** (1 / 20), 1.0))
    wrong = measure("multiclass", labels, ["d"] * 75)
    assert (wrong.value, wrong.low, wrong.high) == pytest.approx((0.0, 0.0, 1 - 0.025 ** (1 / 20)))


@pytest.mark.parametrize(
    ("task", "labels", "judged", "code"),
    [
        ("regression", [1.0, 2.0], [1.0, np.nan], "PF002"),
        ("regression", [1.0, 2.0], [1.0, np.inf], "PF002"),
        ("regression", ["1", "2"], [1.0, 2.0], "PF004"),
        ("multiclass", ["a", "b"], ["a", None], "PF002"),
        ("multiclass", ["a", "b"], ["a"], "PF001"),
    ],
)
def test_what_does_not_belong_together_in_other_tasks_is_refused(task, labels, judged, code):
    with pytest.raises(PerformanceError) as raised:
        measure(task, pd.Series(labels), judged)
    assert raised.value.code == code
