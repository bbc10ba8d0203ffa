"""Tables written piece by piece are those written whole, and nothing is left of one that fails."""

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from evergreen.base.artifacts.tables import ROWS_PER_GROUP
from evergreen.base.errors import ResourceError


def files_in(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def long_table(n: int) -> pd.DataFrame:
    return pd.DataFrame({"n": range(n), "t": [None if i % 7 == 0 else f"text {i % 50_021}" for i in range(n)]})


@pytest.mark.parametrize("n", [0, 1, 1_000, ROWS_PER_GROUP, 2 * ROWS_PER_GROUP + 17])
def test_table_written_in_pieces_has_the_bytes_of_the_whole(ws, n):
    table = long_table(n)
    whole = ws.write("t", table)
    arrow = pa.Table.from_pandas(table, preserve_index=False).replace_schema_metadata(None)
    for size in (max(n // 3, 1), 50_000, 300_000):
        with ws.writer("t", arrow.schema) as writer:
            writer.add(arrow.slice(0, 0))
            for begin in range(0, n, size):
                for batch in arrow.slice(begin, size).to_batches(max_chunksize=40_000):
                    writer.add(batch)
        assert writer.ref == whole
    assert (whole.rows, files_in(ws.root)) == (n, [whole.uri])
    pd.testing.assert_frame_equal(ws.read(whole), table)
    groups = pq.read_metadata(ws.path(whole.uri))
    counts = [groups.row_group(g).num_rows for g in range(groups.num_row_groups)]
    assert counts == [ROWS_PER_GROUP] * (n // ROWS_PER_GROUP) + ([n % ROWS_PER_GROUP] if n % ROWS_PER_GROUP else [])


def test_many_small_pieces_cost_no_more_than_a_few_large_ones(ws):
    rows = pa.table({"n": range(20_000)})
    with ws.writer("t", rows.schema) as writer:
        for begin in range(20_000):
            writer.add(rows.slice(begin, 1))
    assert writer.ref == ws.write("t", rows.to_pandas())


@pytest.mark.parametrize("error", [ValueError("no"), KeyboardInterrupt(), OSError(5, "cannot read the source")])
def test_writing_that_fails_leaves_nothing_and_hides_nothing(ws, error):
    def write():
        rows = pa.table({"n": range(10)})
        with ws.writer("t", rows.schema) as writer:
            writer.add(rows)
            raise error

    with pytest.raises(type(error)) as caught:
        write()
    assert caught.value is error
    assert files_in(ws.root) == []


def test_rows_of_another_schema_leave_nothing(ws):
    def write():
        with ws.writer("t", pa.schema([("n", pa.int64())])) as writer:
            writer.add(pa.table({"n": [1]}))
            writer.add(pa.table({"m": ["a"]}))

    with pytest.raises(pa.ArrowInvalid):
        write()
    assert files_in(ws.root) == []


def test_pieces_that_do_not_fit_on_the_disk_leave_nothing(ws, limited_disk):
    rows = pa.table({"x": np.random.default_rng(7).random(3 * ROWS_PER_GROUP)})

    def write():
        with ws.writer("t", rows.schema) as writer:
            for begin in range(0, len(rows), 50_000):
                writer.add(rows.slice(begin, 50_000))

    with limited_disk(100_000), pytest.raises(ResourceError, match="RES001"):
        write()
    assert files_in(ws.root) == []
