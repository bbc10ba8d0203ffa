"""Evaluation: metrics equal hand arithmetic and scikit-learn, and figures are pictures, the same every time."""

import io
import math

import numpy as np
import pytest
from PIL import Image
from sklearn import metrics

from evergreen.evaluation import Comparison, Report, figures, measure

# Five positives and five negatives; one of each is on the wrong side of 0.5.
LABELS = np.array([True, True, True, True, True, False, False, False, False, False])
PROBABILITIES = np.array([0.9, 0.8, 0.7, 0.6, 0.2, 0.7, 0.4, 0.3, 0.2, 0.1])


@pytest.fixture(scope="module")
def sample():
    rng = np.random.default_rng(7)
    candidate = rng.random(2_000)
    return rng.random(2_000) < candidate, candidate, np.clip(candidate + rng.normal(0, 0.3, 2_000), 0.01, 0.99)


def test_metrics_equal_hand_arithmetic():
    found = measure(LABELS, PROBABILITIES, threshold=0.5)

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

    assert measure(labels, probabilities, threshold=0.3) == pytest.approx(
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

    assert measure(labels, probabilities, threshold=0.5)["recall"] == 1
    assert measure(labels, probabilities, threshold=0.25)["accuracy"] == 0.5
    assert measure(labels, probabilities, threshold=0.75)["recall"] == 0


@pytest.mark.parametrize("threshold", [0.0, 1.0])
def test_threshold_that_answers_all_alike_is_measured_without_complaint(threshold):
    found = measure(LABELS, PROBABILITIES, threshold=threshold)

    assert all(math.isfinite(value) for value in found.values())
    assert found["precision"] == (0.5 if threshold == 0 else 0)


def test_ranking_metrics_do_not_depend_on_the_threshold():
    low, high = (measure(LABELS, PROBABILITIES, threshold=threshold) for threshold in (0.1, 0.9))

    same = {name for name in low if low[name] == high[name]}
    assert {"roc_auc", "average_precision", "log_loss", "brier"} <= same
    assert not {"precision", "recall"} & same


def test_metrics_are_plain_numbers_that_json_can_hold(sample):
    labels, candidate, baseline = sample
    report = Report(
        family="gradient_boosting",
        baseline_family="logistic",
        candidate=measure(labels, candidate, threshold=0.5),
        baseline=measure(labels, baseline, threshold=0.5),
        train=measure(labels, candidate, threshold=0.5),
        n_train=10,
        n_test=2_000,
    )

    assert Report.model_validate_json(report.model_dump_json()) == report
    assert {type(value) for value in report.candidate.values()} == {float}


def test_comparison_that_is_not_valid_has_a_reason_and_no_numbers():
    comparison = Comparison(champion_version=3, why_not="it has seen those rows")

    assert (comparison.difference, comparison.low, comparison.high) == (None, None, None)
    assert Comparison.model_validate_json(comparison.model_dump_json()) == comparison


def test_figures_are_four_pictures_of_readable_size(sample):
    drawn = figures(*sample, threshold=0.5)

    assert set(drawn) == {"roc.png", "precision_recall.png", "reliability.png", "confusion_matrix.png"}
    for content in drawn.values():
        with Image.open(io.BytesIO(content)) as picture:
            picture.verify()
            assert (picture.format, picture.size) == ("PNG", (500, 450))


def test_figures_have_the_same_bytes_every_time(sample):
    assert figures(*sample, threshold=0.5) == figures(*sample, threshold=0.5)


def test_figures_show_what_they_are_drawn_from(sample):
    labels, candidate, baseline = sample
    drawn = figures(labels, candidate, baseline, threshold=0.5)

    other_model = figures(labels, baseline, candidate, threshold=0.5)
    assert all(other_model[name] != content for name, content in drawn.items())
    other_threshold = figures(labels, candidate, baseline, threshold=0.9)
    assert [name for name in drawn if drawn[name] != other_threshold[name]] == ["confusion_matrix.png"]


def test_figures_of_a_constant_score_are_drawn(sample):
    labels = sample[0]

    assert len(figures(labels, np.full(len(labels), 0.4), np.full(len(labels), 0.6), threshold=0.5)) == 4
