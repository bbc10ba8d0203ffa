"""What one column holds, taken in batch by batch."""

import numpy as np
import pyarrow as pa
import pytest

from evergreen.proposal.column_profile import MOST_COUNTED, ColumnProfile


def column_of(*batches: object, kind: pa.DataType | None = None) -> ColumnProfile:
    column = ColumnProfile("x")
    for values in batches:
        column.add(values if isinstance(values, pa.Array) else pa.array(values, kind or pa.string()))
    return column


def test_profile_reads_numbers_from_text_as_numpy_does():
    values = np.random.default_rng(1).normal(50, 9, 10_000).round(3)
    column = column_of([str(v) for v in values[:4_000]], [str(v) for v in values[4_000:]])
    assert (column.numbers, column.whole, column.present) == (10_000, 0, 10_000)
    assert column.range.mean == pytest.approx(values.mean())
    assert column.range.deviation == pytest.approx(values.std(ddof=1))
    assert (column.range.low, column.range.high) == (values.min(), values.max())
    assert column.distinct.n == len(np.unique(values))


@pytest.mark.parametrize(
    ("texts", "seen"),
    [
        (["1", "2", "-3"], {"numbers": 3, "whole": 3}),
        (["1.0", "2.0"], {"numbers": 2, "whole": 0}),
        (["007", "008"], {"numbers": 2, "leading_zeros": 2}),
        (["0", "0.5", "10"], {"numbers": 3, "leading_zeros": 0}),
        ([str(2**64), str(2**65), "1"], {"numbers": 3, "huge": 2}),
        (["1e300", "2.5"], {"numbers": 2, "huge": 0}),
        (["inf", "1.5"], {"numbers": 1, "infinite": 1}),
        (["0x1F", "7"], {"numbers": 1}),
        (["2024-01-01", "2024-12-31T10:00:00"], {"times": 2, "with_offset": 0}),
        (["2024-01-01T00:00:00Z", "2024-12-31T10:00:00+02:00"], {"times": 2, "with_offset": 2}),
        (["2024-01-01T00:00:00Z", "2024-12-31T10:00:00"], {"times": 2, "with_offset": 1}),
        (["31/12/2024", "01/01/2025", "2024-01"], {"times": 0}),
        (["1", " ", "", "2"], {"numbers": 2, "nulls": 2}),
        (["1", "2", "3", "?"], {"numbers": 3, "strays": {"?": 1}}),
        (["the quick fox", "jumps"], {"numbers": 0, "spaced": 1}),
    ],
)
def test_profile_tells_what_texts_look_like(texts: list[str], seen: dict[str, object]):
    column = column_of(texts)
    assert {name: getattr(column, name) for name in seen} == seen


def test_profile_finds_integers_beyond_int64_different():
    assert column_of([str(2**64 + n) for n in range(9)]).distinct.n == 9


TYPED = (
    pa.array([1, None, 0], pa.int16()),
    pa.array([1.5, None, 0], pa.float32()),
    pa.array([2**63, None, 0], pa.uint64()),
    pa.array([True, None, False]),
    pa.array([1, None, 0], pa.timestamp("ms")),
    pa.array([1, None, 0], pa.int32()).cast(pa.date32()),
)


@pytest.mark.parametrize("values", TYPED, ids=lambda values: str(values.type))
def test_profile_keeps_the_type_of_a_typed_source(values: pa.Array):
    column = ColumnProfile("x")
    column.add(values)
    assert (column.physical, column.nulls, column.present) == (values.type, 1, 2)


def test_profile_counts_nan_as_missing():
    column = column_of([1.0, float("nan"), None], kind=pa.float64())
    assert (column.nulls, column.numbers) == (2, 1)


def test_profile_stops_counting_values_of_which_there_are_too_many():
    few, many = column_of(["a", "b", "a"]), column_of([f"v{n}" for n in range(MOST_COUNTED + 1)])
    assert few.counts == {"a": 2, "b": 1}
    assert many.counts is None


def test_profile_knows_whether_numbers_rise_across_batches():
    assert column_of(["1", "2"], ["3", "9"]).rising
    assert not column_of(["1", "2"], ["2", "9"]).rising


@pytest.mark.parametrize("kind", [pa.int64(), pa.uint64()])
def test_profile_tells_integers_beyond_2_53_apart(kind: pa.DataType):
    ids = [2**60 + k for k in range(3_000)]
    seen = column_of(*[pa.array(ids[at : at + 500], kind) for at in range(0, 3_000, 500)])
    assert (seen.distinct.n, seen.distinct.repeated_share, seen.rising) == (3_000, 0.0, True)
    assert (seen.numbers, seen.whole, seen.huge) == (3_000, 3_000, 0)


def test_profile_tells_integers_beyond_int64_apart_and_counts_them():
    ids = [2**64 - 1 - 3 * k for k in range(400)] + list(range(100))
    seen = column_of(pa.array(ids[:250], pa.uint64()), pa.array(ids[250:], pa.uint64()))
    assert (seen.distinct.n, seen.huge, seen.rising) == (500, 400, False)
    assert seen.counts is not None
    assert str(2**64 - 1) in seen.counts


@pytest.mark.parametrize(
    ("values", "numbers", "low", "high"),
    [
        (pa.array([90_000, 1_500, None], pa.duration("ms")), 2, 1.5, 90.0),
        (pa.array(["1.10", "-2.25", None]).cast(pa.decimal128(8, 2)), 2, -2.25, 1.1),
        (pa.array([b"7", b"8.5", b"-1"], pa.binary()), 3, -1.0, 8.5),
        (pa.array([1.5, 2.5], pa.float16()), 2, 1.5, 2.5),
    ],
)
def test_profile_reads_numbers_in_any_wrapping(values: pa.Array, numbers: int, low: float, high: float):
    seen = column_of(values)
    assert (seen.numbers, seen.range.low, seen.range.high, seen.illegible) == (numbers, low, high, 0)


def test_profile_counts_what_no_type_holds_apart_from_what_is_missing():
    seen = column_of(pa.array([b"fine", b"\xff\xfe", None], pa.binary()), pa.array([b"\xfe", b"good"], pa.binary()))
    assert (seen.rows, seen.present, seen.nulls, seen.illegible) == (5, 2, 1, 2)
    assert seen.counts == {"fine": 1, "good": 1}
