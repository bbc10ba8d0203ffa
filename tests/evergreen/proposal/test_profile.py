"""A profile counts what is there, does not depend on how a table is cut, and stays small."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from evergreen.proposal.column_profile import MOST_COUNTED, ColumnProfile
from evergreen.proposal.profile import TableProfile, profile
from evergreen.proposal.sketches import Distinct, hashes_of_numbers


def column_of(*batches: object, kind: pa.DataType | None = None) -> ColumnProfile:
    column = ColumnProfile("x")
    for values in batches:
        column.add(pa.array(values, kind or pa.string()))
    return column


def batches_of(table: pd.DataFrame, rows: int) -> list[pa.RecordBatch]:
    return pa.Table.from_pandas(table, preserve_index=False).to_batches(max_chunksize=rows)


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
        (["1,200", "3,400.5", "12"], {"numbers": 1, "grouped": 2}),
        (["2024-01-01", "2024-12-31T10:00:00"], {"times": 2, "with_offset": 0}),
        (["2024-01-01T00:00:00Z", "2024-12-31T10:00:00+02:00"], {"times": 2, "with_offset": 2}),
        (["2024-01-01T00:00:00Z", "2024-12-31T10:00:00"], {"times": 2, "with_offset": 1}),
        (["31/12/2024", "01/01/2025"], {"times": 0, "other_dates": 2}),
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


def test_profile_does_not_depend_on_how_a_table_is_cut():
    rng = np.random.default_rng(0)
    table = pd.DataFrame(
        {
            "number": rng.normal(size=5_000).astype(str),
            "word": rng.choice(["a", "b", None], 5_000),
            "mixed": [str(n) if n % 10 else "x" for n in range(5_000)],
        }
    )
    whole, cut = profile(batches_of(table, 5_000)), profile(batches_of(table, 137))
    assert (
        whole.sample().equals(cut.sample().combine_chunks()) or whole.sample().to_pylist() == cut.sample().to_pylist()
    )
    for name, column in whole.columns.items():
        other = cut.columns[name]
        assert (column.numbers, column.nulls, column.counts, column.distinct.n) == (
            other.numbers, other.nulls, other.counts, other.distinct.n
        )  # fmt: skip
        assert column.range.mean == pytest.approx(other.range.mean)


def test_profile_of_parts_merges_to_that_of_the_whole():
    table = pd.DataFrame({"id": range(900), "word": list("abc") * 300, "late": [None, "1.5", "2"] * 300})
    parts = [profile(batches_of(table[:400], 50), seed=1), profile(batches_of(table[400:], 50), seed=2)]
    parts[0].merge(parts[1])
    whole = profile(batches_of(table, 900))
    assert parts[0].rows == 900
    assert parts[0].sample().num_rows == 900
    for name, column in whole.columns.items():
        merged = parts[0].columns[name]
        assert (merged.nulls, merged.counts, merged.distinct.n, merged.rising) == (
            column.nulls, column.counts, column.distinct.n, column.rising
        )  # fmt: skip
        assert merged.range.deviation == pytest.approx(column.range.deviation)


def test_profile_counts_rows_that_could_not_be_split_and_looks_at_none_of_their_values():
    rows = {"x": ["1", None], "_row": [1, 2], "_unreadable": pa.array([None, '{"*": "1,2,3"}'])}
    table = profile([pa.RecordBatch.from_pydict(rows)])
    assert (table.rows, table.unreadable, table.columns["x"].nulls) == (1, 1, 0)
    assert list(table.columns) == ["x"]


def test_profile_fills_a_column_that_a_later_batch_brings():
    first, second = pa.RecordBatch.from_pydict({"a": [1, 2]}), pa.RecordBatch.from_pydict({"a": [3], "b": ["x"]})
    table = profile([first, second])
    assert (table.columns["b"].nulls, table.columns["b"].present) == (2, 1)
    assert table.sample()["b"].to_pylist() == [None, None, "x"]


def test_profile_sees_a_key_of_several_columns_repeat():
    rows = pa.RecordBatch.from_pydict({"a": ["x", "x", "y", "x"], "b": [1, 2, 1, 1]})
    assert profile([rows], key=("a", "b")).keys.repeated_share == 0.5
    assert profile([rows.slice(0, 3)], key=("a", "b")).keys.repeated_share == 0.0


def test_distinct_is_exact_while_small_and_close_when_large():
    small, large = Distinct(), Distinct()
    small.add(hashes_of_numbers(np.arange(20_000)))
    for start in range(0, 3_000_000, 500_000):
        large.add(hashes_of_numbers(np.arange(start, start + 500_000)))
    assert (small.n, small.is_exact, small.repeated_share) == (20_000, True, 0.0)
    assert large.n == pytest.approx(3_000_000, rel=0.03)
    assert len(large.hashes) <= Distinct.SIZE
    assert large.repeated_share == 0.0
    large.add(hashes_of_numbers(np.arange(30_000)))
    assert 0 < large.repeated_share < 0.05


def test_profile_stays_small_however_many_rows_there_are():
    table = TableProfile()
    batch = pa.RecordBatch.from_pydict({f"c{n}": pa.array(np.arange(2_000).astype(str)) for n in range(300)})
    for _ in range(60):
        table.add(batch)
    assert table.rows == 120_000
    assert table.sample().num_rows * 300 < 6_000_000
