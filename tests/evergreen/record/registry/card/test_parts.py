"""Numbers of classes and slices: those of scikit-learn on the same rows, under names that every tracker takes."""

import re

import carded
import numpy as np
import pytest
import tables
from sklearn import metrics as sk

from evergreen.record.registry.card.parts import measured_parts

TAKEN_BY_MLFLOW = re.compile(r"[\w.\-/ :]+")


def gate_table(which, folder):
    compared = carded.version(which, folder).proof.compared
    return tables.shared(which, folder).ws.read(compared.table), compared


def test_numbers_of_truth_values_are_those_of_scikit_learn(folder):
    table, compared = gate_table("binary", folder)
    found = measured_parts(table, compared, taken="model", metric="roc_auc", threshold=0.3)
    truth, said = table["label"].to_numpy(bool), table["candidate"].to_numpy()
    answers = said >= 0.3
    assert found["threshold"] == 0.3
    assert found["class.0.rows"] == (~truth).sum()
    assert found["class.0.recall"] == pytest.approx(sk.recall_score(~truth, ~answers))
    assert found["class.1.precision"] == pytest.approx(sk.precision_score(truth, answers))
    assert found["class.1.roc_auc"] == pytest.approx(sk.roc_auc_score(truth, said))
    column, name = next(iter(compared.slices.items()))
    inside = table[column].to_numpy()
    assert name == "ward a"
    assert found["slice.0.rows"] == inside.sum()
    assert found["slice.0.roc_auc"] == pytest.approx(sk.roc_auc_score(truth[inside], said[inside]))
    assert found["slice.0.share_true"] == pytest.approx(truth[inside].mean())
    assert found["slice.0.answered_true"] == pytest.approx(answers[inside].mean())


def test_numbers_of_classes_are_in_the_order_of_the_classes(folder):
    table, compared = gate_table("multiclass", folder)
    found = measured_parts(table, compared, taken="model", metric="balanced_accuracy", threshold=0.5)
    said = table[[f"candidate_{name}" for name in compared.classes]].to_numpy().argmax(axis=1)
    for number, name in enumerate(compared.classes):
        assert found[f"class.{number}.rows"] == (table["label"] == name).sum()
        expected = sk.recall_score(table["label"] == name, said == number)
        assert found[f"class.{number}.recall"] == pytest.approx(expected)
    assert "threshold" not in found


def test_number_as_a_target_has_slices_and_no_classes(folder):
    table, compared = gate_table("regression", folder)
    found = measured_parts(table, compared, taken="model", metric="r2", threshold=0.5)
    assert {name.partition(".")[0] for name in found} == {"slice"}
    inside = table["slice 0"].to_numpy()
    expected = sk.r2_score(table["label"][inside], table["candidate"][inside])
    assert found["slice.0.r2"] == pytest.approx(expected)


def test_model_that_is_taken_is_the_one_that_is_measured(folder):
    table, compared = gate_table("binary", folder)
    swapped = measured_parts(table, compared, taken="baseline", metric="roc_auc", threshold=0.3)
    assert swapped["class.1.roc_auc"] == pytest.approx(sk.roc_auc_score(table["label"], table["baseline"]))
    assert measured_parts(table.drop(columns="baseline"), compared, taken="baseline", metric="r2", threshold=0) == {}


def test_what_the_rows_leave_undefined_is_left_out(folder):
    table, compared = gate_table("binary", folder)
    one_sided = table.assign(**{"slice 0": table["label"], "slice 1": np.zeros(len(table), bool)})
    found = measured_parts(one_sided, compared, taken="model", metric="roc_auc", threshold=0.3)
    assert found["slice.0.share_true"] == 1.0
    assert "slice.0.roc_auc" not in found
    assert {name for name in found if name.startswith("slice.1")} == {"slice.1.rows"}


@pytest.mark.parametrize("which", tables.TASKS)
def test_names_are_taken_by_every_tracker_whatever_the_data_calls_its_values(which, folder):
    hostile = carded.hostile(carded.version(which, folder), "<b>|%\n")
    assert all(TAKEN_BY_MLFLOW.fullmatch(name) for name in hostile.metrics)
