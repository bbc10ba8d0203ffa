"""Great Expectations: its suite comes from the contract, and it counts what our streaming pass counts, on any rows."""

import json

import pandas as pd
import pytest
from validated import asked, both, contract_of, item, stream

from evergreen.adapters import expectations
from evergreen.adapters.expectations import suite
from evergreen.base.errors import ConfigError, IntegrityError
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


@pytest.mark.parametrize("most", [1, 5, 1_000])
def test_pieces_are_put_together_to_the_same_counts(most, monkeypatch):
    run = stream(rows(), CONTRACT, size=5)
    whole = asked(run, CONTRACT)

    monkeypatch.setattr(expectations, "MOST_ROWS", most)
    found = asked(run, CONTRACT)

    expectations.agree(found, run.validation)
    assert (run.counts["DQ003", "n"], run.counts["DQ005", "c"]) == (1, 3)

    def counted(results):
        return [
            (each["expectation_config"], each["success"], each["result"].get("unexpected_count"),
             each["result"].get("observed_value"))
            for each in results.results["results"]
        ]  # fmt: skip

    assert counted(found) == counted(whole)
    assert (found.evaluated, found.failed) == (whole.evaluated, whole.failed)


def test_large_table_is_cut_between_partitions(monkeypatch):
    monkeypatch.setattr(expectations, "MOST_ROWS", 6)
    sizes, real = [], expectations._run
    monkeypatch.setattr(expectations, "_run", lambda rows, *args: (sizes.append(rows.shape), real(rows, *args))[1])
    run = stream(rows(), CONTRACT, size=4)
    layer = expectations.Layer(CONTRACT, rows=12, read=lambda names: run.typed.select(list(names)))

    for partition, batch in zip(("1", "2", "2"), run.typed.to_batches(), strict=True):
        layer.add(partition, 4 if partition == "1" else 8, batch)
    layer.close()

    assert sizes == [(4, 6), (8, 6), (12, 1), (12, 2)]


def test_difference_between_the_layers_is_an_integrity_error_that_names_the_rule():
    run = stream({"x": [1, 2, 99]}, contract_of({"type": "number", "max": 9}))
    clean = stream({"x": [1, 2, 3]}, contract_of({"type": "number", "max": 9}))

    with pytest.raises(IntegrityError) as caught:
        expectations.agree(asked(clean, contract_of({"type": "number", "max": 9})), run.validation)

    assert (caught.value.code, caught.value.exit_code) == ("INT006", 7)
    assert caught.value.what == "the two validation layers disagree on DQ004 of 'x': 1 and 0 rows"


def test_difference_of_means_is_one_too():
    contract = contract_of({"type": "number", "mean": [0, 9]})

    with pytest.raises(IntegrityError, match=r"DQ019 of 'x': 2.0 and 2.5 in the mean"):
        expectations.agree(asked(stream({"x": [2, 3]}, contract), contract), stream({"x": [2]}, contract).validation)


def test_rule_that_only_one_layer_has_is_an_integrity_error():
    bounded, free = contract_of({"type": "number", "max": 9}), contract_of({"type": "number"})
    run = stream({"x": [1]}, bounded)

    with pytest.raises(IntegrityError, match="DQ004 of 'x': None and 0 rows"):
        expectations.agree(asked(run, bounded), stream({"x": [1]}, free).validation)


def test_rule_that_could_not_be_evaluated_does_not_count_as_nought():
    run = stream({"z": ["word"]}, contract_of({"name": "z", "type": "text"}))

    found = asked(run, contract_of({"name": "z", "type": "number", "max": 9}))

    with pytest.raises(IntegrityError, match="could not evaluate expect_column_values_to_be_between: ") as caught:
        expectations.agree(found, run.validation)
    assert (caught.value.code, caught.value.where) == ("INT006", "z")


def test_results_are_counts_and_a_few_samples_in_json_and_never_whole_rows():
    contract = contract_of({"type": "category", "categories": ["a"]})

    found = asked(stream({"x": ["z"] * 500}, contract), contract)

    assert expectations.Expectations.model_validate_json(found.model_dump_json()) == found
    assert len(json.dumps(found.results)) < 3_000
    assert found.results["results"][1]["result"]["unexpected_count"] == 500


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


def test_running_the_suite_changes_no_row_and_writes_no_file(tmp_path, monkeypatch):
    run = stream(rows(), CONTRACT, items=(item(),))
    before = run.typed.to_pandas()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))

    asked(run, CONTRACT)

    pd.testing.assert_frame_equal(run.typed.to_pandas(), before)
    assert list(tmp_path.iterdir()) == []
