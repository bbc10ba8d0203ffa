"""Texts as a contract spells them: what each is read as, and what is none."""

import math
from datetime import UTC, datetime

import pyarrow as pa
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from evergreen.config.contract.columns import Column
from evergreen.data.typed.spelled import plain, together


def read(spelling, *texts, kind="number"):
    column = Column(name="x", type=kind, role="feature", spelling=spelling)
    return plain(pa.array(texts, pa.string()), column).to_pylist()


@pytest.mark.parametrize(
    ("spelling", "spelled", "others"),
    [
        ({"decimal": ","}, {"12,5": 12.5, " -0,123 ": -0.123, "7": 7, "1,5e3": 1500, ",5": 0.5}, ["1.5", "1,234,567"]),
        (
            {"decimal": ",", "thousands": ".", "after": "€"},
            {"1.234,50 €": 1234.5, "1234€": 1234, "-1.000.000 €": -1e6, "\u22123 €": -3},
            ["1.23 €", "1.234.5 €", "12", "€ 5", "€", ""],
        ),
        (
            {"before": "$", "thousands": ",", "parentheses": True},
            {"$1,234.56": 1234.56, "-$5": -5, "$-5": -5, "($5)": -5, "$(1,200)": -1200, "$ 7": 7},
            ["5", "(5)", "-$-5", "-($5)", "$1,23", "$", "USD 5"],
        ),
        ({"after": "%"}, {"12.5%": 12.5, "0 %": 0, "-3\u00a0%": -3, "+1e2%": 100}, ["12.5", "%", "12.5%%", "1 2%"]),
        (
            {"thousands": " "},
            {"1 234": 1234, "1\u202f234.5": 1234.5, "1\u00a0234\u00a0567": 1234567},
            ["12 34", "1 2345"],
        ),
        ({"thousands": "'"}, {"1'234": 1234, "1\u2019234.5": 1234.5}, ["1'23", "'123"]),
        ({"after": "m²"}, {"80 m²": 80, "80.5m²": 80.5}, ["80 m", "80 m2", "80"]),
        ({"before": "Rs."}, {"Rs. 500": 500, "Rs..5": 0.5}, ["Rs 500", "500"]),
    ],
)
def test_numbers_are_read_as_they_are_spelled_and_in_no_other_way(spelling, spelled, others):
    assert [float(text) for text in read(spelling, *spelled)] == list(spelled.values())
    assert read(spelling, *others) == [None] * len(others)


@pytest.mark.parametrize(
    ("spelling", "spelled", "others"),
    [
        (
            "%Y/%m/%d",
            {"2014/10/13": "2014-10-13", "2024/1/5": "2024-01-05"},
            ["2014-10-13", "2014/13/10", "13/10/2014"],
        ),
        ("%Y%m%d", {"20141013": "2014-10-13"}, ["2014113", "20141313", "201410130"]),
        ("%d.%m.%Y %H:%M", {"31.12.2024 7:05": "2024-12-31T07:05:00"}, ["12.31.2024 07:05", "31.12.2024"]),
        ("%B %d, %Y", {"January 05, 2024": "2024-01-05", "sept 5, 2024": "2024-09-05"}, ["Januar 5, 2024", "May 2024"]),
        (
            "%m/%d/%y %I:%M %p",
            {"1/5/24 12:30 am": "2024-01-05T00:30:00", "1/5/69 12:30 P.M.": "1969-01-05T12:30:00"},
            ["1/5/24 13:30 PM", "1/5/24 0:30 AM"],
        ),
        (
            "%Y-%m-%d %H:%M:%S.%f %Z",
            {"2024-01-05 01:02:03.123456789 UTC": "2024-01-05T01:02:03.123456Z"},
            ["2024-01-05 01:02:03.1 CET"],
        ),
        ("%d%b%Y", {"05JAN2024": "2024-01-05"}, ["5 JAN 2024"]),
        (
            "rfc 2822",
            {
                "Mon, 13 Oct 2014 10:00:00 +0200": "2014-10-13T10:00:00+02:00",
                "1 Feb 2014 10:00 GMT": "2014-02-01T10:00:00Z",
            },
            ["13 Oct 2014", "Mon, 13 Oct 2014 10:00:00"],
        ),
        ("%d.%m.%Y", {"2024-03-01T12:00:00Z": "2024-03-01T12:00:00Z"}, ["2024-03-01T12:00:00", "2024-03-01"]),
    ],
)
def test_times_are_read_as_they_are_spelled_and_in_no_other_way(spelling, spelled, others):
    assert read(spelling, *spelled, kind="timestamp") == list(spelled.values())
    assert read(spelling, *others, kind="timestamp") == [None] * len(others)


