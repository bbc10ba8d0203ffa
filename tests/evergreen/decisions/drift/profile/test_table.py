"""A profile as Parquet: the same when it comes back, and asked with SQL."""

import duckdb
import numpy as np
import profiled
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from profiled import BINS, ZONE, assert_same, table

from evergreen.data.typed.times import INSTANT
from evergreen.decisions.drift.profile.bins import bins_of
from evergreen.decisions.drift.profile.build import profile
from evergreen.decisions.drift.profile.table import from_table, to_table


@given(profiled.rows)
def test_a_profile_comes_back_as_it_was(rows):
    found = profile(table(rows), {**BINS, "gone": BINS["x"]}, time="at", zone=ZONE)
    assert_same(from_table(to_table(found)), found, rounding=0)
    again = to_table(from_table(to_table(found)))
    assert again.equals(to_table(found), check_metadata=True) or np.isnan(found.moments["x"]).any()


def test_it_comes_back_from_a_file_and_in_any_order_of_rows(tmp_path):
    rows = table([{"at": day * 86_400_000_000, "x": day / 3, "c": "a"} for day in range(20)])
    found = profile(rows, BINS, time="at", zone=ZONE)
    pq.write_table(to_table(found), tmp_path / "profile.parquet")
    kept = pq.read_table(tmp_path / "profile.parquet")
    assert_same(from_table(kept), found, rounding=0)
    assert_same(from_table(kept.take(np.arange(kept.num_rows)[::-1])), found, rounding=0)


def test_duckdb_reads_the_statistics_of_a_window(tmp_path):
    rng = np.random.default_rng(2)
    values = rng.normal(5, 2, 1_000)
    rows = pa.table(
        {
            "at": pa.array(np.arange(1_000) * 864_000_000, INSTANT),  # ten days
            "x": pa.array(values, mask=np.arange(1_000) % 10 == 0),
            "c": rng.choice(["a", "b"], 1_000),
        }
    )
    bins = bins_of(rows, {"x": "number", "c": "category"}, n_bins=4)
    pq.write_table(to_table(profile(rows, bins, time="at", zone="UTC")), tmp_path / "profile.parquet")
    asked = duckdb.sql(
        f"""select count(*), sum(rows), sum(missing), sum(mean * finite) / sum(finite), min("min"), max("max")
            from '{tmp_path}/profile.parquet' where "column" = 'x'"""
    ).fetchall()[0]
    present = values[np.arange(1_000) % 10 != 0]
    assert asked[:3] == (10, 1_000, 100)
    assert asked[3] == pytest.approx(present.mean())
    assert asked[4:] == (present.min(), present.max())
    ((variance,),) = duckdb.sql(
        f"""select variance from '{tmp_path}/profile.parquet' where "column" = 'x' and day = date '1970-01-01'"""
    ).fetchall()
    assert variance == pytest.approx(present[:90].var(ddof=1))
    cells = duckdb.sql(
        f"""select "column", cell.cell, sum(cell.count) from
            (select "column", unnest(cells) as cell from '{tmp_path}/profile.parquet') group by all order by all"""
    ).fetchall()
    counted = {(column, cell): n for column, cell, n in cells}
    assert counted["c", "a"] + counted["c", "b"] == 1_000
    assert [counted["x", "(missing)"], counted["c", "(other)"], counted["c", "(missing)"]] == [100, 0, 0]
    assert sum(n for (column, _), n in counted.items() if column == "x") == 1_000


def test_a_table_that_is_no_profile_is_refused():
    with pytest.raises(ValueError, match="holds no profile"):
        from_table(pa.table({"x": [1]}))
