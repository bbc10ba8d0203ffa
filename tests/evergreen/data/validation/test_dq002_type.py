"""DQ002: a value that is not of the declared type."""

from validated import both, contract_of, item, stream


def test_value_of_another_type_sets_its_row_aside_as_it_came():
    contract = contract_of({"type": "integer"}, {"name": "z", "type": "number"})

    run = both({"x": ["1", "two", "3.5", None], "z": [1, 2, 3, 4]}, contract, items=(item(),))

    found = run.results("DQ002")[0]
    assert (found.column, found.n_bad, found.rows, found.outcome) == ("x", 2, 4, "failed")
    assert [str(sample) for sample in found.samples] == ["rows.csv row 1: two", "rows.csv row 2: 3.5"]
    assert run.bad.column("x").to_pylist() == ["two", "3.5"]
    assert run.bad.column("z").to_pylist() == ["2", "3"]
    assert run.bad.column("codes").to_pylist() == ["DQ002", "DQ002"]
    assert run.validation.unreadable == 2


def test_row_of_a_wrong_type_is_judged_by_no_other_rule():
    contract = contract_of({"type": "integer"}, {"name": "z", "type": "number", "max": 5})

    run = both({"x": ["word", "2"], "z": [99, 99]}, contract)

    assert run.counts == {("DQ002", "x"): 1, ("DQ004", "z"): 1}
    assert run.bad.column("codes").to_pylist() == ["DQ002", "DQ004"]


def test_values_of_the_type_pass_and_a_missing_one_is_none_of_another():
    run = stream({"x": ["1", "2", "", None]}, contract_of({"type": "integer"}))

    assert run.results("DQ002")[0].outcome == "passed"
    assert run.kept.column("x").to_pylist() == [1, 2, None, None]


def test_not_applicable_to_no_rows():
    run = stream({"x": []}, contract_of({"type": "integer"}))

    assert {rule.outcome for rule in run.results("DQ002")} == {"not applicable"}
