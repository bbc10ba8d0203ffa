"""Rows that are not predicted, told with what would have been."""

import pytest

from evergreen.learning.model.compiled.plan import PlanColumn
from serving.edge.refusals import Refused, allowed


@pytest.mark.parametrize(
    ("column", "words"),
    [
        (PlanColumn("a", "number", nullable=True), "a number, or null"),
        (PlanColumn("a", "number", nullable=False, refuses=("DQ003",)), "a number"),
        (
            PlanColumn("a", "integer", nullable=False, min=0, max=9, refuses=("DQ003", "DQ004")),
            "a whole number from 0 up to 9",
        ),
        (PlanColumn("a", "integer", nullable=False, min=0, refuses=("DQ003",)), "a whole number"),
        (PlanColumn("a", "category", nullable=True, categories=("x", "y"), refuses=("DQ005",)), "one of x, y, or null"),
        (PlanColumn("a", "category", nullable=True, categories=("x", "y")), "a text, or null"),
        (
            PlanColumn("a", "text", nullable=True, pattern="[A-Z]{3}", refuses=("DQ011",)),
            "a text, all of the pattern [A-Z]{3}, or null",
        ),
        (PlanColumn("a", "boolean", nullable=True, spelling=("No", "Yes")), "true or false, or Yes or No, or null"),
        (PlanColumn("a", "timestamp", nullable=True), "a time such as 2024-03-01T12:00:00Z, or null"),
    ],
)
def test_words_say_what_a_column_may_hold(column, words):
    assert allowed(column) == words


def test_value_is_shown_short_and_as_it_came():
    told = Refused("a", "x" * 500, "a number").told(7)["refused"]

    assert (told["row"], told["field"], told["value"], told["allowed"]) == (7, "a", "x" * 80, "a number")
    assert Refused("a", 1.5, "").told(0)["refused"]["value"] == 1.5
    assert Refused("a", None, "").told(0)["refused"]["value"] is None
    assert Refused("a", [1], "").told(0)["refused"]["value"] == "[1]"
