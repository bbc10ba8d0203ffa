"""Evaluation: metrics of every task equal hand arithmetic and scikit-learn."""

import math

import numpy as np
import pytest
from sklearn import metrics

from evergreen.estimates import Estimates
from evergreen.evaluation import Comparison, Report, measure

# Five positives and five negatives; one of each is on the wrong side of 0.5.
LABELS = np.array([True, True, True, True, True, False, False, False, False, False])
PROBABILITIES = np.array([0.9, 0.8, 0.7, 0.6, 0.2, 0.7, 0.4, 0.3, 0.2, 0.1])


def truths(probabilities) -> Estimates:
    return Estimates("binary", probabilities)


@pytest.fixture(scope="module")
def sample():
    rng = np.random.default_rng(7)
    candidate = rng.random(2_000)
    return rng.random(2_000) < candidate, candidate, np.clip(candidate + rng.normal(0, 0.3, 2_000), 0.01, 0.99)


def test_metrics_equal_hand_arithmetic():
    found = measure(LABELS, truths(PROBABILITIES), threshold=0.5)

    above, ties = 5 + 5 + 4 + 4 + 1, 2  # pairs in which the positive is above: by positive; 0.7 and 0.2 tie
    assert found["roc_auc"] == pytest.approx((above + ties / 2) / 25)
    assert found["accuracy"] == pytest.approx(8 / 10)
    assert found["precision"] == pytest.approx(4 / 5)
    assert found["recall"] == pytest.approx(4 / 5)
    assert found["f1"] == pytest.approx(4 / 5)
    squares = [0.01, 0.04, 0.09, 0.16, 0.64, 0.49, 0.16, 0.09, 0.04, 0.01]
    assert found["brier"] == pytest.approx(sum(squares) / 10)
    likelihoods = [0.9, 0.8, 0.7, 0.6, 0.2, 0.3, 0.6, 0.7, 0.8, 0.9]
    assert found["log_loss"] == pytest.approx(-sum(map(math.log, likelihoods)) / 10)
    # Precision at each step of recall: 1/1, 2/2, then 0.7 brings one of each: 3/4, 4/5, and at 0.2: 5/9.
    assert found["average_precision"] == pytest.approx((1 + 1 + 3 / 4 + 4 / 5 + 5 / 9) / 5)


def test_metrics_equal_scikit_learn(sample):
    labels, probabilities, _ = sample
    chosen = probabilities >= 0.3

    assert measure(labels, truths(probabilities), threshold=0.3) == pytest.approx(
        {
            "roc_auc": metrics.roc_auc_score(labels, probabilities),
            "average_precision": metrics.average_precision_score(labels, probabilities),
            "log_loss": metrics.log_loss(labels, probabilities),
            "brier": metrics.brier_score_loss(labels, probabilities),
            "accuracy": metrics.accuracy_score(labels, chosen),
            "precision": metrics.precision_score(labels, chosen),
            "recall": metrics.recall_score(labels, chosen),
            "f1": metrics.f1_score(labels, chosen),
        }
    )


def test_probability_at_the_threshold_is_answered_with_the_positive_label():
    labels, probabilities = np.array([True, False]), np.array([0.5, 0.25])

    assert measure(labels, truths(probabilities), threshold=0.5)["recall"] == 1
    assert measure(labels, truths(probabilities), threshold=0.25)["accuracy"] == 0.5
    assert measure(labels, truths(probabilities), threshold=0.75)["recall"] == 0


@pytest.mark.parametrize("threshold", [0.0, 1.0])
def test_threshold_that_answers_all_alike_is_measured_without_complaint(threshold):
    found = measure(LABELS, truths(PROBABILITIES), threshold=threshold)

    assert all(math.isfinite(value) for value in found.values())
    assert found["precision"] == (0.5 if threshold == 0 else 0)


def test_ranking_metrics_do_not_depend_on_the_threshold():
    low, high = (measure(LABELS, truths(PROBABILITIES), threshold=threshold) for threshold in (0.1, 0.9))

    same = {name for name in low if low[name] == high[name]}
    assert {"roc_auc", "average_precision", "log_loss", "brier"} <= same
    assert not {"precision", "recall"} & same


