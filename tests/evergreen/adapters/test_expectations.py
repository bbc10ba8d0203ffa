"""Great Expectations: its suite comes from the contract, and it counts what our row mask counts, on any rows."""

import json

import numpy as np
import pandas as pd
import pytest

from evergreen.adapters import expectations
from evergreen.contract import Contract
from evergreen.errors import IntegrityError
from evergreen.validation import check

# Great Expectations imports modules that Python has deprecated.
pytestmark = pytest.mark.filterwarnings("ignore:module 'sre_:DeprecationWarning")


def both(rows, contract):
    """Run both layers, which must agree, and return ours by rule where any row breaks it."""
    checked = check(rows, contract.columns, key=contract.key)
    found = expectations.run(checked.typed, contract)
    expectations.agree(found, checked.validation)
    n_broken = sum(rule.n_bad > 0 for rule in checked.validation.rules if rule.code != "DQ002")
    assert found.failed == n_broken
    return {(rule.code, rule.column): rule.n_bad for rule in checked.validation.rules if rule.n_bad}


def theirs(found):
    """Return the counts of Great Expectations' own JSON."""
    return {
        (result["expectation_config"]["meta"]["code"], result["expectation_config"]["kwargs"].get("column")): result[
            "result"
        ].get("unexpected_count", 0)
        for result in found.results["results"]
    }


@pytest.fixture(scope="module")
def flights(flights_table):
    """Enough flights to break; every key is there once."""
    return flights_table.head(2_000)


@pytest.fixture
def parcels():
    """Return a contract with a key of the given columns; `a` and `b` may be missing."""

    def with_key(*key):
        columns = [
            {"name": "time", "type": "timestamp", "role": "time"},
            {"name": "a", "type": "integer", "role": "key", "nullable": True},
            {"name": "b", "type": "category", "role": "key", "nullable": True},
            {"name": "weight", "type": "number", "role": "feature", "nullable": True, "min": 0},
            {"name": "stops", "type": "integer", "role": "feature", "nullable": True, "max": 9},
            {"name": "late", "type": "boolean", "role": "target", "nullable": True},
        ]
        about = {"name": "parcels", "description": "", "timezone": "UTC", "label_delay_days": 0}
        source = {"kind": "file", "path": "parcels.csv"}
        return Contract.model_validate({**about, "source": source, "key": key, "columns": columns})

    return with_key


def rows_of(**columns):
    n = len(next(iter(columns.values())))
    rows = {
        "time": pd.date_range("2024-03-01", periods=n, freq="h", tz="UTC"),
        "a": range(n),
        "b": [f"b{i}" for i in range(n)],
        "weight": [1.5] * n,
        "stops": [3] * n,
        "late": [True] * n,
    }
    return pd.DataFrame({**rows, **columns})


def test_suite_holds_exactly_the_rules_of_the_contract(contract):
    expected = [("DQ001", "expect_table_columns_to_match_set", sorted(column.name for column in contract.columns))]
    for column in contract.columns:
        if not column.nullable:
            expected.append(("DQ003", "expect_column_values_to_not_be_null", column.name))
        if column.min is not None:
            expected.append(("DQ004", "expect_column_values_to_be_between", (column.name, column.min, column.max)))
        if column.categories:
            expected.append(("DQ005", "expect_column_values_to_be_in_set", (column.name, list(column.categories))))
    expected.append(("DQ006", "expect_compound_columns_to_be_unique", list(contract.key)))

    found = []
    for expectation in expectations.suite(contract).to_json_dict()["expectations"]:
        kwargs, code = expectation["kwargs"], expectation["meta"]["code"]
        about = {
            "DQ001": lambda k: sorted(k["column_set"]),
            "DQ003": lambda k: k["column"],
            "DQ004": lambda k: (k["column"], k["min_value"], k["max_value"]),
            "DQ005": lambda k: (k["column"], k["value_set"]),
            "DQ006": lambda k: k["column_list"],
        }[code](kwargs)
        found.append((code, expectation["type"], about))

    assert sorted(found, key=str) == sorted(expected, key=str)


def test_suite_of_a_key_of_one_column_and_of_no_key(parcels):
    def unique(contract):
        listed = expectations.suite(contract).to_json_dict()["expectations"]
        return [expectation["type"] for expectation in listed if expectation["meta"]["code"] == "DQ006"]

    assert unique(parcels("a")) == ["expect_column_values_to_be_unique"]
    assert unique(parcels("a", "b")) == ["expect_compound_columns_to_be_unique"]
    assert unique(parcels()) == []


def test_layers_agree_on_the_flights(flights_table, contract):
    assert set(both(flights_table, contract)) <= {("DQ003", "dest"), ("DQ004", "seats"), ("DQ004", "plane_year")}


def put(rows, column, values):
    """Return rows in which the first values of a column are replaced."""
    changed = rows[column].astype("object")
    changed.iloc[: len(values)] = values
    return rows.assign(**{column: changed})


