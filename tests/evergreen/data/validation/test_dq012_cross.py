"""DQ012: a rule between two columns of a row."""

import pytest
from validated import both, contract_of, stream

COLUMNS = ({"name": "a", "type": "integer"}, {"name": "b", "type": "number"})


def ruled(operator, *columns, **about):
    rule = {"name": "fits", "left": "a", "is": operator, "right": "b", **about}
    return contract_of(*(columns or COLUMNS), rules=[rule])


@pytest.mark.parametrize(("operator", "bad"), [("<", [1, 2]), ("<=", [2]), ("==", [0, 2]), (">=", [0]), (">", [0, 1])])
def test_rows_that_break_it_fire_and_a_missing_side_breaks_nothing(operator, bad):
    run = both({"a": [1, 2, 3, None, 5], "b": [2.5, 2.0, 1.0, 1.0, None]}, ruled(operator))

    found = run.result("DQ012")
    assert (found.column, found.rule) == ("a, b", f"a {operator} b (fits)")
    assert (found.n_bad, found.rows, found.outcome) == (len(bad), 3, "failed")
    assert [sample.row for sample in found.samples] == bad
    assert run.validation.quarantined == len(bad)


def test_sample_shows_both_values():
    assert stream({"a": [3], "b": [1.5]}, ruled("<")).result("DQ012").samples[0].value == "3, 1.5"


@pytest.mark.parametrize(
    ("kind", "values"),
    [("timestamp", ["2024-03-01", "2024-03-02"]), ("category", ["x", "y"]), ("boolean", [True, False])],
)
def test_columns_of_other_types_can_be_equal(kind, values):
    contract = ruled("==", {"name": "a", "type": kind}, {"name": "b", "type": kind})

    run = both({"a": [values[0]] * 2, "b": values}, contract)

    assert run.result("DQ012").n_bad == 1


def test_two_rules_on_the_same_columns_are_told_apart():
    rules = [{"name": name, "left": "a", "is": sign, "right": "b"} for name, sign in (("low", "<"), ("no", "=="))]

    run = both({"a": [1, 2], "b": [3.0, 2.0]}, contract_of(*COLUMNS, rules=rules))

    assert [rule.n_bad for rule in run.results("DQ012")] == [1, 1]


def test_warning_keeps_the_row_and_silent_where_it_holds():
    assert stream({"a": [3], "b": [1.0]}, ruled("<", severity="warn")).kept.num_rows == 1
    assert stream({"a": [1], "b": [3.0]}, ruled("<")).result("DQ012").outcome == "passed"


def test_not_applicable_where_no_row_has_both():
    assert stream({"a": [1, None], "b": [None, 1.0]}, ruled("<")).result("DQ012").outcome == "not applicable"
