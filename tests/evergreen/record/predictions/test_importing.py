"""The log of an edge bundle: handed over without loss and without repeats, as often as one likes."""

import shutil
import subprocess
import sys

import logged
import pytest

from evergreen.base.errors import DataError
from evergreen.record.predictions import importing, reading, rolling
from evergreen.record.predictions.importing import Imported
from evergreen.record.predictions.log import PredictionLog
from evergreen.record.predictions.segment import segments


@pytest.fixture
def here(tmp_path):
    """A log of our own with three rows."""
    log = PredictionLog(tmp_path / "here" / "predictions")
    logged.append(log, [1, 2, 3])
    log.close()
    return tmp_path / "here" / "predictions"


@pytest.fixture
def edge(tmp_path):
    log = PredictionLog(tmp_path / "edge" / "log", max_segment_bytes=2_000)
    yield log
    log.close()


def ids(folder):
    return sorted(reading.read(folder)["prediction_id"].to_pylist())


def test_log_that_is_still_written_is_taken_again_and_again_without_loss_or_repeats(here, edge):
    names = ids(here)
    for turn in range(4):
        names += [name for at in range(7) for name in logged.append(edge, [turn * 10 + at])]
        brought = importing.take(here, edge.folder)
        assert brought.segments >= 1
        assert ids(here) == sorted(names)
        assert importing.take(here, edge.folder) == Imported(known=len(segments(edge.folder)))
        if turn % 2:
            rolling.roll(here)
        assert ids(here) == sorted(names)
    edge.close()
    importing.take(here, edge.folder)
    rolling.roll(here)
    assert ids(here) == sorted(names)
    assert segments(here) == []
    assert importing.take(here, edge.folder).segments == 0


def test_copy_with_a_torn_tail_is_taken_as_far_as_it_is_whole(here, edge, tmp_path):
    names = logged.append(edge, [1])
    copied = tmp_path / "stick"
    shutil.copytree(edge.folder, copied)
    (path,) = segments(copied)
    path.write_bytes(path.read_bytes() + b"torn")
    edge.append_feedback(logged.COLUMNS, [logged.feedback(names[0], 5, label=True)])

    assert importing.take(here, copied) == Imported(segments=1, predictions=1)
    assert path.read_bytes().endswith(b"torn")  # what is handed over is only read
    assert importing.take(here, edge.folder / "segments") == Imported(segments=1, predictions=1, feedback=1)
    assert set(names) <= set(ids(here))


def test_segments_of_two_devices_with_one_name_are_both_kept(here, tmp_path):
    names = ids(here)
    for device in ("a", "b"):
        log = PredictionLog(tmp_path / device)
        names += logged.append(log, [1])
        log.close()
        (path,) = segments(tmp_path / device)
        path.rename(path.with_name("20240501T12-abcdef-000001.log"))
        importing.take(here, tmp_path / device)
    assert ids(here) == sorted(names)
    rolling.roll(here)
    assert ids(here) == sorted(names)


TAKE = """
import sys
from pathlib import Path
from evergreen.base import failpoints
from evergreen.record.predictions import importing
failpoints.arm("import.copied")
importing.take(Path(sys.argv[1]), Path(sys.argv[2]))
"""


def test_import_that_is_killed_is_done_by_the_next(here, edge):
    names = ids(here) + logged.append(edge, [1])
    killed = subprocess.run([sys.executable, "-c", TAKE, str(here), str(edge.folder)], check=False)
    assert killed.returncode == -9
    assert importing.take(here, edge.folder).predictions == 1
    assert ids(here) == sorted(names)


def test_folder_that_is_no_log_is_refused(here, tmp_path):
    with pytest.raises(DataError, match="LOG011"):
        importing.take(here, tmp_path)
    with pytest.raises(DataError, match="LOG011"):
        importing.take(here, tmp_path / "nowhere")
