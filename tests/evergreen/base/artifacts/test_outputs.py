"""A table at a path of the user's: whole or not there, and the same bytes however its rows came."""

from functools import partial

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from evergreen.base import temporaries
from evergreen.base.artifacts.outputs import ROWS_PER_GROUP, Output, sweep, sweep_beside
from evergreen.base.errors import ResourceError
from evergreen.base.processes import Mark, place

SCHEMA = pa.schema([("n", pa.int64()), ("word", pa.string()), ("id", pa.string())])


def batch(begin, end):
    numbers = list(range(begin, end))
    words = [None if n % 7 == 0 else f'a,"{n % 3}"' for n in numbers]
    return pa.RecordBatch.from_pydict({"n": numbers, "word": words, "id": [f"{n:032x}" for n in numbers]}, SCHEMA)


def written(path, *batches):
    output = Output(path, SCHEMA, unlike=["id"])
    for each in batches:
        output.add(each)
    assert not path.exists()
    output.publish()
    return path.read_bytes()


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_rows_are_there_as_they_were_given_and_in_equal_bytes_however_they_came(tmp_path, suffix):
    n = ROWS_PER_GROUP + 1_000
    once = written(tmp_path / f"once{suffix}", batch(0, n))
    assert written(tmp_path / f"pieces{suffix}", *(batch(at, min(at + 700, n)) for at in range(0, n, 700))) == once
    read = pd.read_csv if suffix == ".csv" else pd.read_parquet
    found = read(tmp_path / f"once{suffix}")
    assert found["n"].tolist() == list(range(n))
    assert found["word"].isna().sum() == len(range(0, n, 7))
    assert found["word"][1] == 'a,"1"'
    assert sorted(path.name for path in tmp_path.iterdir()) == [f"once{suffix}", f"pieces{suffix}"]


def test_memory_is_that_of_a_group_of_rows(tmp_path):
    written(tmp_path / "rows.parquet", *(batch(at, at + 1_000) for at in range(0, 3 * ROWS_PER_GROUP, 1_000)))
    footer = pq.read_metadata(tmp_path / "rows.parquet")
    assert {footer.row_group(at).num_rows for at in range(footer.num_row_groups - 1)} == {ROWS_PER_GROUP}


def test_what_is_discarded_leaves_what_was_there(tmp_path):
    path = tmp_path / "rows.csv"
    path.write_text("before")
    output = Output(path, SCHEMA)
    output.add(batch(0, 10))
    output.discard()
    assert [each.name for each in tmp_path.iterdir()] == ["rows.csv"]
    assert path.read_text() == "before"


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_full_disk_is_one_block_and_leaves_nothing(tmp_path, limited_disk, suffix):
    output = Output(tmp_path / f"rows{suffix}", SCHEMA)
    with limited_disk(50_000), pytest.raises(ResourceError) as caught:
        output.add(batch(0, ROWS_PER_GROUP))
    output.discard()
    assert caught.value.code == "RES001"
    assert list(tmp_path.iterdir()) == []


def unfinished(folder, name, *, gone, monkeypatch):
    folder.mkdir(exist_ok=True)
    with monkeypatch.context() as patch:
        if gone:
            patch.setattr(temporaries, "mark", lambda: Mark(place=place(), pid=2**22 + 1, started=1.0))
        path = temporaries.temporary(folder / name)
    path.touch()
    return path


def test_what_a_process_left_that_is_gone_is_swept_away_and_what_another_writes_is_not(tmp_path, monkeypatch):
    begin = partial(unfinished, monkeypatch=monkeypatch)
    left, ours = begin(tmp_path / "day=1", "rows.csv", gone=True), begin(tmp_path, "rows.csv", gone=False)
    other = begin(tmp_path, "others.csv", gone=True)
    sweep_beside(tmp_path / "rows.csv")
    assert [path.exists() for path in (left, ours, other)] == [True, True, True]
    mine = begin(tmp_path, "rows.csv", gone=True)
    sweep_beside(tmp_path / "rows.csv")
    assert [path.exists() for path in (mine, other)] == [False, True]
    sweep(tmp_path)
    assert [path.exists() for path in (left, ours, other)] == [False, True, False]


def coded(rows):
    word = rows.column("word").dictionary_encode()
    return rows.set_column(1, "word", word)


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_texts_that_come_as_dictionaries_are_read_as_texts_of_the_schema(tmp_path, suffix):
    schema = SCHEMA.with_metadata({"made": "by us"})
    output = Output(tmp_path / f"rows{suffix}", schema, unlike=["id"], coded=["word"])
    for begin in range(0, 3_000, 1_000):
        output.add(coded(batch(begin, begin + 1_000)) if begin else batch(0, 1_000))
    output.publish()
    plain = written(tmp_path / f"plain{suffix}", batch(0, 3_000))
    if suffix == ".csv":
        assert output.path.read_bytes() == plain
    else:
        found = pq.read_table(output.path)
        assert found.schema.equals(schema, check_metadata=True)
        assert found.equals(pa.Table.from_batches([batch(0, 3_000)]))


def test_dictionary_that_holds_more_than_the_rows_is_not_written(tmp_path):
    words = pa.DictionaryArray.from_arrays(pa.array([70_000, None], pa.int32()), [f"{n:05x}" for n in range(100_000)])
    output = Output(tmp_path / "rows.parquet", pa.schema([("word", pa.string())]), coded=["word"])
    output.add(pa.RecordBatch.from_arrays([words], names=["word"]))
    output.publish()
    assert pq.read_table(output.path)["word"].to_pylist() == ["11170", None]
    assert output.path.stat().st_size < 2_000


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_dictionary_that_holds_null_is_written_as_what_is_missing(tmp_path, suffix):
    words = pa.DictionaryArray.from_arrays(pa.array([0, 1, 0, None], pa.int32()), pa.array(["sea", None]))
    path = tmp_path / f"rows{suffix}"
    output = Output(path, pa.schema([("word", pa.string())]), coded=["word"])
    output.add(pa.RecordBatch.from_arrays([words], ["word"]))
    output.publish()
    read = pd.read_csv(path, skip_blank_lines=False) if suffix == ".csv" else pd.read_parquet(path)
    assert read["word"].fillna("").tolist() == ["sea", "", "sea", ""]
