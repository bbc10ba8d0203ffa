"""Reading raw JSON: whatever is taken here, `validation.check` reads as the same value."""

import math
import struct
from datetime import UTC, datetime

import pandas as pd
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from evergreen.config.contract.columns import Column
from evergreen.config.contract.contract import Contract
from evergreen.config.params.features import FeatureParams
from evergreen.data.validation import check
from evergreen.learning.model.compiled.reading import Reader, Unusual
from evergreen.learning.model.requested import requested

ZONE = "America/New_York"
COLUMNS = {
    "number": {"type": "number"},
    "bounded": {"type": "number", "min": -1.5, "max": 2.0**53, "nullable": True},
    "warned": {"type": "number", "min": 0, "nullable": True, "severity": {"DQ004": "warn"}},
    "integer": {"type": "integer", "nullable": True},
    "small": {"type": "integer", "min": -3, "max": 3},
    "large": {"type": "integer", "min": 2.0**53 - 4, "max": 2.0**53 + 4, "nullable": True},
    "truth": {"type": "boolean", "nullable": True},
    "spelled": {"type": "boolean", "nullable": True, "spelling": ["No", "Yes"]},
    "spaced": {"type": "boolean", "nullable": True, "spelling": [" No", " Yes"]},
    "when": {"type": "timestamp", "nullable": True},
    "any": {"type": "category", "nullable": True},
    "closed": {"type": "category", "categories": ["a", "3", "NA", "é"], "nullable": True},
    "open": {"type": "category", "categories": ["a"], "open": True, "severity": {"DQ003": "warn"}},
    "shaped": {"type": "category", "pattern": r"[A-Z]{2}\d", "nullable": True},
    "worded": {"type": "category", "pattern": r"\w+", "nullable": True},
    "text": {"type": "text"},
}
CONTRACT = Contract.model_validate(
    {
        "name": "all",
        "description": "",
        "source": {"kind": "file", "path": "x.csv"},
        "timezone": ZONE,
        "label_delay_days": 0,
        "columns": [
            *({"name": name, "role": "feature", **rules} for name, rules in COLUMNS.items()),
            {"name": "y", "type": "number", "role": "target"},
        ],
    }
)
ASKED = {c.name: c for c in requested(CONTRACT, FeatureParams(rare_category=1, test_share=0.5))}
DECLARED = {c.name: c for c in CONTRACT.features}

dates = st.datetimes(min_value=datetime(1600, 1, 1), max_value=datetime(2300, 1, 1))
offsets = st.sampled_from(
    ["", "Z", "+00:00", "-05:00", "+05:45", "-00:00", "+14:00", "+23:59", "-23:59", "+24:00", "z"]
)
stamps = st.builds(
    lambda moment, sep, digits, offset: (
        moment.strftime(f"%Y-%m-%d{sep}%H:%M:%S").rjust(19, "0")
        + (f".{moment:%f}"[: digits + 1] if digits else "")
        + offset
    ),
    dates,
    st.sampled_from("T t"),
    st.integers(0, 6),
    offsets,
)
EDGES = [
    None, True, False, 0, 1, -1, 3, 3.0, -0.0, 0.0, 2.0, -1.5, -1.5000000000000002, 2**53, 2**53 + 1, 2**53 + 5,
    2.0**53, 2.0**53 + 2, -(2**53) - 1, 2**63 - 1, 2**63, -(2**63), -(2**63) - 1, 10**30, 1e308, 5e-324, 1e22, 1.5,
    0.1, float("inf"), float("-inf"), float("nan"), "", " ", "a", "A", "3", "3.0", "NA", "N/A", "nan", "NaN",
    "null", "None", "Yes", "No", "yes", " Yes", "YES", "true", "false", "True", "TRUE", "1", "0", "é", "AB1",
    "AB12", "ab1", "AB1\n", "AB\u0661", "x\0y", "\ud800", "\udfff\ud800", "😀", "a b", "never seen", "1e5", "0x1F",
    "2013-01-01", "2013-01-01T05:00:00", "2013-01-01T05:00:00Z", "2013-01-01 05:00:00+00:00",
    "2013-01-01T05:00:00.123Z", "2013-01-01T05:00:00,123Z", "2013-01-01T05:00:00.123456789Z",
    "2013-01-01T24:00:00Z", "2013-01-01T23:59:60Z", "2013-02-29T00:00:00Z", "2013-03-10T02:30:00",
    "2013-11-03T01:30:00", "2050-03-13T02:30:00", "2050-11-06T01:30:00", "2050-07-01T12:00:00",
    "1677-12-31T23:59:59Z", "1678-01-01T00:00:00Z", "2261-12-31T23:59:59.999999Z", "2262-01-01T00:00:00Z",
    "2262-01-01T00:00:00-05:00", "2261-12-31T19:00:00", "0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59",
    "1883-11-18T12:03:58", "1900-01-01T00:00:00", "2013-W01-2T05:00:00Z", "20130101T05000000:00",
    "\uff12013-01-01T05:00:00Z", "2013-01-01T05:00:00.+00:00", "2013-01-01T05:00:00+0000",
    "2013-01-01T05:00:00 00:00", "2013-01-01T05:00-05:00", [], {}, [1], "2013-01-01T05:00:00.1Z",
    "2013-01-01T05:00:00.12+01:00", "2013-01-01T05:00:00+00:60",
]  # fmt: skip
values = st.one_of(
    st.sampled_from(EDGES), stamps, st.integers(), st.integers(-(2**64), 2**64), st.floats(), st.text(max_size=6),
    st.from_regex(r"[A-Z]{2}\d", fullmatch=True), st.booleans(), st.floats(-3, 3), st.integers(-5, 5),
)  # fmt: skip


