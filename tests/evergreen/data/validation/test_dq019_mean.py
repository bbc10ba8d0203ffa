"""DQ019: the mean of a column lies outside its range."""

import pytest
from validated import both, contract_of, stream

MEAN = {"type": "number", "mean": [1, 3]}


@pytest.mark.parametrize("kind", ["number", "integer"])
def test_mean_outside_fires_and_no_row_is_set_aside(kind):
    run = both({"x": [3, 4, 5, None]}, contract_of({**MEAN, "type": kind}))

    found = run.result("DQ019")
    assert (found.outcome, found.observed) == ("failed", 4.0)
    assert str(found) == "DQ019 column 'x': is not between 1 and 3 in the mean (the mean is 4)"
    assert run.validation.quarantined == 0
    assert run.validation.stopping == (found,)


@pytest.mark.parametrize("values", [[1, 1], [3, 3, None], [0, 5]])
def test_mean_inside_is_silent(values):
    assert stream({"x": values}, contract_of(MEAN), size=1).result("DQ019").outcome == "passed"


def test_mean_below_fires_and_may_warn():
    assert (
        stream({"x": [0.5]}, contract_of({**MEAN, "severity": {"DQ019": "warn"}})).result("DQ019").outcome == "warned"
    )


def test_sum_beyond_the_largest_float_is_outside_in_both_layers():
    found = both({"x": [1e308, 1e308]}, contract_of(MEAN)).result("DQ019")

    assert (found.outcome, found.observed) == ("failed", None)


def test_not_applicable_without_a_value():
    found = both({"x": [None, None]}, contract_of(MEAN)).result("DQ019")

    assert (found.outcome, found.why) == ("not applicable", "the column has no value")
