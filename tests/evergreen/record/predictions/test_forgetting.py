"""What is taken out: days that are not kept, and all that is about a subject, everywhere and atomically."""

import subprocess
import sys
from datetime import UTC, datetime, timedelta

import logged
import pyarrow.parquet as pq
import pytest

from evergreen.base.errors import ConfigError
from evergreen.record.predictions import forgetting, reading, rolling
from evergreen.record.predictions.forgetting import Forgotten, forget, retain
from evergreen.record.predictions.log import PredictionLog
from evergreen.record.predictions.table import files

DAY = 86_400


@pytest.fixture
def folder(tmp_path):
    """A log of 20 people on two days, rolled, with feedback by id and by key."""
    folder = tmp_path / "predictions"
    log = PredictionLog(folder)
    names = logged.append(log, range(20))
    logged.append(log, range(DAY, DAY + 5))
    log.append_feedback(
        logged.COLUMNS,
        [
            logged.feedback(names[3], 5, label=True),
            logged.feedback(("person-3", 3), 6, decision="call"),
            logged.feedback(("person-4", 4), 6, label=False),
            logged.feedback(names[5], DAY, label=False),
        ],
    )
    log.close()
    rolling.roll(folder)
    return folder


def people(folder):
    return sorted(reading.read(folder)["day"].to_pylist())


def test_subject_is_taken_out_of_predictions_and_of_what_came_back(folder):
    other = [path.read_bytes() for path in files(folder, "table") if "05-02" in str(path)]

    assert forget(folder, {"person": "person-3"}) == Forgotten(predictions=1, feedback=2)

    assert 3 not in people(folder)
    assert len(people(folder)) == 24
    assert reading.read(folder, "feedback").num_rows == 2
    assert [path.read_bytes() for path in files(folder, "table") if "05-02" in str(path)] == other  # not touched
    assert forget(folder, {"person": "person-3"}) == Forgotten()


def test_what_was_shadowed_of_a_subject_goes_with_its_prediction_and_the_rest_by_its_day(folder):
    names = reading.read(folder)["prediction_id"].to_pylist()
    log = PredictionLog(folder)
    log.append_shadows(logged.COLUMNS, [logged.shadow(names[number], number) for number in range(20)])
    log.close()

    assert forget(folder, {"person": "person-3"}) == Forgotten(predictions=1, feedback=2, shadows=1)

    assert sorted(reading.read(folder, "shadows")["prediction_id"].to_pylist()) == sorted({*names[:20]} - {names[3]})
    noon = datetime.fromtimestamp(logged.NOON / 1e6, UTC)
    assert retain(folder, 0, now=noon + timedelta(days=1)).shadows == 19
    assert reading.read(folder, "shadows").num_rows == 0


def test_shadow_in_a_segment_that_is_written_waits_with_its_prediction(folder):
    log = PredictionLog(folder)
    (name,) = logged.append(log, [3])
    log.append_shadows(logged.COLUMNS, [logged.shadow(name, 3)])
    assert forget(folder, {"person": "person-3"}).waiting == 2
    log.close()
    assert forget(folder, {"person": "person-3"}) == Forgotten(predictions=1, shadows=1)


def test_all_columns_that_are_named_must_fit(folder):
    assert forget(folder, {"person": "person-3", "day": "4"}).predictions == 0
    assert forget(folder, {"day": "x"}).predictions == 0
    assert forget(folder, {"person": "person-3", "day": "3"}) == Forgotten(predictions=1, feedback=2)
    assert forget(folder, {"Version": "éé"}).predictions == 6  # a column that has another name in the table
    assert forget(folder, {"insured": "true"}).predictions > 0


def test_file_of_which_every_row_is_taken_out_is_gone(folder):
    for number in range(DAY, DAY + 5):
        forget(folder, {"day": str(number)})
    assert [path for path in files(folder, "table") if "05-02" in str(path)] == []


def test_column_that_tells_nobody_apart_is_refused(folder):
    for name, word in (("street", "not stored as they are"), ("street_name", "no logged row can be told")):
        with pytest.raises(ConfigError, match=word) as caught:
            forget(folder, {name: "x"})
        assert (caught.value.code, caught.value.next_step) == (
            "LOG010",
            "Name one of: Version, at, day, insured, person, stops, weight.",
        )
    assert len(people(folder)) == 25


def test_rows_that_a_process_still_writes_are_counted_and_taken_out_once_they_are_not(folder):
    log = PredictionLog(folder)
    names = logged.append(log, [3, 3, 7])
    log.append_feedback(logged.COLUMNS, [logged.feedback(names[0], 9, label=True)])

    assert forget(folder, {"person": "person-3"}) == Forgotten(predictions=1, feedback=2, waiting=3)
    assert people(folder).count(3) == 2
    log.close()
    assert forget(folder, {"person": "person-3"}) == Forgotten(predictions=2, feedback=1)
    assert 3 not in people(folder)


FORGET = """
import sys
from pathlib import Path
from evergreen.base import failpoints
from evergreen.record.predictions.forgetting import forget
failpoints.arm("forget.rewritten")
forget(Path(sys.argv[1]), {"person": "person-3"})
"""


def test_forgetting_that_is_killed_leaves_the_table_whole_and_is_done_by_the_next(folder):
    killed = subprocess.run([sys.executable, "-c", FORGET, str(folder)], check=False)
    assert killed.returncode == -9
    assert len(people(folder)) == 25
    assert forget(folder, {"person": "person-3"}) == Forgotten(predictions=1, feedback=2)
    assert not list(folder.rglob("*.tmp"))


def test_forgotten_hash_is_nowhere_on_the_disk(folder):
    row = next(row for row in reading.read(folder).to_pylist() if row["day"] == 3)
    forget(folder, {"person": "person-3"})
    for path in folder.rglob("*.parquet"):
        assert row["person"] not in str(pq.read_table(path).to_pylist())
        assert row["person"].encode() not in path.read_bytes()


def test_days_that_are_not_kept_are_taken_out(folder):
    noon = datetime(2024, 5, 11, 12, tzinfo=UTC)
    assert retain(folder, 10, now=noon) == Forgotten()
    assert retain(folder, 9, now=noon) == Forgotten(predictions=20, feedback=3)
    assert people(folder) == list(range(DAY, DAY + 5))
    assert not (folder / "table" / "date=2024-05-01").exists()
    assert retain(folder, 9, now=noon + timedelta(days=1)) == Forgotten(predictions=5, feedback=1)
    assert reading.read(folder).num_rows == 0
    assert forgetting.forget(folder, {"person": "person-3"}) == Forgotten()
