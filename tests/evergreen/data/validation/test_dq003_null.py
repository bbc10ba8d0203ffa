"""DQ003: a value that must be present is not."""

from validated import both, contract_of, stream

PRESENT = {"type": "number", "nullable": False}


def test_missing_value_fires_with_its_row():
    run = both({"x": [1, None, 3, None]}, contract_of(PRESENT))

    found = run.result("DQ003")
    assert (found.n_bad, found.rows, found.outcome) == (2, 4, "failed")
    assert [sample.row for sample in found.samples] == [1, 3]
    assert run.kept.column("x").to_pylist() == [1, 3]


def test_value_that_could_not_be_read_is_not_missing_too():
    run = stream({"x": ["1", "word", None]}, contract_of(PRESENT))

    assert run.counts == {("DQ002", "x"): 1, ("DQ003", "x"): 1}


def test_warning_counts_and_keeps_the_row():
    run = both({"x": [1, None, 3]}, contract_of({**PRESENT, "severity": {"DQ003": "warn"}}))

    assert (run.result("DQ003").outcome, run.result("DQ003").n_bad) == ("warned", 1)
    assert run.kept.num_rows == 3
    assert run.validation.warnings == (run.result("DQ003"),)


def test_silent_where_every_value_is_there_and_where_null_is_allowed():
    assert stream({"x": [1, 2]}, contract_of(PRESENT)).result("DQ003").outcome == "passed"
    assert stream({"x": [1, None]}, contract_of({"type": "number"})).results("DQ003") == []


def test_not_applicable_to_no_rows():
    assert stream({"x": []}, contract_of(PRESENT)).result("DQ003").outcome == "not applicable"
