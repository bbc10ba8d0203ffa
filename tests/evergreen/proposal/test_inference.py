"""What a column is, and what the target asks a model to do."""

from typing import Any

import numpy as np
import pytest
from proposals import column, frame, proposed


@pytest.mark.parametrize(
    ("words", "spelling"),
    [
        (("no", "yes"), ("no", "yes")),
        (("N", "Y"), ("N", "Y")),
        (("M", "B"), ("B", "M")),
        (("1", "2"), ("2", "1")),  # the rarer is true
        (("False", "True"), None),
        (("0", "1"), None),
        (("1.0", "0.0"), None),
    ],
)
def test_proposal_says_which_word_of_a_target_is_true(words: tuple[str, str], spelling: tuple[str, str] | None):
    rows = frame().assign(target=[words[0]] * 200 + [words[1]] * 400)
    target = column(proposed(rows, target="target"), "target")
    assert (target.type, target.spelling) == ("boolean", spelling)


@pytest.mark.parametrize(
    ("values", "task"),
    [
        (np.arange(600) % 3, "multiclass"),
        (np.arange(600) % 3 * 1.0, "multiclass"),
        (np.arange(600) % 3 * 50, "regression"),
        (np.arange(600) % 40, "regression"),
        (np.linspace(0, 1, 600), "regression"),
        (np.array(["a", "b", "c"])[np.arange(600) % 3], "multiclass"),
    ],
)
def test_proposal_tells_the_task_from_the_target(values: Any, task: str):
    assert proposed(frame().assign(target=values), target="target").contract.task == task


def test_proposal_takes_the_task_that_is_asked_for():
    rows = frame().assign(target=np.arange(600) % 3)
    assert column(proposed(rows, target="target", task="regression"), "target").type == "integer"
    rows["target"] = np.arange(600) % 2
    assert column(proposed(rows, target="target", task="multiclass"), "target").categories == ("0", "1")
