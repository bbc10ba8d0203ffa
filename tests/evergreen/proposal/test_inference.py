"""What a column is, and what the target asks a model to do."""

from typing import Any

import numpy as np
import pytest
from proposals import column, frame, proposed

from evergreen.base.errors import ConfigError


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


@pytest.mark.parametrize(
    ("values", "why"),
    [
        ([f"{n / 7:.1f}" if n % 3 else "<2" for n in range(600)], "'<2' are bounds, not numbers"),
        ([f"{n / 7:.2f}" if n % 9 else "hemolyzed" for n in range(600)], "words such as 'hemolyzed'"),
        ([f"{n / 7:.2f}{'-' * (n % 2)}" for n in range(600)], "the minus behind"),
    ],
)
def test_target_of_numbers_that_are_not_read_says_so(values: list[str], why: str):
    with pytest.raises(ConfigError) as caught:
        proposed(frame().assign(target=values), target="target")
    assert caught.value.code == "CFG024"
    assert why in caught.value.what


def test_values_that_make_a_column_text_are_named_with_the_line_that_reads_it_as_numbers():
    proposal = proposed(frame(hall=[f"{n / 7:.2f}" if n % 22 else "OVL" for n in range(600)]), target="target")
    assert column(proposal, "hall").type == "category"
    assert any("set type: number and missing: ['OVL']" in note for note in proposal.notes["hall"])