def taken(name, value):
    """Return what is read, as one value in a list; an empty list where somebody else is to read it."""
    into = []
    try:
        Reader([ASKED[name]], zone=ZONE).read([value], into)
    except Unusual:
        return []
    return into


def checked(name, value):
    """Return what `validation.check` reads, with the breaking of a rule as an empty list."""
    found = check(pd.DataFrame([{name: value}]), [DECLARED[name]], zone=ZONE)
    assert len(found.kept) <= 1
    return [None if pd.isna(each) else each for each in found.kept[name]]


def bits(value):
    return struct.pack("<d", value) if isinstance(value, float) else value


@pytest.mark.parametrize("name", COLUMNS)
@pytest.mark.parametrize("value", EDGES, ids=repr)
def test_what_is_taken_is_what_check_reads_at_every_edge(name, value):
    same(name, value)


@settings(max_examples=1_500, deadline=None, derandomize=True)
@given(st.sampled_from(sorted(COLUMNS)), values)
def test_what_is_taken_is_what_check_reads(name, value):
    same(name, value)


@settings(max_examples=600, deadline=None, derandomize=True)
@given(stamps)
@example("2013-03-10T02:30:00")
def test_times_that_are_taken_are_those_that_check_reads(text):
    same("when", text)


def same(name, value):
    found = taken(name, value)
    if not found:
        return
    (read,), expected = found, checked(name, value)
    assert len(expected) == 1, f"{value!r} is refused by check"
    if DECLARED[name].type == "timestamp" and read is not None:
        moment = expected[0].to_pydatetime() - datetime(1970, 1, 1, tzinfo=UTC)
        assert read == moment // (moment.resolution)
        return
    kind = {"number": float, "integer": int, "boolean": bool}.get(DECLARED[name].type, str)
    assert read is None or type(read) is kind
    assert bits(read) == bits(expected[0] if expected[0] is None else kind(expected[0]))


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("number", 3, 3.0),
        ("number", -0.0, -0.0),
        ("integer", 3.0, 3),
        ("integer", 2**53 + 1, 2**53 + 1),
        ("truth", True, True),
        ("spelled", "Yes", True),
        ("closed", 3, "3"),
        ("closed", "NA", "NA"),
        ("shaped", "AB1", "AB1"),
        ("open", "b", "b"),
        ("warned", -1.0, -1.0),
        ("when", "2013-01-01T05:00:00Z", 1_357_016_400_000_000),
        ("when", "2013-01-01T00:00:00", 1_357_016_400_000_000),
        ("when", "2013-01-01T05:00:00.000001+00:00", 1_357_016_400_000_001),
    ],
)
def test_usual_forms_are_read_at_once(name, value, expected):
    assert taken(name, value) == [expected]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("number", None), ("number", True), ("number", "3"), ("number", math.inf), ("number", 2**53 + 1),
        ("small", 4), ("small", 2.5), ("integer", 2**63), ("closed", "b"), ("shaped", "ab"), ("text", "x\0y"),
        ("when", "2013-03-10T02:30:00"), ("when", 1_357_016_400),
        ("when", "2013-01-01T05:00:00.5+01:00"), ("any", 1.0), ("any", []), ("truth", 1),
    ],
)  # fmt: skip
def test_everything_else_is_left_to_somebody_else(name, value):
    assert taken(name, value) == []


def test_position_of_the_unusual_value_is_told_and_the_values_before_it_are_there():
    reader = Reader([ASKED["integer"], ASKED["number"], ASKED["small"]], zone=ZONE)
    into = ["before"]
    with pytest.raises(Unusual) as caught:
        reader.read([7, "x", 1], into)
    assert (caught.value.position, into) == (1, ["before", 7])


def test_column_is_known_by_what_refuses_its_rows():
    assert {name: column.refuses for name, column in ASKED.items() if len(column.refuses) < 4} == {
        "warned": ("DQ003", "DQ005", "DQ011"),
        "open": ("DQ004", "DQ011"),
    }
    assert isinstance(DECLARED["open"], Column)
