"""DQ010: a value that is there more than once in a unique column."""

from validated import both, contract_of, stream

UNIQUE = {"type": "text", "role": "ignore", "unique": True}


def test_every_copy_fires():
    run = both({"x": ["a", "b", "a", None, None]}, contract_of(UNIQUE))

    found = run.result("DQ010")
    assert (found.column, found.n_bad, found.rows, found.outcome) == ("x", 2, 3, "failed")
    assert [str(sample) for sample in found.samples] == ["rows.csv row 0: a", "rows.csv row 2: a"]


def test_column_and_key_are_told_apart():
    contract = contract_of(UNIQUE, {"name": "k", "type": "integer", "role": "key"}, key=["k"])

    run = both({"x": ["a", "a", "b"], "k": [1, 2, 2]}, contract)

    assert run.counts == {("DQ010", "x"): 2, ("DQ006", "k"): 2}
    assert run.bad.column("codes").to_pylist() == ["DQ010", "DQ006 DQ010", "DQ006"]


def test_silent_on_values_that_differ_and_warning_keeps_rows():
    assert stream({"x": ["a", "A", "a "]}, contract_of(UNIQUE)).result("DQ010").outcome == "passed"
    assert stream({"x": ["a", "a"]}, contract_of({**UNIQUE, "severity": {"DQ010": "warn"}})).kept.num_rows == 2


def test_not_applicable_without_a_value():
    assert stream({"x": [None]}, contract_of(UNIQUE)).result("DQ010").outcome == "not applicable"
