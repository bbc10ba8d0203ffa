"""The suite: exactly the rules of the contract, and the user's own."""

import pytest
from validated import asked, both, contract_of, stream

from evergreen.adapters import expectations
from evergreen.adapters.expectations import suite
from evergreen.base.errors import ConfigError
from evergreen.data.validation.own import Expectation

CONTRACT = contract_of(
    {"name": "t", "type": "timestamp", "role": "time"},
    {"name": "k", "type": "integer", "role": "key"},
    {"name": "n", "type": "number", "min": 0, "max": 9, "mean": [0, 4], "nullable": False},
    {"name": "c", "type": "category", "categories": ["a", "b"], "open": True, "max_null_share": 0.5},
    {"name": "p", "type": "text", "role": "ignore", "pattern": "[a-z]+", "unique": True},
    rules=[{"name": "ordered", "left": "k", "is": "<=", "right": "n"}],
    key=["t", "k"],
    rows=[1, 100],
    future_days=1,
)


def rows(n=12):
    return {
        "t": [f"2024-{1 + i % 3:02}-{1 + i // 3:02}" for i in range(n)],
        "k": [i % 10 for i in range(n)],
        "n": [None if i == 5 else i % 12 for i in range(n)],
        "c": [("a", "b", "z", None)[i % 4] for i in range(n)],
        "p": [f"{'abcdefgh'[i % 8]}{i // 11 or ''}" for i in range(n)],
    }


def own(kind, **kwargs):
    return (Expectation(type=kind, kwargs=kwargs),)


def test_suite_holds_exactly_the_rules_of_the_contract():
    both(rows(), CONTRACT)

    found = [(e.configuration.type, e.meta["code"], e.meta["column"], e.severity.value) for e in
             [*suite.by_rows(CONTRACT, None), *suite.unique(CONTRACT)]]  # fmt: skip

    assert found == [
        ("expect_table_columns_to_match_set", "DQ001", "", "critical"),
        ("expect_table_row_count_to_be_between", "DQ015", "", "critical"),
        ("expect_column_values_to_not_be_null", "DQ003", "n", "critical"),
        ("expect_column_values_to_be_between", "DQ004", "n", "critical"),
        ("expect_column_mean_to_be_between", "DQ019", "n", "critical"),
        ("expect_column_values_to_be_in_set", "DQ005", "c", "warning"),
        ("expect_column_values_to_not_be_null", "DQ018", "c", "critical"),
        ("expect_column_values_to_match_regex", "DQ011", "p", "critical"),
        ("expect_column_pair_values_a_to_be_greater_than_b", "DQ012", "k, n", "critical"),
        ("expect_column_values_to_be_unique", "DQ010", "p", "critical"),
        ("expect_compound_columns_to_be_unique", "DQ006", "t, k", "critical"),
    ]


@pytest.mark.parametrize("most", [1, 1_000])
def test_users_own_expectations_are_asked_of_the_whole_table(most, monkeypatch):
    monkeypatch.setattr(expectations, "MOST_ROWS", most)
    contract = contract_of({"type": "number"})
    run = stream({"x": [1, 2, 9]}, contract, size=2)

    holds = asked(run, contract, own=own("expect_column_median_to_be_between", column="x", min_value=2, max_value=2))
    fails = asked(run, contract, own=own("expect_column_max_to_be_between", column="x", max_value=8))
    rowwise = asked(run, contract, own=own("expect_column_values_to_be_in_set", column="x", value_set=[1, 2]))
    table = asked(run, contract, own=own("expect_table_row_count_to_equal", value=4))

    assert holds.own_failed == ()
    assert fails.own_failed == ("expect_column_max_to_be_between(column=x, max_value=8.0): observed 9.0",)
    assert rowwise.own_failed == ("expect_column_values_to_be_in_set(column=x, value_set=[1, 2]): 1 rows do not",)
    assert table.own_failed == ("expect_table_row_count_to_equal(value=4): observed 3",)
    for found in (holds, fails, rowwise, table):
        expectations.agree(found, run.validation)


def test_users_expectation_that_cannot_be_evaluated_does_not_hold():
    contract = contract_of({"type": "number"})

    found = asked(stream({"x": [1]}, contract), contract, own=own("expect_column_max_to_be_between", column="w"))

    assert len(found.own_failed) == 1
    assert "w" in found.own_failed[0].partition(")")[2]


@pytest.mark.parametrize(
    ("kind", "kwargs"),
    [("expect_wonders", {}), ("expect_column_max_to_be_between", {"column": "x", "most": 1}),
     ("expect_column_values_to_be_in_set", {})],
)  # fmt: skip
def test_expectation_that_nobody_knows_is_a_configuration_error(kind, kwargs):
    contract = contract_of({"type": "number"})

    with pytest.raises(ConfigError, match=f"no {kind}") as caught:
        asked(stream({"x": [1]}, contract), contract, own=own(kind, **kwargs))

    assert (caught.value.code, caught.value.where) == ("CFG031", "expectations.json")
