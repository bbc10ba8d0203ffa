"""DQ015: more or fewer rows than the table may have."""

import pytest
from validated import both, contract_of, stream


@pytest.mark.parametrize(
    ("rows", "n", "outcome"),
    [
        ([2, 3], 1, "failed"),
        ([2, 3], 2, "passed"),
        ([2, 3], 3, "passed"),
        ([2, 3], 4, "failed"),
        ([2, None], 9, "passed"),
        ([2, None], 1, "failed"),
        ([1, None], 0, "failed"),
    ],
)
def test_number_of_rows_is_judged(rows, n, outcome):
    found = stream({"x": [1.0] * n}, contract_of({"type": "number"}, rows=rows)).result("DQ015")

    assert (found.outcome, found.observed) == (outcome, n)


def test_texts():
    contract = contract_of({"type": "number"}, rows=[2, 3])

    assert str(stream({"x": [1]}, contract).result("DQ015")) == "DQ015 table: is not of 2 to 3 rows (it has 1)"
    assert (
        stream({"x": [1]}, contract_of({"type": "number"}, rows=[2, None])).result("DQ015").rule == "of at least 2 rows"
    )


def test_layers_count_the_same_rows_beside_unreadable_ones():
    assert both({"x": ["1", "2", "word"]}, contract_of({"type": "number"}, rows=[3, 3])).result("DQ015").observed == 3


def test_severity_is_the_contracts_and_no_range_no_rule():
    contract = contract_of({"type": "number"}, rows=[2, 3], severity={"DQ015": "warn"})

    assert stream({"x": [1]}, contract).result("DQ015").outcome == "warned"
    assert stream({"x": [1]}, contract_of({"type": "number"})).results("DQ015") == []