MUTATIONS = {
    "nulls": (
        lambda rows: put(put(rows, "carrier", [None] * 7), "distance", [np.nan, None]),
        {("DQ003", "carrier"): 7, ("DQ003", "distance"): 2},
    ),
    "out of bounds": (
        lambda rows: put(put(rows, "temp", [-31, 121, 500.5]), "distance", [0, 6001, 6000, 1]),
        {("DQ004", "temp"): 3, ("DQ004", "distance"): 2},
    ),
    "unknown category": (
        lambda rows: put(rows, "origin", ["ABC", "jfk", " JFK", ""]),
        {("DQ005", "origin"): 4},
    ),
    "duplicate keys": (
        lambda rows: pd.concat([rows, rows.iloc[[0, 0, 5]]]),
        {("DQ006", "scheduled_departure, carrier, flight"): 5},
    ),
    "wrong types": (
        lambda rows: put(put(rows, "distance", ["far", "500"]), "temp", ["hot", "31.5", None]),
        {("DQ002", "distance"): 1, ("DQ002", "temp"): 1},
    ),
    "a mixture": (
        # Row 0 has a wrong type, so nothing else is said of it; row 1 lost its carrier: two copies of a key are left.
        lambda rows: put(
            put(put(pd.concat([rows.iloc[[1, 1, 1]], rows]), "origin", ["X", "Y", "Z"]), "temp", ["hot"]),
            "carrier",
            [rows["carrier"].iloc[1], None],
        ),
        {
            ("DQ002", "temp"): 1,
            ("DQ003", "carrier"): 1,
            ("DQ005", "origin"): 2,
            ("DQ006", "scheduled_departure, carrier, flight"): 2,
        },
    ),
    "nothing of the right type": (
        lambda rows: rows.assign(temp="hot"),
        {("DQ002", "temp"): 2_000},
    ),
}


@pytest.mark.parametrize("name", MUTATIONS)
def test_layers_agree_on_flights_with(name, flights, contract):
    change, expected = MUTATIONS[name]

    assert both(change(flights), contract) == expected


def test_rows_of_no_kind_are_counted_alike_one_by_one(parcels):
    rows = rows_of(
        weight=[None, -1, 0, 1e300, -0.0],
        stops=[9, 10, None, -(2**62), 2**53 + 1],
        late=[None, True, False, None, True],
    )

    assert both(rows, parcels("a")) == {("DQ004", "weight"): 1, ("DQ004", "stops"): 2}


@pytest.mark.parametrize(
    ("key", "columns", "expected"),
    [
        (("a",), {"a": [1, 1, 2, 3]}, {("DQ006", "a"): 2}),
        (("a",), {"a": [None, None, 2, 3]}, {}),
        (("a",), {"a": [2**53 + 1, 2**53, 2, 3]}, {}),
        (("a", "b"), {"a": [1, 1, 1, 3], "b": ["x", "x", "y", "x"]}, {("DQ006", "a, b"): 2}),
        (("a", "b"), {"a": [1, 1, None, None], "b": [None, None, "x", "x"]}, {("DQ006", "a, b"): 4}),
        (("a", "b"), {"a": [None, None, 1, 2], "b": [None, None, "x", "x"]}, {}),
        ((), {"a": [1, 1, 1, 1]}, {}),
    ],
)
def test_layers_agree_on_which_keys_are_repeated(key, columns, expected, parcels):
    assert both(rows_of(**columns), parcels(*key)) == expected


def test_rule_that_could_not_be_evaluated_does_not_count_as_nought(flights, contract):
    checked = check(flights, contract.columns, key=contract.key)

    found = expectations.run(checked.typed.drop(columns="temp"), contract)

    with pytest.raises(IntegrityError, match="expect_column_values_to_be_between") as caught:
        expectations.agree(found, checked.validation)
    assert (caught.value.code, caught.value.where) == ("INT006", "temp")


def test_columns_are_exactly_those_of_the_contract(flights, contract):
    checked = check(flights, contract.columns, key=contract.key)

    found = expectations.run(checked.typed.assign(extra=1), contract)

    assert found.failed == 1
    with pytest.raises(IntegrityError, match=r"expect_table_columns_to_match_set.*extra") as caught:
        expectations.agree(found, checked.validation)
    assert caught.value.code == "INT006"


def test_difference_between_the_layers_is_an_integrity_error_that_names_the_rule(flights, contract):
    found = expectations.run(check(flights, contract.columns, key=contract.key).typed, contract)
    other = check(put(flights, "temp", [500, 501, 502]), contract.columns, key=contract.key).validation

    with pytest.raises(IntegrityError) as caught:
        expectations.agree(found, other)

    assert (caught.value.code, caught.value.exit_code) == ("INT006", 7)
    assert caught.value.what == "the two validation layers disagree on DQ004 of 'temp': 3 and 0 rows"


def test_rule_that_only_one_layer_has_is_an_integrity_error(flights, contract):
    found = expectations.run(check(flights, contract.columns, key=contract.key).typed, contract)

    with pytest.raises(IntegrityError, match="DQ006"):
        expectations.agree(found, check(flights, contract.columns).validation)


def test_results_are_counts_and_a_few_samples_in_json_and_never_whole_rows(flights, contract):
    found = expectations.run(put(flights, "origin", ["ABC"] * 500), contract)

    assert expectations.Expectations.model_validate_json(found.model_dump_json()) == found
    assert theirs(found)["DQ005", "origin"] == 500
    assert len(json.dumps(found.results)) < 60_000
    assert found.evaluated == len(expectations.suite(contract).expectations)


def test_running_the_suite_changes_no_row_and_writes_no_file(flights, contract, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    before = flights.copy(deep=True)

    expectations.run(flights, contract)

    pd.testing.assert_frame_equal(flights, before)
    assert list(tmp_path.iterdir()) == []