def test_metrics_are_plain_numbers_that_json_can_hold(sample):
    labels, candidate, baseline = sample
    report = Report(
        family="gradient_boosting",
        baseline_family="logistic",
        candidate=measure(labels, truths(candidate), threshold=0.5),
        baseline=measure(labels, truths(baseline), threshold=0.5),
        train=measure(labels, truths(candidate), threshold=0.5),
        n_train=10,
        n_test=2_000,
    )

    assert Report.model_validate_json(report.model_dump_json()) == report
    assert {type(value) for value in report.candidate.values()} == {float}


def test_comparison_that_is_not_valid_has_a_reason_and_no_numbers():
    comparison = Comparison(champion_version=3, why_not="it has seen those rows")

    assert (comparison.difference, comparison.low, comparison.high) == (None, None, None)
    assert Comparison.model_validate_json(comparison.model_dump_json()) == comparison


# Three classes; one row of "b" and one of "c" are answered wrongly.
CLASSES = ("a", "b", "c")
NAMES = np.array(["a", "a", "b", "b", "b", "c"], dtype=object)
SHARES = np.array(
    [[0.8, 0.1, 0.1], [0.5, 0.3, 0.2], [0.2, 0.7, 0.1], [0.1, 0.6, 0.3], [0.2, 0.3, 0.5], [0.6, 0.1, 0.3]]
)


def test_metrics_of_classes_equal_hand_arithmetic():
    found = measure(NAMES, Estimates("multiclass", SHARES, CLASSES), threshold=0.5)

    assert found["accuracy"] == pytest.approx(4 / 6)
    assert found["balanced_accuracy"] == found["recall_macro"] == pytest.approx((1 + 2 / 3 + 0) / 3)
    assert found["precision_macro"] == pytest.approx((2 / 3 + 1 + 0) / 3)
    assert found["f1_macro"] == pytest.approx((2 * (2 / 3) / (5 / 3) + 2 * (2 / 3) / (5 / 3) + 0) / 3)
    assert found["log_loss"] == pytest.approx(-sum(map(math.log, (0.8, 0.5, 0.7, 0.6, 0.3, 0.3))) / 6)


@pytest.mark.parametrize("n_classes", [2, 3, 7])
def test_metrics_of_classes_equal_scikit_learn(n_classes):
    rng = np.random.default_rng(3)
    classes = tuple("abcdefg"[:n_classes])
    shares = rng.dirichlet(np.ones(n_classes), 500)
    labels = np.array([rng.choice(classes, p=row) for row in shares])

    found = measure(labels.astype(object), Estimates("multiclass", shares, classes), threshold=0.5)

    chosen = np.array(classes)[shares.argmax(axis=1)]
    macro = {"average": "macro", "zero_division": 0}
    expected = {
        "balanced_accuracy": metrics.balanced_accuracy_score(labels, chosen),
        "accuracy": metrics.accuracy_score(labels, chosen),
        "log_loss": metrics.log_loss(labels, shares),
        "f1_macro": metrics.f1_score(labels, chosen, **macro),
        "precision_macro": metrics.precision_score(labels, chosen, **macro),
        "recall_macro": metrics.recall_score(labels, chosen, **macro),
        "roc_auc_ovr": metrics.roc_auc_score(labels == "b", shares[:, 1])
        if n_classes == 2
        else metrics.roc_auc_score(labels, shares, multi_class="ovr", average="macro"),
    }
    assert found == pytest.approx(expected, abs=1e-12)
    assert {type(value) for value in found.values()} == {float}


def test_metrics_of_numbers_equal_hand_arithmetic():
    found = measure(
        np.array([1.0, 2.0, 3.0, 6.0]), Estimates("regression", np.array([1.0, 3.0, 3.0, 4.0])), threshold=0
    )

    assert found == pytest.approx(
        {"r2": 1 - 5 / 14, "rmse": (5 / 4) ** 0.5, "mae": 3 / 4, "median_absolute_error": 0.5}, abs=1e-12
    )
    assert {type(value) for value in found.values()} == {float}


def test_metrics_of_numbers_equal_scikit_learn():
    rng = np.random.default_rng(4)
    truth = rng.normal(size=300)
    values = truth + rng.normal(size=300)

    assert measure(truth, Estimates("regression", values), threshold=0.5) == pytest.approx(
        {
            "r2": metrics.r2_score(truth, values),
            "rmse": metrics.root_mean_squared_error(truth, values),
            "mae": metrics.mean_absolute_error(truth, values),
            "median_absolute_error": metrics.median_absolute_error(truth, values),
        }
    )
