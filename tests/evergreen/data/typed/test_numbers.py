"""Numbers of any spelling become the float64 or int64 that Python says they are, or nothing."""

import json
import math
import struct
from datetime import date, datetime, time, timedelta
from decimal import Decimal

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from evergreen.config.contract.columns import Column
from evergreen.data.typed.schema import UNREADABLE, arrow_schema, conform, from_pandas

NEW_YORK = "America/New_York"


def column(kind: str, name: str = "x", **more) -> Column:
    return Column(name=name, type=kind, role="feature", **more)


def read(values, kind: str, *, zone: str = "UTC", **more) -> list:
    """Return each value as it is read; one that cannot be is given as a tuple of what is noted of it."""
    array = values if isinstance(values, pa.Array) else pa.array(values)
    typed = conform(pa.RecordBatch.from_arrays([array], ["x"]), [column(kind, **more)], zone=zone)
    typed.validate(full=True)
    assert typed.schema == arrow_schema([column(kind)])
    assert len(typed) == len(array)
    notes = [json.loads(note) if note else {} for note in typed[UNREADABLE].to_pylist()]
    assert all(value is None for value, note in zip(typed["x"].to_pylist(), notes, strict=True) if note)
    return [(note["x"],) if note else value for value, note in zip(typed["x"].to_pylist(), notes, strict=True)]


def one(value, kind: str, **more):
    return read([value] if not isinstance(value, pa.Array) else value, kind, **more)[0]


@given(st.floats(allow_nan=False, allow_infinity=False))
@example(5e-324)
@example(1.7976931348623157e308)
@example(-0.0)
def test_number_is_the_one_that_python_reads(number):
    for text in (repr(number), f"{number:.17e}", f" {number!r}\t", f"{number:+.3f}"):
        assert struct.pack("d", one(text, "number")) == struct.pack("d", float(text))
    assert one(number, "number") == number


@given(st.decimals(allow_nan=False, allow_infinity=False, places=4, min_value=-(10**20), max_value=10**20))
def test_decimal_is_rounded_as_its_text(number):
    assert one(pa.array([number], pa.decimal128(38, 4)), "number") == float(number)


def test_decimals_beside_others_do_not_lose_digits():
    numbers = [Decimal("12345678901234567890.00"), Decimal("0.50"), Decimal("-7.00"), None]
    for kind in (pa.decimal128(30, 2), pa.decimal256(40, 2)):
        found = read(pa.array(numbers, kind), "text")
        assert found == ["12345678901234567890", "0.5", "-7", None]
    assert read(pa.array([Decimal("0.00000001"), Decimal("0E-10")]), "category") == ["0.00000001", "0"]
    assert read(pa.array([Decimal("3.0"), Decimal("3.5")]), "integer") == [3, ("3.5",)]


@pytest.mark.parametrize(
    "text",
    ["1,200", "1_000", "0x1F", "1e400", "-1e400", "inf", "-Infinity", "12 %", "1.2.3", "", ".", "e5", "\uff11", "1\0"],
)
def test_text_that_is_no_finite_number_is_unreadable(text):
    assert read([text, "1"], "number") == [(text,) if text else None, 1.0]


def test_infinity_is_unreadable_and_nan_is_missing():
    assert read([math.inf, math.nan, 1.5], "number") == [("inf",), None, 1.5]
    assert read([-math.inf, math.nan, 1.0], "integer") == [("-inf",), None, 1]
    assert read([math.nan, 1.0, 1.5, math.inf], "text") == [None, "1", "1.5", "inf"]


@pytest.mark.parametrize("value", [True, datetime(2013, 1, 1), date(2013, 1, 1), time(5), [1], {"a": 1}])
def test_what_is_no_number_is_not_made_one(value):
    for kind in ("number", "integer"):
        assert isinstance(one(value, kind), tuple)


def test_length_of_time_is_a_number_of_seconds_in_every_unit():
    for unit, per_second in (("s", 1), ("ms", 10**3), ("us", 10**6), ("ns", 10**9)):
        lengths = pa.array([90 * per_second, -per_second, None], pa.duration(unit))
        assert read(lengths, "number") == [90.0, -1.0, None]
        assert read(lengths, "integer") == [90, -1, None]
    assert read([timedelta(days=1), timedelta(milliseconds=250)], "number") == [86_400.0, 0.25]


LONGS = st.integers(-(2**63), 2**63 - 1)


@given(LONGS)
@example(2**63 - 1)
@example(-(2**63))
@example(2**53 + 1)
def test_integer_is_read_exactly_however_it_is_written(number):
    texts = [str(number), f"{number}.0", f"{number}.", f" {number} ", f"{number:+d}", f"{number:025d}", f"{number}.000"]
    texts += [f"{number}0e-1", f"{Decimal(number):E}"]
    for text in texts:
        assert one(text, "integer") == number, text
    assert read([*texts, "no"], "integer") == [number] * len(texts) + [("no",)]
    assert one(pa.array([number], pa.int64()), "integer") == number
    assert one(pa.array([Decimal(number)], pa.decimal128(38, 0)), "integer") == number


@pytest.mark.parametrize(
    "text",
    ["9223372036854775808", "-9223372036854775809", "1e19", "0.99999999999999999999", "1.00000000000000000001", "1e-3",
     "4503599627370496.1", "0x1F", "1e999999999", "1e99999999999999999999", "1,200", "\uff11\uff12", "12a", "--1"],
)  # fmt: skip
def test_text_that_is_no_integer_of_64_bits_is_unreadable(text):
    assert read([text], "integer") == [(text,)]
    assert read(["7", text, "8.0"], "integer") == [7, (text,), 8]


@pytest.mark.parametrize("kind", ["int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"])
def test_integers_of_every_width_are_read_to_their_ends(kind):
    info = np.iinfo(kind)
    ends = pa.array([info.min, info.max, None], kind)
    exact = info.max < 2**63
    assert read(ends, "integer") == [int(info.min), int(info.max) if exact else (str(info.max),), None]
    assert read(ends, "text") == [str(info.min), str(info.max), None]
    assert read(ends, "number") == [float(info.min), float(info.max), None]


@given(st.floats(-(2.0**64), 2.0**64))
@example(-(2.0**63))
@example(2.0**63)
@example(9007199254740994.0)
def test_float_is_an_integer_where_it_is_whole_and_fits(number):
    fits = number.is_integer() and -(2**63) <= number < 2**63
    assert one(number, "integer") == (int(number) if fits else (str(number),))


def typed_of(series: pd.Series, kind: str, zone: str = NEW_YORK) -> list:
    batch = from_pandas(pd.DataFrame({"x": series}), [column(kind)])
    return read(batch["x"], kind, zone=zone)


def test_python_decimals_are_read_exactly():
    series = pd.Series([Decimal("1.50"), Decimal("NaN"), Decimal("12345678901234567890.5")], dtype="object")
    assert typed_of(series, "number") == [1.5, None, 12345678901234567890.5]
    assert typed_of(pd.Series([Decimal("1E+100"), Decimal(1)], dtype="object"), "number") == [1e100, 1.0]
