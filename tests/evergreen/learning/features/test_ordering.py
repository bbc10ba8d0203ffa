"""Rows in an order of their own: the same in memory and in pieces, however they came."""

from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evergreen.base import memory
from evergreen.base.errors import ResourceError
from evergreen.config.contract.columns import Column
from evergreen.config.contract.contract import Contract
from evergreen.config.contract.sources import FileSource
from evergreen.data.typed.schema import ARROW, to_pandas
from evergreen.learning.features import ordering

COLUMNS = (
    Column(name="at", type="timestamp", role="time", nullable=True),
    Column(name="shop", type="category", role="key", nullable=True),
    Column(name="item", type="integer", role="key", nullable=True),
    Column(name="price", type="number", role="feature", nullable=True),
    Column(name="made", type="timestamp", role="feature", nullable=True),
    Column(name="sold", type="boolean", role="target", nullable=True),
)


def contract_of(*, timed: bool, key: tuple[str, ...]) -> Contract:
    columns = COLUMNS if timed else (COLUMNS[0].model_copy(update={"role": "feature"}), *COLUMNS[1:])
    return Contract(
        name="sales", description="", source=FileSource(kind="file", path="x.csv"), timezone="Europe/Paris",
        key=key, label_delay_days=0, columns=columns,
    )  # fmt: skip


KINDS = {
    "time and key": contract_of(timed=True, key=("shop", "item")),
    "time": contract_of(timed=True, key=()),
    "key": contract_of(timed=False, key=("shop", "item")),
    "neither": contract_of(timed=False, key=()),
}


