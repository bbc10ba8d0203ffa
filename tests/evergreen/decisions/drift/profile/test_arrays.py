"""Columns of every physical type that a kind may come in."""

from decimal import Decimal

import numpy as np
import pyarrow as pa
import pytest

from evergreen.decisions.drift.profile.arrays import coded, microseconds, mismatch, numbers, truths

WORDS = ["b", None, "new", "a", ""]


@pytest.mark.parametrize(
    "values",
    [
        pa.array(WORDS),
        pa.array(WORDS, pa.large_string()),
        pa.array(WORDS, pa.string_view()),
        pa.array(WORDS).dictionary_encode(),
        pa.DictionaryArray.from_arrays(pa.array([0, 3, 1, 2, 4], pa.int8()), pa.array(["b", "new", "a", None, ""])),
    ],
)
def test_texts_have_the_cell_of_their_category(values):
    assert mismatch(values.type, "category") is None
    assert coded(values, ("a", "b")).tolist() == [1, 3, 2, 0, 2]
    assert coded(values, ()).tolist() == [0, 1, 0, 0, 0]


@pytest.mark.parametrize(
    "kind",
    [pa.int8(), pa.uint64(), pa.float16(), pa.float32(), pa.float64(), pa.decimal128(30, 2)],
)
def test_numbers_of_every_type_are_float64(kind):
    values = pa.array([Decimal(1), None, Decimal(3)], pa.decimal128(9, 0)).cast(pa.int64()).cast(kind)
    assert mismatch(kind, "number") is None
    np.testing.assert_array_equal(numbers(values), [1.0, np.nan, 3.0])
    np.testing.assert_array_equal(numbers(values.slice(2)), [3.0])


def test_numbers_in_a_dictionary_are_numbers():
    values = pa.array([1.5, None, 1.5]).dictionary_encode()
    assert mismatch(values.type, "number") is None
    np.testing.assert_array_equal(numbers(values), [1.5, np.nan, 1.5])


@pytest.mark.parametrize(
    ("unit", "count", "expected"),
    [("s", -1, -1_000_000), ("ms", -1, -1_000), ("us", -1, -1), ("ns", -1, -1), ("ns", 1_999, 1), ("s", 2**62, None)],
)
def test_times_of_every_unit_are_whole_microseconds_cut_off_towards_the_past(unit, count, expected):
    assert microseconds(pa.array([count, None], pa.timestamp(unit, "UTC"))).to_pylist() == [expected, None]


def test_truth_values_have_their_cells():
    assert truths(pa.array([True, None, False])).tolist() == [1, 3, 0]
    assert truths(pa.nulls(2)).tolist() == [3, 3]


@pytest.mark.parametrize("kind", ["number", "timestamp", "category", "boolean"])
def test_every_kind_refuses_the_others_and_takes_what_has_no_type(kind):
    of = {
        "number": pa.float64(), "timestamp": pa.timestamp("us", "UTC"), "category": pa.string(), "boolean": pa.bool_(),
    }  # fmt: skip
    assert mismatch(pa.null(), kind) is None
    assert [other for other, held in of.items() if mismatch(held, kind) is None] == [kind]
    assert mismatch(pa.timestamp("us"), kind).startswith("timestamp[us] where ")
    assert mismatch(pa.binary(), kind).startswith("binary where ")
