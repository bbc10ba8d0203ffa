"""What rows hold, as numbers: equal for equal rows, in any order and grouping."""

from datetime import UTC, datetime

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from versions import at, digest_of, rows_of

from evergreen.data import datasets
from evergreen.data.typed.schema import UNREADABLE

VALUES = {
    "at": st.datetimes(datetime(1700, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC)),
    "n": st.integers(-(2**63), 2**63 - 1),
    "m": st.integers(-2, 2),
    "x": st.floats(allow_nan=False, allow_infinity=False),
    "t": st.text(st.characters(exclude_categories=["Cs"]), max_size=4),
    "u": st.sampled_from(["", "a", "b"]),
    "b": st.booleans(),
    UNREADABLE: st.sampled_from(['{"n": "x"}', '{"n": "y"}']),
}


A_ROW = st.fixed_dictionaries({name: st.none() | values for name, values in VALUES.items()})


EXAMPLE = {
    "at": at("2013-01-31T05:00"), "n": 1, "m": 0, "x": 0.5, "t": "a", "u": "", "b": False, UNREADABLE: None
}  # fmt: skip


@given(st.lists(A_ROW, max_size=12), st.randoms(use_true_random=False), st.integers(1, 5))
def test_content_does_not_depend_on_order_grouping_or_row_numbers(rows, shuffle, size):
    shuffled = list(rows)
    shuffle.shuffle(shuffled)
    pieces = [rows_of(shuffled[begin : begin + size], first=7 * begin) for begin in range(0, len(rows), size)]
    sums = [datasets.content_sums(piece) for piece in pieces]
    assert digest_of(rows) == tuple(sum(each) % 2**64 for each in (zip(*sums, strict=True) if sums else [[], []]))
    assert digest_of(rows) == datasets.content_sums(rows_of([EXAMPLE, *rows]).slice(1))


@given(A_ROW, st.data())
@settings(max_examples=100)
def test_content_depends_on_every_single_value(row, data):
    name = data.draw(st.sampled_from(sorted(VALUES)))
    other = data.draw((st.none() | VALUES[name]).filter(lambda value: value != row[name]))
    assert digest_of([row]) != digest_of([{**row, name: other}])
    assert digest_of([row, EXAMPLE]) != digest_of([{**row, name: other}, EXAMPLE])


@pytest.mark.parametrize(
    ("name", "value"), [("n", 0), ("x", 0.0), ("t", ""), ("b", False), ("at", at("1970-01-01T00:00"))]
)
def test_nothing_is_not_the_same_as_an_empty_value(name, value):
    assert digest_of([{name: value}]) != digest_of([{}])


def test_content_tells_columns_of_one_type_apart():
    assert digest_of([{"n": 1, "m": 2}]) != digest_of([{"n": 2, "m": 1}])
    assert digest_of([{"n": None, "m": 2}]) != digest_of([{"n": 2, "m": None}])
    assert digest_of([{"t": "a"}]) != digest_of([{"u": "a"}])
    assert digest_of([{"t": "ab", "u": "c"}]) != digest_of([{"t": "a", "u": "bc"}])
    assert digest_of([{"n": 1, "m": 2}, {"n": 3, "m": 4}]) != digest_of([{"n": 1, "m": 4}, {"n": 3, "m": 2}])


def test_content_counts_equal_rows():
    sums = [digest_of([EXAMPLE] * n) for n in range(5)]
    assert len(set(sums)) == 5
    assert sums[0] == (0, 0)


def test_negative_zero_equals_zero():
    assert digest_of([{"x": -0.0}]) == digest_of([{"x": 0.0}]) != digest_of([{"x": 5e-324}])


def test_one_value_in_fifty_thousand_rows_counts():
    rows = pa.RecordBatch.from_pydict({"n": np.arange(50_000), "x": np.arange(50_000) / 7})
    sums = datasets.content_sums(rows)
    changed = rows.set_column(0, "n", pa.array(np.where(np.arange(50_000) == 49_999, 0, np.arange(50_000))))
    assert datasets.content_sums(changed) != sums
    order = np.random.default_rng(7).permutation(50_000)
    assert datasets.content_sums(rows.take(pa.array(order))) == sums


def test_row_hashes_are_different_for_different_rows_and_do_not_follow_the_order_of_columns():
    rows = pa.RecordBatch.from_pydict({"n": np.arange(100_000) % 1_000, "m": np.arange(100_000) // 1_000})
    hashes = datasets.row_hashes(rows, ["n", "m"])
    assert len(np.unique(hashes)) == 100_000
    np.testing.assert_array_equal(hashes, datasets.row_hashes(rows, ["m", "n"]))
    assert abs(np.unpackbits(hashes.view(np.uint8)).mean() - 0.5) < 0.001
