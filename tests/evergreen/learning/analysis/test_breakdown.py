"""Classes, calibration, curves, residuals and the surest mistakes of a model."""

import numpy as np
import pandas as pd
import pytest
import released
import tables
from sklearn import metrics

from evergreen.config.contract.contract import Contract
from evergreen.learning.analysis import breakdown
from evergreen.learning.evaluation.estimates import Estimates
from evergreen.learning.evaluation.metrics import measure

CLASSES = ("a", "b", "c")


@pytest.fixture(scope="module")
def binary():
    rng = np.random.default_rng(3)
    said = rng.random(1_000).round(3)
    return rng.random(1_000) < said, Estimates("binary", said)


@pytest.fixture(scope="module")
def multiclass():
    rng = np.random.default_rng(3)
    said = rng.dirichlet(np.ones(3), 500)
    return np.array([rng.choice(CLASSES, p=row) for row in said]), Estimates("multiclass", said, CLASSES)


def test_metrics_of_classes_are_scikit_learns(multiclass):
    labels, estimates = multiclass
    expected = metrics.classification_report(labels, estimates.compared.astype(str), output_dict=True)

    for position, found in enumerate(breakdown.per_class(labels, estimates, threshold=0.5)):
        of_class = expected[found.name]
        assert (found.support, found.precision, found.recall, found.f1) == pytest.approx(
            (of_class["support"], of_class["precision"], of_class["recall"], of_class["f1-score"])
        )
        area = metrics.roc_auc_score(labels == found.name, estimates.values[:, position])
        assert found.roc_auc == pytest.approx(area)


def test_class_that_does_not_occur_has_no_numbers():
    said = Estimates("multiclass", np.array([[0.8, 0.1, 0.1], [0.2, 0.7, 0.1]]), CLASSES)

    absent = breakdown.per_class(np.array(["a", "b"]), said, threshold=0.5)[2]
    assert (absent.name, absent.support) == ("c", 0)
    assert (absent.precision, absent.recall, absent.roc_auc) == (None, None, None)


def test_truths_are_the_classes_false_and_true(binary):
    labels, estimates = binary
    false, true = breakdown.per_class(labels, estimates, threshold=0.3)

    assert (false.name, true.name) == ("false", "true")
    assert true.recall == pytest.approx(metrics.recall_score(labels, estimates.values >= 0.3))
    assert false.roc_auc == pytest.approx(true.roc_auc)
    matrix = breakdown.confusion(labels, estimates, threshold=0.3)
    assert matrix.counts == tuple(map(tuple, metrics.confusion_matrix(labels, estimates.values >= 0.3).tolist()))


def test_reliability_gives_the_expected_calibration_error(binary, multiclass):
    for labels, estimates in (binary, multiclass):
        found = breakdown.reliability(labels, estimates)
        gaps = np.abs(np.array(found.said) - found.came_true)

        assert sum(found.rows) == len(labels)
        assert max(found.rows) - min(found.rows) <= len(labels) // 50  # equal mass, but for ties
        assert np.average(gaps, weights=found.rows) == pytest.approx(measure(labels, estimates)["ece"], abs=1e-12)


def test_curves_are_thinned_and_keep_their_area(binary):
    labels, estimates = binary
    (roc,), (curve,) = breakdown.roc(labels, estimates), breakdown.precision_recall(labels, estimates)

    assert max(len(roc.x), len(curve.x)) <= 200
    assert (roc.x[0], roc.y[0], roc.x[-1], roc.y[-1]) == (0, 0, 1, 1)
    assert metrics.auc(roc.x, roc.y) == pytest.approx(metrics.roc_auc_score(labels, estimates.values), abs=0.005)
    expected = metrics.average_precision_score(labels, estimates.values)
    assert metrics.auc(curve.x, curve.y) == pytest.approx(expected, abs=0.01)


def test_each_class_has_a_curve_and_the_points_are_shared(multiclass):
    curves = breakdown.roc(*multiclass)

    assert {curve.name for curve in curves} == set(CLASSES)
    assert sum(len(curve.x) for curve in curves) <= 200


def test_few_points_keep_the_shape_of_the_curves_of_many_classes():
    rng = np.random.default_rng(4)
    classes = tuple(f"{n:02}" for n in range(30))
    said = rng.dirichlet(np.full(30, 0.3), 5_000)
    labels = np.array(classes)[(said.cumsum(axis=1) > rng.random((5_000, 1))).argmax(axis=1)]
    estimates = Estimates("multiclass", said, classes)

    for curves, area in (
        (breakdown.roc, metrics.roc_auc_score),
        (breakdown.precision_recall, metrics.average_precision_score),
    ):
        found = curves(labels, estimates)
        assert sum(len(curve.x) for curve in found) <= 200
        for curve in found:
            expected = area(labels == curve.name, said[:, classes.index(curve.name)])
            assert metrics.auc(curve.x, curve.y) == pytest.approx(expected, abs=0.02)


def test_residuals_are_quantiles_of_actual_minus_predicted():
    values = np.arange(100.0)
    truth = values + np.where(values < 50, 1, -3)
    found = breakdown.residuals(truth, Estimates("regression", values))

    assert (found.quantiles["0.05"], found.quantiles["0.95"]) == (-3, 1)
    assert [part["0.5"] for part in found.by_prediction] == [1] * 5 + [-3] * 5
    assert found.by_prediction[0]["predicted"] == pytest.approx(4.5)


def test_surest_mistakes_come_first_with_time_and_key():
    rows = released.table(60)
    labels = np.array([False] * 60)
    said = np.linspace(0, 0.99, 60)
    found = breakdown.confident_errors(rows, labels, Estimates("binary", said), released.CONTRACT, threshold=0.5)

    assert len(found) == 20
    assert [error.probability for error in found] == sorted(said[said >= 0.5], reverse=True)[:20]
    assert found[0].row == {"handed_in": str(rows["handed_in"][59]), "parcel": "59"}
    assert (found[0].label, found[0].answer) == ("false", "true")


def test_sure_mistake_of_false_counts_by_the_probability_of_its_answer():
    rows, labels = released.table(3), np.array([True, False, True])
    said = Estimates("binary", np.array([0.05, 0.8, 0.9]))
    found = breakdown.confident_errors(rows, labels, said, released.CONTRACT, threshold=0.5)

    assert [(error.answer, error.probability) for error in found] == [("false", 0.95), ("true", 0.8)]


def test_personal_values_are_never_shown():
    columns = [
        {**column, "pii": "keep"} if column["name"] == "parcel" else column
        for column in released.CONTRACT.model_dump()["columns"]
    ]
    contract = Contract.model_validate({**released.CONTRACT.model_dump(), "columns": columns})
    said = Estimates("binary", np.full(30, 0.9))
    found = breakdown.confident_errors(released.table(30), np.zeros(30, bool), said, contract, threshold=0.5)

    assert {tuple(error.row) for error in found} == {("handed_in",)}


def test_row_without_time_and_key_is_named_by_its_number():
    said = Estimates("regression", np.array([1.0, 2.0, 5.0]))
    found = breakdown.confident_errors(
        pd.DataFrame({"x": [0, 0, 0]}), np.array([1.0, 2.5, 3.0]), said, tables.contract_of("regression"), threshold=0.5
    )

    assert [(error.row, error.label, error.answer, error.probability) for error in found] == [
        ({"row": "2"}, "3", "5", None),
        ({"row": "1"}, "2.5", "2", None),
    ]
