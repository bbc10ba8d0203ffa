"""A profile counts what is there, does not depend on how a table is cut, and stays small."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from evergreen.proposal.profile import TableProfile, profile


def batches_of(table: pd.DataFrame, rows: int) -> list[pa.RecordBatch]:
    return pa.Table.from_pandas(table, preserve_index=False).to_batches(max_chunksize=rows)


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


def test_profile_stays_small_however_many_rows_there_are():
    table = TableProfile()
    batch = pa.RecordBatch.from_pydict({f"c{n}": pa.array(np.arange(2_000).astype(str)) for n in range(300)})
    for _ in range(20):
        table.add(batch)
    assert table.rows == 40_000
    assert table.sample().num_rows * 300 < 6_000_000
