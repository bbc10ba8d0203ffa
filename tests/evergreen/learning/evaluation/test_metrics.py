"""Evaluation: metrics of every task equal hand arithmetic and scikit-learn."""

import math
import re
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
import yaml
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from sklearn import metrics

from evergreen.config.objectives import METRICS, fitting
from evergreen.config.params.evaluate import EvaluateParams
from evergreen.learning.evaluation import measure, score
from evergreen.learning.evaluation.estimates import Estimates
from evergreen.learning.evaluation.metrics import undefined

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


scores = st.one_of(st.floats(0, 1), st.sampled_from([0.0, 0.25, 0.5, 1.0]))


@settings(max_examples=40)
@given(st.lists(st.tuples(st.booleans(), scores), min_size=2, max_size=60), st.floats(0, 1))
def test_metrics_of_truths_equal_scikit_learn(rows, threshold):
    labels, probabilities = np.array([label for label, _ in rows]), np.array([said for _, said in rows])
    assume(0 < labels.sum() < len(labels))
    chosen = probabilities >= threshold
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # scikit-learn's, where nothing is answered with true
        expected = {
            "roc_auc": metrics.roc_auc_score(labels, probabilities),
            "average_precision": metrics.average_precision_score(labels, probabilities),
            "balanced_accuracy": metrics.balanced_accuracy_score(labels, chosen),
            "accuracy": metrics.accuracy_score(labels, chosen),
            "log_loss": metrics.log_loss(labels, probabilities),
            "brier": metrics.brier_score_loss(labels, probabilities),
            "precision": metrics.precision_score(labels, chosen),
            "recall": metrics.recall_score(labels, chosen),
            "f1": metrics.f1_score(labels, chosen),
            "matthews": metrics.matthews_corrcoef(labels, chosen),
        }

    if not chosen.any():
        del expected["precision"]
    found = measure(labels, truths(probabilities), threshold=threshold)

    assert {name: found[name] for name in expected} == pytest.approx(expected, abs=1e-12)
    assert found.keys() - expected.keys() == {"ece"}


def test_probability_at_the_threshold_is_answered_with_the_positive_label():
    labels, probabilities = np.array([True, False]), np.array([0.5, 0.25])

    assert measure(labels, truths(probabilities), threshold=0.5)["recall"] == 1
    assert measure(labels, truths(probabilities), threshold=0.25)["accuracy"] == 0.5
    assert measure(labels, truths(probabilities), threshold=0.75)["recall"] == 0


@pytest.mark.parametrize("threshold", [0.0, 1.0])
def test_threshold_that_answers_all_alike_is_measured_without_complaint(threshold):
    found = measure(LABELS, truths(PROBABILITIES), threshold=threshold)

    assert all(math.isfinite(value) for value in found.values())
    assert found.get("precision") == (0.5 if threshold == 0 else None)
    assert threshold == 0 or undefined(LABELS, truths(PROBABILITIES), threshold=1.0) == {
        "precision": "no row is answered with true"
    }
    assert score("precision", LABELS, truths(PROBABILITIES), threshold=1.0) == 0  # for a search to compare by


def test_ranking_metrics_do_not_depend_on_the_threshold():
    low, high = (measure(LABELS, truths(PROBABILITIES), threshold=threshold) for threshold in (0.1, 0.9))

    same = {name for name in low if low[name] == high[name]}
    assert {"roc_auc", "average_precision", "log_loss", "brier"} <= same
    assert not {"precision", "recall"} & same


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
        "matthews": metrics.matthews_corrcoef(labels, chosen),
    }
    assert {name: found[name] for name in expected} == pytest.approx(expected, abs=1e-12)
    assert found.keys() - expected.keys() == {"ece"}
    assert {type(value) for value in found.values()} == {float}


def test_metrics_of_numbers_equal_hand_arithmetic():
    found = measure(np.array([1.0, 2.0, 3.0, 6.0]), Estimates("regression", np.array([1.0, 3.0, 3.0, 4.0])))

    assert found == pytest.approx(
        {
            "r2": 1 - 5 / 14,
            "rmse": (5 / 4) ** 0.5,
            "mae": 3 / 4,
            "median_absolute_error": 0.5,
            "mape": (1 / 2 + 2 / 6) / 4,
            "pinball": 3 / 8,
        },
        abs=1e-12,
    )
    assert {type(value) for value in found.values()} == {float}


numbers = st.floats(-1e6, 1e6).filter(lambda value: abs(value) > 1e-3)


@settings(max_examples=40)
@given(st.lists(st.tuples(numbers, numbers), min_size=2, max_size=60))
def test_metrics_of_numbers_equal_scikit_learn(rows):
    truth, values = np.array(rows).T
    assume(np.ptp(truth) > 0)

    assert measure(truth, Estimates("regression", values)) == pytest.approx(
        {
            "r2": metrics.r2_score(truth, values),
            "rmse": metrics.root_mean_squared_error(truth, values),
            "mae": metrics.mean_absolute_error(truth, values),
            "median_absolute_error": metrics.median_absolute_error(truth, values),
            "mape": metrics.mean_absolute_percentage_error(truth, values),
            "pinball": metrics.mean_pinball_loss(truth, values, alpha=0.5),
        },
        abs=1e-12,
        rel=1e-12,
    )


def test_calibration_error_equals_hand_arithmetic():
    probabilities = np.repeat(np.arange(10) / 10 + 0.05, 10)  # ten bins of ten rows
    labels = np.tile(np.arange(10), 10) < np.repeat([0, 1, 2, 3, 4, 5, 6, 7, 8, 5], 10)

    expected = np.mean([0.05] * 9 + [0.45])
    assert measure(labels, truths(probabilities))["ece"] == pytest.approx(expected, abs=1e-12)