@given(st.datetimes(datetime(1678, 1, 2), datetime(2261, 12, 30)), st.sampled_from([0, 3, 6, 9]))
@example(datetime(1969, 12, 31, 23, 59, 59, 999999), 9)
def test_epochs_are_counted_from_1970_in_each_unit(moment, digits):
    words = {0: "epoch seconds", 3: "epoch milliseconds", 6: "epoch microseconds", 9: "epoch nanoseconds"}
    moment = moment.replace(
        microsecond=moment.microsecond // 10 ** (6 - digits) * 10 ** (6 - digits) if digits < 6 else moment.microsecond
    )
    since = moment.replace(tzinfo=UTC) - datetime(1970, 1, 1, tzinfo=UTC)
    micro = (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds
    count = micro * 1_000 if digits == 9 else micro // 10 ** (6 - digits)
    (text,) = read(words[digits], str(count), kind="timestamp")
    assert datetime.fromisoformat(text) == moment.replace(tzinfo=UTC)


def test_epoch_out_of_range_or_with_a_fraction_before_1970_is_none():
    assert read("epoch seconds", "99999999999", "-0.5", "1e9", "1,5", kind="timestamp") == [None] * 4
    assert read("epoch milliseconds", "1413158400123.5", kind="timestamp") == ["2014-10-13 00:00:00.123500Z"]


@given(st.floats(-1e12, 1e12), st.sampled_from([",", ".", " ", "'"]), st.sampled_from(["", "$", "EUR"]))
def test_number_written_by_another_hand_is_read_as_itself(value, thousands, before):
    decimal = "," if thousands == "." else "."
    text = f"{abs(value):,.3f}".translate(str.maketrans({",": thousands, ".": decimal}))
    text = f"{'-' if value < 0 else ''}{before}{text}"
    (found,) = read({"decimal": decimal, "thousands": thousands, "before": before}, text)
    assert math.isclose(float(found), round(value, 3), abs_tol=1e-9)


@pytest.mark.parametrize(
    ("columns", "spelled", "others"),
    [
        (
            (("day", "timestamp"), ("hour", "integer")),
            {("2024-01-05", "7"): "2024-01-05T07:00:00", ("2024/1/5", "23.0"): "2024-01-05T23:00:00"},
            [("2024-01-05", "24"), ("2024-01-05", "7.5"), ("2024-01-05 03:00", "7"), ("2024-01-05", "-1"), ("x", "1")],
        ),
        (
            (("day", "timestamp"), ("clock", "text")),
            {("2024-01-05", "18.00.00"): "2024-01-05T18:00:00", ("2024-01-05", "6:30 pm"): "2024-01-05T18:30:00"},
            [("2024-01-05", "25:00"), ("2024-01-05", "13:00 pm"), ("2024-01-05", "18:60"), ("2024-01-05", None)],
        ),
        (
            (("y", "integer"), ("m", "category"), ("d", "integer"), ("h", "integer")),
            {("2024", "July", "1", "0"): "2024-07-01T00:00:00", ("2024", "12", "31", "23"): "2024-12-31T23:00:00"},
            [("24", "7", "1", "0"), ("2024", "13", "1", "0"), ("2024", "7", "32", "0"), ("2024", None, "1", "0")],
        ),
        ((("y", "integer"), ("m", "integer")), {("2024", "7"): "2024-07-01T00:00:00"}, [("2024", "0")]),
    ],
)
def test_parts_are_one_time_and_none_where_one_is_out_of_range(columns, spelled, others):
    parts = [Column(name=name, type=kind, role="ignore") for name, kind in columns]

    def told(rows):
        return together([pa.array(texts, pa.string()) for texts in zip(*rows, strict=True)], parts).to_pylist()

    assert told(spelled) == list(spelled.values())
    assert told(others) == [None] * len(others)


def test_part_has_its_own_spelling():
    day = Column(name="day", type="timestamp", role="ignore", spelling="%d/%m/%Y")
    clock = Column(name="clock", type="category", role="feature")
    texts = [pa.array(["10/03/2004", "03-10-2004"]), pa.array(["18.00.00", "18.00.00"])]
    assert together(texts, [day, clock]).to_pylist() == ["2004-03-10T18:00:00", None]
