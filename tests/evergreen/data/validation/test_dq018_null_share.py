"""DQ018: more of a column is missing than may be."""

from validated import both, contract_of, stream

HALF = {"type": "number", "max_null_share": 0.5}


def test_share_above_fires():
    found = both({"x": [1, None, None, None]}, contract_of(HALF)).result("DQ018")

    assert (found.outcome, found.n_bad, found.rows, found.observed) == ("failed", 3, 4, 0.75)
    assert str(found) == "DQ018 column 'x': is not null in at most 50.00% of the rows (75.00% are)"


def test_share_at_the_limit_is_silent():
    assert both({"x": [1, None]}, contract_of(HALF)).result("DQ018").outcome == "passed"


def test_batches_are_added_up():
    assert stream({"x": [None, None, 1, 1, None]}, contract_of(HALF), size=2).result("DQ018").observed == 0.6


def test_rows_are_kept_and_the_severity_is_the_columns():
    run = stream({"x": [None]}, contract_of({**HALF, "severity": {"DQ018": "warn"}}))

    assert (run.result("DQ018").outcome, run.kept.num_rows) == ("warned", 1)


def test_not_applicable_to_no_rows():
    assert stream({"x": []}, contract_of(HALF)).result("DQ018").outcome == "not applicable"