def table(n: int, *, seed: int = 1) -> pa.Table:
    """Return rows of which many share their time, some their key, and a few everything."""
    rng = np.random.default_rng(seed)

    def some(values, share=0.05):
        return pa.array(values, mask=rng.random(n) < share)

    times = (1_700_000_000 + rng.integers(0, max(n // 20, 1), n) * 3_600) * 1_000_000
    rows = {
        "at": some(times).cast(ARROW["timestamp"]),
        "shop": some(rng.choice(["Äpfel", "bread", "Zimt", "apples", "zero\u00e9"], n)),
        "item": some(rng.integers(-50, 50, n) * 2**55),
        "price": some(rng.choice([0.0, -0.0, 1.5, np.inf, -3.25], n)),
        "made": some(rng.integers(0, 10**15, n)).cast(ARROW["timestamp"]),
        "sold": some(rng.random(n) < 0.5),
    }
    return pa.table({name: rows[name].cast(ARROW[column.type]) for name, column in zip(rows, COLUMNS, strict=True)})


def pieces(rows: pa.Table, contract: Contract, folder: Path, *, rows_per_piece: int, batch: int = 100):
    def read(names):
        yield from rows.select(list(names)).to_batches(max_chunksize=batch)

    return list(
        ordering.in_pieces(
            read,
            rows.column_names,
            contract,
            n_rows=rows.num_rows,
            rows_per_piece=rows_per_piece,
            row_bytes=100,
            folder=folder,
        )
    )


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("rows_per_piece", [10, 90, 1_000])
def test_pieces_together_are_the_table_in_order(kind, rows_per_piece, tmp_path):
    rows, contract = table(900), KINDS[kind]
    found = pieces(rows, contract, tmp_path, rows_per_piece=rows_per_piece)

    assert len(found) == 1 if rows_per_piece == 1_000 else len(found) > 900 / rows_per_piece / 2
    pd.testing.assert_frame_equal(pd.concat(found, ignore_index=True), ordering.in_order(to_pandas(rows), contract))


@pytest.mark.parametrize("kind", KINDS)
def test_order_is_by_time_and_key_with_missing_ones_last_and_loses_no_row(kind):
    rows, contract = to_pandas(table(900)), KINDS[kind]
    found = ordering.in_order(rows, contract)

    by = [*([contract.time] if contract.time else []), *contract.key]
    if by:
        expected = rows.sort_values(by, kind="stable", ignore_index=True)  # pandas as the oracle
        pd.testing.assert_frame_equal(found[by], expected[by])
    whole = list(rows.columns)
    pd.testing.assert_frame_equal(
        found.sort_values(whole, ignore_index=True), rows.sort_values(whole, ignore_index=True)
    )


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000), kind=st.sampled_from(sorted(KINDS)), rows_per_piece=st.integers(1, 80))
def test_order_of_arrival_and_the_cuts_change_nothing(seed, kind, rows_per_piece, tmp_path_factory):
    rows, contract = table(200), KINDS[kind]
    shuffled = rows.take(np.random.default_rng(seed).permutation(200))
    found = pieces(shuffled, contract, tmp_path_factory.getbasetemp(), rows_per_piece=rows_per_piece, batch=37)
    pd.testing.assert_frame_equal(pd.concat(found, ignore_index=True), ordering.in_order(to_pandas(rows), contract))


def test_rows_of_one_time_are_in_one_piece(tmp_path):
    found = pieces(table(900), KINDS["time and key"], tmp_path, rows_per_piece=20)
    times = [set(piece["at"].dropna()) for piece in found]
    assert all(not before & after for before, after in pairwise(times))


def test_a_time_of_many_rows_is_not_cut(tmp_path):
    rows = table(500)
    one = rows.set_column(0, "at", pa.array([datetime(2024, 1, 1, tzinfo=UTC)] * 500, ARROW["timestamp"]))
    (found,) = pieces(one, KINDS["time"], tmp_path, rows_per_piece=50)
    assert len(found) == 500


def test_time_of_more_rows_than_memory_holds_is_one_clear_block(tmp_path, monkeypatch):
    rows = table(500)
    one = rows.set_column(0, "at", pa.array([datetime(2024, 1, 1, tzinfo=UTC)] * 500, ARROW["timestamp"]))
    monkeypatch.setattr(memory, "available", lambda: 100 * ordering.COPIES * 400)
    assert len(pieces(rows, KINDS["time"], tmp_path, rows_per_piece=50)) > 1
    with pytest.raises(ResourceError) as caught:
        pieces(one, KINDS["time"], tmp_path, rows_per_piece=50)
    assert (caught.value.code, caught.value.what[:30]) == ("RES005", "a piece of 500 of the 500 rows")
    assert caught.value.next_step.endswith("Rows of one at are in one piece.")


def test_rows_that_a_model_cannot_tell_apart_are_ordered_by_what_it_does_not_see():
    contract = Contract.model_validate(
        {**KINDS["time"].model_dump(), "columns": [*COLUMNS, {"name": "till", "type": "integer", "role": "ignore"}]}
    )
    same = to_pandas(table(1)).loc[[0] * 50].assign(till=range(50))
    shuffled = same.sample(frac=1, random_state=1)
    pd.testing.assert_frame_equal(ordering.in_order(shuffled, contract), ordering.in_order(same, contract))


def test_number_of_open_files_is_bounded(tmp_path):
    found = pieces(table(2_000), KINDS["neither"], tmp_path, rows_per_piece=1)
    assert len(found) <= ordering.MOST_PIECES


def test_nothing_is_left_in_the_folder_while_pieces_are_read_nor_after(tmp_path):
    rows = table(900)
    reading = ordering.in_pieces(
        lambda names: iter(rows.select(list(names)).to_batches(max_chunksize=100)),
        rows.column_names, KINDS["time"], n_rows=900, rows_per_piece=100, row_bytes=100, folder=tmp_path,
    )  # fmt: skip
    before = len(list(Path("/proc/self/fd").iterdir()))
    next(reading)
    assert len(list(Path("/proc/self/fd").iterdir())) > before
    assert not list(tmp_path.iterdir())
    reading.close()
    assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_full_disk_is_one_clear_block(limited_disk, tmp_path):
    with limited_disk(2_000), pytest.raises(ResourceError) as caught:
        pieces(table(20_000), KINDS["time and key"], tmp_path, rows_per_piece=5_000, batch=5_000)
    assert caught.value.code == "RES001"
    assert not list(tmp_path.iterdir())


def test_last_time_is_of_a_row_whose_target_is_known():
    rows = pa.table(
        {
            "at": pa.array([3, 9, None, 5], ARROW["timestamp"]),
            "sold": pa.array([True, None, True, False]),
        }
    )
    read = lambda names: iter(rows.select(list(names)).to_batches(max_chunksize=1))  # noqa: E731  as short as its use
    assert ordering.last_time(read, KINDS["time"]) == datetime.fromtimestamp(5e-6, UTC)
    assert ordering.last_time(lambda names: iter(rows[1:2].to_batches()), KINDS["time"]) is None
