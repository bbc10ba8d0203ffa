"""What a model says of rows, for every task, and how it is kept in a table."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from evergreen.learning.evaluation.estimates import COMPARED, Estimates, estimate

SAID = np.array([[0.2, 0.5, 0.3], [0.6, 0.3, 0.1], [0.4, 0.4, 0.2]])
BINARY = Estimates("binary", np.array([0.49, 0.5, 0.9]))
CLASSES = Estimates("multiclass", SAID, ("a", "b", "c"))
NUMBERS = Estimates("regression", np.array([1.5, -2.0, 0.0]))
EVERY = pytest.mark.parametrize("said", [BINARY, CLASSES, NUMBERS], ids=lambda said: said.task)


def test_answers_are_those_of_the_task():
    assert BINARY.answers(0.5)["label"].tolist() == [False, True, True]
    assert BINARY.answers(0.5)["probability"].tolist() == [0.49, 0.5, 0.9]
    assert CLASSES.answers(0.5)["label"].tolist() == ["b", "a", "a"]  # of equals the first
    assert CLASSES.answers(0.5)["probability"].tolist() == [0.5, 0.6, 0.4]
    assert NUMBERS.answers(0.5)["value"].tolist() == [1.5, -2.0, 0.0]


@EVERY
def test_what_is_judged_is_a_field_of_the_answer(said):
    assert said.compared.tolist() == said.answers(0.5)[COMPARED[said.task]].tolist()


@EVERY
def test_estimates_are_read_again_from_the_table_that_keeps_them(said):
    table = pd.DataFrame(said.columns("candidate")).assign(other=1)
    found = Estimates.read(table, "candidate", said.task, said.classes)
    assert (found.task, found.classes) == (said.task, said.classes)
    assert (found.values == said.values).all()
    assert all(name.startswith("candidate") for name in said.columns("candidate"))


def test_classes_that_a_model_was_not_fitted_on_get_no_probability():
    known = SimpleNamespace(classes_=np.array(["a", "c"]), predict_proba=lambda _: np.array([[0.25, 0.75]]))
    found = estimate(known, None, task="multiclass", classes=("a", "b", "c"))
    assert found.values.tolist() == [[0.25, 0.0, 0.75]]
    assert found.compared.tolist() == ["c"]


def test_binary_estimate_is_the_probability_of_true_and_a_number_is_the_prediction():
    both = SimpleNamespace(predict_proba=lambda _: np.array([[0.25, 0.75]]), predict=lambda _: np.array([3.0]))
    assert estimate(both, None, task="binary").values.tolist() == [0.75]
    assert estimate(both, None, task="regression").values.tolist() == [3.0]
