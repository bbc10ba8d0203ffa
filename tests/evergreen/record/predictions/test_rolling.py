"""Rolls: every record becomes a row of the table once, whatever kills the roll; what is still written is left."""

import subprocess
import sys

import logged
import pytest

from evergreen.base.errors import LostRace, ResourceError
from evergreen.record.predictions import reading, rolling
from evergreen.record.predictions.log import PredictionLog
from evergreen.record.predictions.segment import segments
from evergreen.record.predictions.table import files


def clock():
    return logged.NOON * 1_000


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "predictions"


def filled(folder, *, n=60, size=4_000):
    """Return the ids of rows of two days in some closed segments, with feedback among them."""
    log = PredictionLog(folder, max_segment_bytes=size, clock=clock)
    names = []
    for at in range(n):
        names += logged.append(log, [at * 1_000, at * 1_000 + 1])
        log.append_feedback(logged.COLUMNS, [logged.feedback(names[-1], at, label=True)])
    log.close()
    return names


def content(folder):
    """Return what is read, in an order of its own, as plain rows."""
    return [sorted(map(str, reading.read(folder, kind).to_pylist())) for kind in ("table", "feedback")]


def test_rolled_rows_are_those_of_the_segments_and_a_second_roll_does_nothing(folder):
    names = filled(folder)
    before = content(folder)

    first, second = rolling.roll(folder), rolling.roll(folder)

    assert (first.predictions, first.feedback, first.repeated, first.open) == (len(names), 60, 0, 0)
    assert first.segments > 5
    assert second == rolling.Rolled()
    assert segments(folder) == []
    assert content(folder) == before
    assert {path.parent.name for path in files(folder, "table")} == {"date=2024-05-01", "date=2024-05-02"}


def test_what_was_shadowed_is_read_by_itself_before_a_roll_and_after_it(folder):
    log = PredictionLog(folder, clock=clock)
    names = logged.append(log, [1, 2, 3])
    said = [logged.shadow(names[at], at + 1, variant=variant) for at in range(3) for variant in ("B", "C")]
    log.append_shadows(logged.COLUMNS, [*said, logged.shadow(names[0], 1, probability=None, label=None, error="E")])
    log.close()

    before = reading.read(folder, "shadows")
    rolled = rolling.roll(folder)

    assert (rolled.predictions, rolled.shadows) == (3, 7)
    assert reading.read(folder, "shadows").sort_by("variant").equals(before.sort_by("variant"))
    assert reading.read(folder)["prediction_id"].to_pylist() == names
    rows = reading.read(folder, "shadows").to_pylist()
    (last,) = [row for row in rows if row["variant"] == "challenger"]
    assert (last["probability"], last["error"], last["traffic_rule"]) == (None, "E", "rollout-1.1")
    assert (last["version"], last["received_at"]) == (4, reading.read(folder)["received_at"][0].as_py())
    assert sorted((row["prediction_id"], row["variant"]) for row in rows if row["variant"] in "BC") == sorted(
        (name, variant) for name in names for variant in ("B", "C")
    )


def test_shadows_that_stand_in_two_segments_are_rolled_and_read_once(folder):
    log = PredictionLog(folder, clock=clock)
    (name,) = logged.append(log, [1])
    log.append_shadows(logged.COLUMNS, [logged.shadow(name, variant=variant) for variant in ("B", "C")])
    log.close()
    (path,) = segments(folder)
    path.with_name(path.name.replace("000001", "000002")).write_bytes(path.read_bytes())

    assert reading.read(folder, "shadows").num_rows == 2
    rolled = rolling.roll(folder)

    assert (rolled.shadows, rolled.repeated) == (2, 3)
    assert reading.read(folder, "shadows").num_rows == 2


def test_segment_that_is_written_is_left_and_read_meanwhile(folder):
    log = PredictionLog(folder)
    names = logged.append(log, [1, 2])
    assert rolling.roll(folder) == rolling.Rolled(open=1)
    names += logged.append(log, [3])
    log.close()
    assert rolling.roll(folder).predictions == 3
    assert reading.read(folder)["prediction_id"].to_pylist() == names


