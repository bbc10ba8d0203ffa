"""DQ004: a number outside its bounds."""

import pytest
from validated import both, contract_of, stream


@pytest.mark.parametrize(
    ("bounds", "kind", "values", "n_bad"),
    [
        ({"min": 0, "max": 30}, "number", [-0.001, 0, 30, 30.001, None], 2),
        ({"min": 0}, "number", [-1, -0.0, 1e300, None], 1),
        ({"max": 9}, "integer", [9, 10, -(2**62), None], 1),
        ({"min": 1}, "integer", [0, 1, 2**53 + 1], 1),
    ],
)
def test_number_outside_fires(bounds, kind, values, n_bad):
    run = both({"x": values}, contract_of({"type": kind, **bounds}))

    found = run.result("DQ004")
    assert (found.n_bad, found.outcome) == (n_bad, "failed")
    assert found.rows == sum(value is not None for value in values)
    assert run.validation.quarantined == n_bad


def test_text_names_the_bounds_the_unit_and_some_values():
    contract = contract_of({"type": "number", "min": 0, "max": 30, "unit": "kg"})

    run = stream({"x": [31, 32, 33, 34, 1]}, contract)

    text = "DQ004 column 'x': 4 rows are not between 0 and 30 kg, such as rows.csv row 0: 31.0, rows.csv row 1: 32.0"
    assert str(run.result("DQ004")) == f"{text}, rows.csv row 2: 33.0"


@pytest.mark.parametrize(("bounds", "rule"), [({"min": 2}, "at least 2"), ({"max": 2.5}, "at most 2.5")])
def test_text_of_one_bound(bounds, rule):
    assert stream({"x": [2.25]}, contract_of({"type": "number", **bounds})).result("DQ004").rule == rule


def test_silent_on_the_bounds_themselves():
    assert (
        stream({"x": [0, 5]}, contract_of({"type": "number", "min": 0, "max": 5})).result("DQ004").outcome == "passed"
    )


def test_warning_keeps_the_row():
    run = both({"x": [9]}, contract_of({"type": "number", "max": 5, "severity": {"DQ004": "warn"}}))

    assert (run.result("DQ004").outcome, run.validation.kept) == ("warned", 1)


def test_not_applicable_without_a_value():
    found = stream({"x": [None, None]}, contract_of({"type": "number", "min": 0})).result("DQ004")

    assert (found.outcome, found.rows) == ("not applicable", 0)
    assert str(found) == "DQ004 column 'x': not applicable, no row has a value there"
