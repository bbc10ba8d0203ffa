"""The table's files: whole under their names, and read by strangers."""

import duckdb
import logged
import msgspec
import pandas as pd
import pyarrow.parquet as pq
import pytest

from evergreen.record.predictions import rolling
from evergreen.record.predictions.columnar import predictions_batch
from evergreen.record.predictions.log import PredictionLog
from evergreen.record.predictions.table import Writer, day_of, files, find_row, partition


@pytest.fixture
def folder(tmp_path):
    """A table of two days and of two models, whose columns differ."""
    other = msgspec.structs.replace(logged.COLUMNS, features=logged.COLUMNS.features[:2], keys=())
    log = PredictionLog(tmp_path / "predictions")
    logged.append(log, range(1, 4))
    log.append(other, [logged.row(log.new_ids(1)[0], 86_400, features=(5, 0.5), keys=())])
    log.append_feedback(logged.COLUMNS, [logged.feedback("a" * 32, 3, label=True)])
    log.close()
    rolling.roll(tmp_path / "predictions")
    return tmp_path / "predictions"


def test_duckdb_reads_both_days_and_both_models(folder):
    found = duckdb.sql(
        "select date, count(*) as n, sum(stops) as stops, max(weight) as weight, bool_or(label) as label "
        f"from read_parquet('{folder}/table/*/*.parquet', hive_partitioning = true, union_by_name = true) "
        "group by date order by date"
    ).fetchall()
    assert [(str(day), *rest) for day, *rest in found] == [
        ("2024-05-01", 3, 6, 0.375, False),
        ("2024-05-02", 1, None, 0.5, True),
    ]


def test_pandas_reads_it_with_the_types_of_the_contract(folder):
    rows = pd.read_parquet(partition(folder, "table", day_of(logged.NOON)))
    assert rows["stops"].tolist() == [1, 2, 3]
    assert str(rows["received_at"].dtype) == "datetime64[us, UTC]"
    assert rows["insured"].tolist() == [False, True, False]
    assert rows["_Version"].tolist() == ["é", "éé", "ééé"]
    assert pd.read_parquet(folder / "feedback")["label"].tolist() == [True]


def test_file_is_seen_when_it_is_whole(tmp_path):
    batch = predictions_batch(logged.COLUMNS, [logged.row("a" * 32)])
    path = partition(tmp_path, "table", day_of(logged.NOON)) / "x.parquet"
    writer = Writer(path, batch.schema)
    writer.write(batch)
    writer.finish()
    assert files(tmp_path, "table") == []
    writer.publish()
    assert files(tmp_path, "table") == [path]
    abandoned = Writer(path, batch.schema)
    abandoned.abandon()
    assert [each.name for each in path.parent.iterdir()] == ["x.parquet"]
    assert pq.read_table(path).num_rows == 1
    assert find_row(path, "a" * 32)[1].prediction_id == "a" * 32
    assert find_row(path, "b" * 32) is None
