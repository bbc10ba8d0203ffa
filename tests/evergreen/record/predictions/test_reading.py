"""The reader: table and segments as one, between two times, with what came back."""

import threading
from datetime import UTC, datetime, timedelta

import logged
import msgspec
import pytest

from evergreen.record.predictions import reading, rolling
from evergreen.record.predictions.columnar import columns_in
from evergreen.record.predictions.log import PredictionLog

NOON = datetime(2024, 5, 1, 12, 0, 15, 250, tzinfo=UTC)


@pytest.fixture
def folder(tmp_path):
    """A log with rows in the table, in a closed segment and in an open one."""
    folder = tmp_path / "predictions"
    for numbers in ((1, 2), (90_000,)):
        log = PredictionLog(folder)
        logged.append(log, numbers)
        log.close()
        rolling.roll(folder)
    log = PredictionLog(folder)
    logged.append(log, [3])
    log.close()
    log = PredictionLog(folder)
    logged.append(log, [4, 5])
    yield folder
    log.close()


def days(folder, **bounds):
    return sorted(day for batch in reading.batches(folder, **bounds) for day in batch["day"].to_pylist())


def test_table_and_segments_are_read_as_one_by_time(folder):
    assert reading.read(folder)["day"].to_pylist() == [1, 2, 3, 4, 5, 90_000]


def test_bounds_of_time_take_the_first_and_leave_the_last(folder):
    at = {number: NOON + timedelta(seconds=number) for number in (2, 4, 90_000)}
    assert days(folder, since=at[2], until=at[4]) == [2, 3]
    assert days(folder, since=at[90_000]) == [90_000]
    assert days(folder, until=at[2]) == [1]
    assert days(folder, since=at[2].astimezone(None), until=at[90_000]) == [2, 3, 4, 5]


def test_only_the_columns_that_are_wanted_are_read_wherever_they_lie(folder):
    found = list(reading.batches(folder, pick=lambda schema: ["received_at", schema.names[-1]]))
    assert {tuple(batch.schema.names) for batch in found} == {("received_at", "street")}
    assert {columns_in(batch.schema).contract for batch in found} == {"visits"}
    assert sum(batch.num_rows for batch in found) == 6


@pytest.mark.parametrize("kind", ["table", "feedback"])
def test_log_without_records_is_a_table_without_rows(tmp_path, kind):
    table = reading.read(tmp_path / "nothing", kind)
    assert table.num_rows == 0
    assert {"received_at", "prediction_id", "label"} <= set(table.schema.names)


def test_models_whose_columns_differ_are_read_together(folder):
    other = msgspec.structs.replace(logged.COLUMNS, features=logged.COLUMNS.features[:2], keys=())
    log = PredictionLog(folder)
    log.append(other, [logged.row(log.new_ids(1)[0], 6, features=(5, 0.75), keys=())])
    log.close()
    rows = reading.read(folder).to_pylist()
    assert [(row["weight"], row["stops"]) for row in rows if row["weight"] == 0.75] == [(0.75, None)]
    assert len(rows) == 7


def test_readers_see_each_row_once_while_rows_come_and_segments_are_rolled(tmp_path):
    folder, written = tmp_path / "predictions", []
    log = PredictionLog(folder, max_segment_bytes=30_000)
    stop = threading.Event()

    def write():
        while not stop.is_set() and len(written) < 20_000:  # more would only take the reader longer
            written.extend(logged.append(log, [1, 2]))

    def roll():
        while not stop.is_set():
            rolling.roll(folder)

    threads = [threading.Thread(target=write), threading.Thread(target=roll)]
    for thread in threads:
        thread.start()
    for _ in range(30):
        before = len(written)
        found = reading.read(folder)["prediction_id"].to_pylist()
        assert len(found) == len(set(found))
        assert set(written[:before]) <= set(found)
    stop.set()
    for thread in threads:
        thread.join()
    log.close()
