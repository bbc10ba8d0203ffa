"""What is said of a window travels as JSON and names its columns."""

import pydantic
import pytest

from evergreen.decisions.drift.shift.verdict import ColumnShift, Shift


@pytest.fixture
def look() -> Shift:
    columns = (
        ColumnShift(name="c", verdict="shifted", evidence="moved", p=1e-300, corrected_p=3e-300, effect=0.5),
        ColumnShift(name="a", verdict="shifted", evidence="moved", distances={"psi": 0.3}, season="followed"),
        ColumnShift(name="b", verdict="unknown", evidence="absent from the window"),
    )
    said = (ColumnShift(name="_estimate", verdict="shifted", evidence="moved"),)
    return Shift(
        verdict="shifted", evidence="shifted: 2 of 3", persistent=False, n_reference=900, n_window=300,
        blocks_reference=60, blocks_window=7, columns=columns, predictions=said,
    )  # fmt: skip


def test_features_are_named_by_verdict_in_their_order_and_predictions_are_not(look):
    assert look.named("shifted") == ("c", "a")
    assert look.named("unknown") == ("b",)
    assert look.named("steady") == ()


def test_a_look_is_the_same_after_it_has_been_written_and_read(look):
    assert Shift.model_validate_json(look.model_dump_json()) == look


def test_a_figure_that_is_not_there_is_none_and_not_zero(look):
    unknown = look.model_dump()["columns"][2]
    figures = set(unknown) - {"name", "verdict", "evidence", "distances"}
    assert {unknown[name] for name in figures} == {None}
    assert unknown["distances"] == {}


@pytest.mark.parametrize("wrong", [{"verdict": "drifted"}, {"verdict": "no traffic"}, {"band": "huge"}, {"odd": 1}])
def test_a_column_says_nothing_else(look, wrong):
    with pytest.raises(pydantic.ValidationError):
        ColumnShift.model_validate(look.columns[0].model_dump() | wrong)


def test_what_was_said_does_not_change(look):
    with pytest.raises(pydantic.ValidationError):
        look.verdict = "steady"