def test_calibration_error_of_classes_is_of_the_likeliest_one():
    found = measure(NAMES, Estimates("multiclass", SHARES, CLASSES))["ece"]

    said, right = SHARES.max(axis=1), np.array([1, 1, 1, 1, 0, 0])
    order = np.argsort(said, kind="stable")  # 0.5 twice, 0.6 twice, 0.7, 0.8: a bin each
    bins = [order[:2], order[2:4], order[4:5], order[5:]]
    assert found == pytest.approx(sum(abs((said[part] - right[part]).sum()) for part in bins) / 6)


def test_calibration_error_of_the_true_probabilities_is_small(sample):
    labels, honest, _ = sample

    assert measure(labels, truths(honest))["ece"] < 0.05
    assert measure(labels, truths(honest**3))["ece"] > 0.15


def test_cost_is_the_mean_over_the_rows_of_what_each_answer_costs():
    costs = {"true": {"false": 10.0}, "false": {"true": 2.0, "false": -1.0}}

    # One late row is missed, one early row is flagged, four early rows are answered rightly.
    assert measure(LABELS, truths(PROBABILITIES), costs=costs)["cost"] == pytest.approx((10 + 2 - 4) / 10)
    assert "cost" not in measure(LABELS, truths(PROBABILITIES))
    of_classes = measure(NAMES, Estimates("multiclass", SHARES, CLASSES), costs={"c": {"a": 6.0}, "b": {"c": 3.0}})
    assert of_classes["cost"] == pytest.approx((6 + 3) / 6)


OF_BOTH = {"roc_auc", "average_precision", "balanced_accuracy", "matthews"}  # which rows of one class say nothing of
MACRO = {"f1_macro", "precision_macro", "recall_macro"}


@pytest.mark.parametrize(
    ("labels", "estimates", "lacking"),
    [
        ([True, True], truths(np.array([0.2, 0.9])), OF_BOTH),
        ([False, False], truths(np.array([0.2, 0.9])), {*OF_BOTH, "recall", "f1"}),
        ([1e200, -1e200], Estimates("regression", np.array([0.0, 0.0])), {"r2", "rmse"}),
        ([3.0, 3.0], Estimates("regression", np.array([3.0, 3.0])), {"r2"}),
        ([0.0, 2.0], Estimates("regression", np.array([1.0, 2.0])), {"mape"}),
        (["a", "b"], Estimates("multiclass", SHARES[:2], CLASSES), {"roc_auc_ovr", *MACRO}),
        (["a", "a"], Estimates("multiclass", SHARES[:2], CLASSES), {"roc_auc_ovr", *MACRO, "matthews"}),
    ],
    ids=["all-true", "all-false", "huge", "constant", "zero", "absent-class", "one-class"],
)
def test_undefined_metric_has_a_reason_and_no_value(labels, estimates, lacking):
    labels = np.array(labels)

    assert undefined(labels, estimates, threshold=0.5).keys() == lacking
    assert undefined(labels, estimates).keys() == lacking - MACRO
    assert set(fitting(estimates.task)) - measure(labels, estimates).keys() == lacking
    assert all(math.isnan(score(name, labels, estimates)) for name in lacking - MACRO)


def test_probabilities_of_32_bits_are_measured_without_complaint():
    rng = np.random.default_rng(3)
    shares = rng.dirichlet(np.ones(3), 500)
    labels = rng.choice(CLASSES, 500)
    rounded = Estimates("multiclass", shares.astype(np.float32).astype(np.float64), CLASSES)

    assert measure(labels, rounded)["log_loss"] == pytest.approx(metrics.log_loss(labels, shares), rel=1e-5)


def test_no_rows_have_no_metrics():
    assert measure(np.array([], dtype=bool), truths(np.array([]))) == {}


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
def test_perfect_estimates_are_best_in_every_direction(task):
    labels = {"binary": LABELS, "multiclass": NAMES, "regression": np.array([1.0, 2.0, 5.0])}[task]
    perfect = {
        "binary": truths(LABELS.astype(float)),
        "multiclass": Estimates("multiclass", (NAMES[:, None] == np.array(CLASSES)).astype(float), CLASSES),
        "regression": Estimates("regression", np.array([1.0, 2.0, 5.0])),
    }[task]

    for name, value in measure(labels, perfect).items():
        assert value == pytest.approx(1.0 if METRICS[name].greater_is_better else 0.0, abs=1e-12), name
        assert value == score(name, labels, perfect)


def test_names_and_directions_are_known_without_a_numeric_library():
    code = (
        "import sys, evergreen.learning.evaluation, evergreen.config.objectives as o; "
        "print(o.METRICS['rmse'].greater_is_better, {'numpy', 'pandas', 'sklearn'} & sys.modules.keys())"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "False set()\n"


def test_page_on_evaluation_lists_every_metric_with_its_tasks_and_direction():
    text = (Path(__file__).parents[4] / "docs" / "how-to" / "evaluation.md").read_text()
    rows = re.findall(r"^\| `(\w+)` \| ([a-z, ]+) \| (higher|lower) \|", text, flags=re.MULTILINE)
    assert {name: (tuple(tasks.split(", ")), better == "higher") for name, tasks, better in rows} == {
        name: (metric.tasks, metric.greater_is_better) for name, metric in METRICS.items()
    }


def test_parameters_of_the_page_are_accepted():
    text = (Path(__file__).parents[4] / "docs" / "how-to" / "evaluation.md").read_text()
    written = yaml.safe_load(re.findall(r"```yaml\n(.*?)```", text, flags=re.DOTALL)[0])
    params = EvaluateParams.model_validate(written["evaluate"])
    assert params.costs == {"true": {"false": 5.0}, "false": {"true": 1.0}}
