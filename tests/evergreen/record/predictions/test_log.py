"""The prediction log: what was written comes back, and what was cut short harms nothing else."""

import json
import os
import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta

import pandas as pd
import pytest
import released

from evergreen.base.errors import ResourceError
from evergreen.record.predictions import log as predictions
from evergreen.record.predictions.log import Prediction, PredictionLog

NOW = datetime(2024, 5, 1, 12, 30, 15, 250, tzinfo=UTC)


def prediction(number: int, **features) -> Prediction:
    return Prediction(
        prediction_id=f"id-{number}",
        at=NOW + timedelta(seconds=number),
        model="parcels",
        version=3,
        model_digest="ab" * 32,
        features=features,
        probability=number / 7,
        label=number > 3,
    )


@pytest.fixture
def log(tmp_path):
    log = PredictionLog(tmp_path / "predictions")
    yield log
    log.close()


def ids(folder):
    return predictions.read(folder)["prediction_id"].tolist()


def test_read_returns_what_was_appended(log, tmp_path):
    log.append([prediction(1, weight=0.1), prediction(2, weight=None)])
    log.append([prediction(3, carrier='line\nbreak " \x00 \U0001f682')])

    found = predictions.read(tmp_path / "predictions")

    assert found.to_dict("records") == [
        vars(prediction(1, weight=0.1)),
        vars(prediction(2, weight=None)),
        vars(prediction(3, carrier='line\nbreak " \x00 \U0001f682')),
    ]
    assert found.attrs["torn_lines"] == 0


@pytest.mark.parametrize("answer", [{"label": "b c", "probability": 0.6}, {"value": -1e300}, {"value": 0.1 + 0.2}])
def test_answers_of_other_tasks_come_back_as_they_were(log, tmp_path, answer):
    common = {name: value for name, value in vars(prediction(1)).items() if name not in ("label", "probability")}
    log.append([Prediction(**{**common, **answer})])

    found = predictions.read(tmp_path / "predictions").iloc[0]

    assert {name: found[name] for name in answer} == answer
    assert all(pd.isna(found[name]) for name in {"label", "probability", "value"} - set(answer))


def test_closing_again_closes_no_other_file_and_nothing_is_written_to_it(log, tmp_path):
    log.close()
    with (tmp_path / "other").open("wb", buffering=0) as other:  # which is given the number that has become free
        log.close()
        with pytest.raises(ResourceError):
            log.append([prediction(1, weight=0.1)])
        other.write(b"whole")
    assert (tmp_path / "other").read_bytes() == b"whole"


def test_each_row_is_one_line_of_json(log):
    log.append([prediction(1, weight=0.1), prediction(2, handed_in=NOW)])

    lines = log.path.read_text().splitlines()

    assert [json.loads(line)["prediction_id"] for line in lines] == ["id-1", "id-2"]
    assert json.loads(lines[1])["features"] == {"handed_in": NOW.isoformat()}
    assert json.loads(lines[0])["at"] == (NOW + timedelta(seconds=1)).isoformat()


@pytest.mark.parametrize("folder", ["nothing", "empty"])
def test_log_without_rows_has_the_same_columns(folder, tmp_path):
    (tmp_path / "empty").mkdir()

    found = predictions.read(tmp_path / folder)

    assert list(found.columns) == list(vars(prediction(1)))
    assert len(found) == 0
    assert found["at"].dt.tz == UTC


def test_segments_of_several_processes_are_read_together_by_time(tmp_path):
    logs = [PredictionLog(tmp_path) for _ in range(3)]
    for number in (5, 1, 4, 2, 3, 0):
        logs[number % 3].append([prediction(number)])

    assert ids(tmp_path) == [f"id-{number}" for number in range(6)]
    for log in logs:
        log.close()


def test_threads_may_share_a_log(log, tmp_path):
    threads = [
        threading.Thread(target=lambda start=start: [log.append([prediction(start + n)]) for n in range(50)])
        for start in range(0, 400, 50)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert ids(tmp_path / "predictions") == [f"id-{number}" for number in range(400)]


@pytest.mark.parametrize("cut", [1, 40, -2])
def test_torn_last_line_is_left_out_and_counted(log, tmp_path, cut):
    log.append([prediction(1), prediction(2)])
    with log.path.open("ab") as segment:
        segment.write(prediction(3).line()[:cut])

    found = predictions.read(tmp_path / "predictions")

    assert found["prediction_id"].tolist() == ["id-1", "id-2"]
    assert found.attrs["torn_lines"] == 1


@pytest.mark.parametrize("room", range(1, 400, 57))
def test_full_disk_is_reported_and_harms_no_later_line(log, tmp_path, limited_disk, room):
    log.append([prediction(1, carrier="sea")])
    size = log.path.stat().st_size

    with limited_disk(size + room), pytest.raises(ResourceError) as caught:
        log.append([prediction(2, carrier="sea"), prediction(3, carrier="sea")])
    log.append([prediction(4, carrier="sea")])

    assert caught.value.where == str(log.path)
    found = ids(tmp_path / "predictions")
    assert found[0] == "id-1"
    assert found[-1] == "id-4"
    assert "id-3" not in found


def test_folder_that_cannot_be_written_is_reported(read_only_folder):
    with pytest.raises(ResourceError) as caught:
        PredictionLog(read_only_folder / "predictions")

    assert caught.value.code == "RES002"


def test_probability_that_is_not_a_number_is_not_written(log):
    odd = Prediction(**{**vars(prediction(1)), "probability": float("nan")})

    with pytest.raises(ValueError, match="JSON"):
        log.append([prediction(2), odd])

    assert log.path.read_bytes() == b""


WRITER = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from evergreen.record.predictions.log import Prediction, PredictionLog
log = PredictionLog(Path(sys.argv[1]))
number = 0
while True:
    log.append([Prediction(f"id-{number}", datetime.now(UTC), "parcels", 3, "ab", {"n": "x" * 500}, 0.5, True)])
    sys.stdout.write(f"id-{number}\\n")
    sys.stdout.flush()
    number += 1
"""


def test_what_append_returned_from_survives_a_kill(tmp_path):
    writer = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(tmp_path)], stdout=subprocess.PIPE, env={**os.environ, "PYTHONPATH": "."}
    )
    acknowledged = [writer.stdout.readline().decode().strip() for _ in range(200)]
    writer.kill()
    acknowledged += writer.communicate()[0].decode().splitlines()

    logged = ids(tmp_path)

    assert len(logged) >= 200
    assert set(acknowledged) <= set(logged)


def test_requested_rows_have_the_types_of_the_validated_table(log, tmp_path):
    table = released.table(40)
    names = [column.name for column in released.CONTRACT.request_columns]
    rows = [{name: None if pd.isna(row[name]) else row[name] for name in names} for row in table.to_dict("records")]
    log.append([prediction(number, **row) for number, row in enumerate(rows)])

    asked = predictions.requested(predictions.read(tmp_path / "predictions"), released.CONTRACT)

    assert asked.dtypes.astype(str).to_dict() == {
        "handed_in": "datetime64[us, UTC]",
        "carrier": "str",
        "size": "str",
        "weight": "float64",
        "stops": "Int64",
        "insured": "boolean",
        "copy": "float64",
    }
    pd.testing.assert_frame_equal(asked, table[names], check_dtype=False)


def test_requested_rows_of_an_empty_log_have_the_same_columns(tmp_path):
    asked = predictions.requested(predictions.read(tmp_path), released.CONTRACT)

    assert list(asked.columns) == [column.name for column in released.CONTRACT.request_columns]
    assert len(asked) == 0
