"""Rows of two tables side by side by key, and where their values differ."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pyarrow as pa
import pytest

from evergreen.decisions.drift.faults.pairs import compare, pair


def differing(served: object, source: object, *, tolerance: float = 1e-6) -> list[bool]:
    ours, theirs = (
        pa.chunked_array([side if isinstance(side, pa.Array) else pa.array(side)]) for side in (served, source)
    )
    return compare(ours, theirs, tolerance=tolerance).differ.tolist()


def test_rows_are_paired_by_all_keys_in_the_order_in_which_they_were_served():
    served = pa.table({"a": [2, 1, 1, 3], "b": ["y", "x", "y", "x"], "v": [0, 1, 2, 3]})
    source = pa.table({"b": ["x", "y", "y"], "a": [1, 1, 2], "w": [10, 20, 30]})
    found = pair(served, source, ["a", "b"])
    assert found.served["v"].to_pylist() == [0, 1, 2]
    assert found.source["w"].to_pylist() == [30, 10, 20]
    assert found.ambiguous == 0


def test_a_key_served_twice_makes_two_pairs_and_one_that_the_source_has_twice_none():
    served = pa.table({"id": [1, 1, 2, 3], "v": [0, 1, 2, 3]})
    source = pa.table({"id": [1, 2, 2, 4], "w": [10, 20, 30, 40]})
    found = pair(served, source, ["id"])
    assert found.served["v"].to_pylist() == [0, 1]
    assert found.source["w"].to_pylist() == [10, 10]
    assert found.ambiguous == 1


def test_a_key_with_a_missing_part_is_no_key_even_if_both_lack_it():
    table = pa.table({"a": [1, None, 2], "b": ["x", "x", None]})
    assert pair(table, table, ["a", "b"]).served.num_rows == 1
    unkeyed = pa.table({"id": pa.nulls(3, pa.int64())})
    assert pair(unkeyed, unkeyed, ["id"]).served.num_rows == 0


@pytest.mark.parametrize(
    "other", [pa.array(["1", "2"]), pa.array(["1", "2"]).dictionary_encode(), pa.array(["1", "2"], pa.large_string())]
)
def test_keys_of_other_types_are_paired_by_their_text(other: pa.Array):
    for keys in (pa.array([2, 1]), pa.array(["2", "1"])):
        found = pair(pa.table({"id": keys}), pa.table({"id": other, "w": [10, 20]}), ["id"])
        assert found.source["w"].to_pylist() == [20, 10]


@pytest.mark.parametrize(
    ("served", "source"),
    [
        (["7", "8.5"], [7.0, 8.5]),
        ([Decimal("7.10"), Decimal("8.50")], [7.1, 8.5]),
        ([True, False], ["true", "False"]),
        ([True, False], [1, 0]),
        (["2024-01-01", None], [datetime(2024, 1, 1), None]),
        (pa.array(["a", "b"]).dictionary_encode(), ["a", "b"]),
        ([date(2024, 1, 1), date(2024, 1, 2)], [datetime(2024, 1, 1), datetime(2024, 1, 2)]),
        (
            pa.array([datetime(2024, 1, 1, 12, tzinfo=UTC), None], pa.timestamp("ns", "UTC")),
            pa.array([datetime(2024, 1, 1, 12, tzinfo=UTC), None], pa.timestamp("us", "Europe/Berlin")),
        ),
        ([float("inf"), float("-inf")], [float("inf"), float("-inf")]),
    ],
)
def test_the_same_values_in_other_types_are_the_same(served: object, source: object):
    assert differing(served, source) == [False, False]


def test_numbers_differ_beyond_the_tolerance_as_a_part_of_the_larger():
    assert differing([100.0, 100.0, 1e-9, 0.0], [99.0, 98.9, 2e-9, 0.0], tolerance=0.01) == [False, True, True, False]
    assert differing([1.0], [1.0 + 1e-12], tolerance=0.0) == [True]


def test_missing_is_nan_or_null_and_differs_from_what_is_there_only():
    numbers = compare(
        pa.chunked_array([pa.array([None, float("nan"), 1.0, 2.0])]),
        pa.chunked_array([pa.array([float("nan"), 1.0, None, 3.0])]),
        tolerance=0.0,
    )
    assert numbers.differ.tolist() == [False, True, True, True]
    assert numbers.one_missing.tolist() == [False, True, True, False]
    assert differing(["a", None, None], ["a", "b", None]) == [False, True, False]


def test_texts_keep_their_case_and_those_that_are_no_numbers_differ_from_numbers():
    assert differing(["a", "A"], ["a", "a"]) == [False, True]
    assert differing(["many", "2"], [1.0, 2.0]) == [True, False]


def test_what_has_no_text_cannot_be_compared():
    with pytest.raises(pa.ArrowException):
        differing([[1]], [[1]])


def test_infinite_number_equals_nothing_but_itself():
    assert differing([float("inf")] * 3, [float("-inf"), 1e308, float("inf")]) == [True, True, False]