ROLL = """
import sys
from pathlib import Path
from evergreen.base import failpoints
from evergreen.record.predictions import rolling
failpoints.arm(sys.argv[2])
rolling.roll(Path(sys.argv[1]))
"""


@pytest.mark.parametrize("point", ["roll.written", "roll.published", "roll.removed"])
def test_roll_that_is_killed_loses_and_doubles_nothing(folder, point):
    names = filled(folder, n=20)
    before = content(folder)

    for _ in range(2):
        killed = subprocess.run([sys.executable, "-c", ROLL, str(folder), point], check=False)
        assert killed.returncode == -9
        assert content(folder) == before

    rolling.roll(folder)
    assert content(folder) == before
    assert len(names) == reading.read(folder).num_rows
    assert not list(folder.rglob("*.tmp"))


def test_roll_on_a_full_disk_leaves_the_segments(folder, limited_disk):
    filled(folder, size=64 << 20)
    before = content(folder)
    with limited_disk(300), pytest.raises((ResourceError, OSError)):
        rolling.roll(folder)
    assert content(folder) == before
    assert rolling.roll(folder).predictions == 120
    assert content(folder) == before


def test_two_rolls_at_once_are_one(folder):
    filled(folder, n=2)
    with rolling.changing(folder), pytest.raises(LostRace, match="LOG004"):
        rolling.roll(folder)
    assert rolling.roll(folder).predictions == 4


def test_row_that_stands_in_two_segments_becomes_one_row(folder):
    log = PredictionLog(folder, clock=clock)
    names = logged.append(log, [1, 2])
    moved = folder.with_name("elsewhere")
    folder.rename(moved)
    names += logged.append(log, [3])  # the segment is written anew
    log.close()
    for path in segments(moved):  # and then somebody puts the old one back
        path.rename(folder / "segments" / path.name)

    assert len(segments(folder)) == 2
    assert reading.read(folder)["prediction_id"].to_pylist() == names
    rolled = rolling.roll(folder)
    assert (rolled.predictions, rolled.repeated) == (3, 3)
    assert reading.read(folder)["prediction_id"].to_pylist() == names


def test_row_whose_copy_was_rolled_before_becomes_no_second_row(folder):
    log = PredictionLog(folder, clock=clock)
    names = logged.append(log, [1, 2])
    folder.rename(folder.with_name("elsewhere"))
    names += logged.append(log, [3])
    log.close()
    rolling.roll(folder)
    for path in segments(folder.with_name("elsewhere")):
        path.rename(folder / "segments" / path.name)

    assert rolling.roll(folder).repeated == 3
    assert reading.read(folder)["prediction_id"].to_pylist() == names


def test_segment_with_spoilt_bytes_gives_what_is_whole_and_is_kept_beside(folder):
    names = filled(folder, n=3, size=64 << 20)
    (path,) = segments(folder)
    content = bytearray(path.read_bytes())
    at = content.find(names[2].encode())
    content[at] ^= 1
    path.write_bytes(content)

    rolled = rolling.roll(folder)

    assert rolled.predictions == 4
    assert rolled.spoilt_bytes > 0
    assert [each.name for each in (folder / "segments").iterdir()] == [f"{path.name}.spoilt"]
    assert set(reading.read(folder)["prediction_id"].to_pylist()) == set(names) - set(names[2:4])


@pytest.mark.long
def test_memory_of_a_roll_does_not_grow_with_the_number_of_segments(folder):
    log = PredictionLog(folder, max_segment_bytes=1 << 20)
    for at in range(40):
        log.append(logged.COLUMNS, [logged.row(name, at) for name in log.new_ids(2_000)])
    log.close()
    assert len(segments(folder)) > 10
    script = ROLL.replace("failpoints.arm(sys.argv[2])\n", "") + (
        "import resource; print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"
    )
    many = int(subprocess.run([sys.executable, "-c", script, str(folder)], capture_output=True, check=True).stdout)
    log = PredictionLog(folder)
    log.append(logged.COLUMNS, [logged.row(name, 1) for name in log.new_ids(2_000)])
    log.close()
    one = int(subprocess.run([sys.executable, "-c", script, str(folder)], capture_output=True, check=True).stdout)
    assert many - one < 60_000  # KiB; all of it at once would be 150,000
