"""The prediction log: what was acknowledged is there, whatever is killed, full or deleted."""

import errno
import itertools
import os
import random
import resource
import shutil
import signal
import stat
import subprocess
import sys
import threading
import time
from pathlib import Path

import logged
import msgspec
import pytest
from projects import wait_for

from evergreen.base.errors import ResourceError
from evergreen.data import personal
from evergreen.record.labels import beside
from evergreen.record.predictions import reading
from evergreen.record.predictions.frames import SegmentReader
from evergreen.record.predictions.log import PredictionLog
from evergreen.record.predictions.segment import segments, settle

HOUR_NS = 3_600_000_000_000


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "predictions"


@pytest.fixture
def log(folder):
    log = PredictionLog(folder)
    yield log
    log.close()


def ids(folder) -> list[str]:
    return reading.read(folder)["prediction_id"].to_pylist()


def test_what_is_appended_is_read_back(log, folder):
    names = logged.append(log, [1, 2, 3, 4])
    log.append(logged.COLUMNS, [])

    rows = reading.read(folder).to_pylist()

    assert [row["prediction_id"] for row in rows] == names
    assert [row["probability"] for row in rows] == [0.001, 0.002, 0.003, 0.004]
    assert [row["_Version"] for row in rows] == ["é", "éé", "ééé", ""]
    assert [row["label"] for row in rows] == [False, False, False, True]
    assert log.bytes == sum(path.stat().st_size for path in segments(folder))


def test_rows_answered_together_are_one_write_before_append_returns(log, folder):
    logged.append(log, [1])
    with (folder.parent / "trace").open("w+") as trace:
        script = "import sys; sys.path.insert(0, 'tests/support')\n" + WRITE_ONCE
        subprocess.run([sys.executable, "-c", script, str(folder)], check=True, stdout=trace)
        trace.seek(0)
        assert trace.read().split() == ["1", "1"]


# The number of calls of os.write for two appends of many rows each, counted by the audit-free way: a wrapper around it.
WRITE_ONCE = """
import os
from pathlib import Path
import logged
from evergreen.record.predictions.log import PredictionLog
log, n, write = PredictionLog(Path(sys.argv[1])), 0, os.write
def counted(*call):
    global n
    n += 1
    return write(*call)
os.write = counted
for _ in range(2):
    n = 0
    logged.append(log, range(500))
    print(n)
log.close()
"""


def test_files_are_for_owner_and_group_alone(log, folder):
    logged.append(log, [1])
    modes = {path: stat.S_IMODE(path.stat().st_mode) for path in (folder, *folder.rglob("*"))}
    assert {mode for path, mode in modes.items() if path.is_file()} == {0o640}
    assert {mode for path, mode in modes.items() if path.is_dir()} == {0o750}


def test_personal_values_never_reach_the_disk(log, folder):
    logged.append(log, range(1, 30))
    log.append_feedback(logged.COLUMNS, [logged.feedback(("person-7", 7), 5, label=True)])
    log.close()

    content = logged.bytes_below(folder.parent)

    assert b"person-" not in content
    assert b"Elm" not in content
    rows = reading.read(folder).to_pylist()
    assert len({row["person"] for row in rows}) == 29
    assert {row["street"] for row in rows} == {"xxx xxxxxx x", "xxx xxxxxx xx"}
    came_back = [row for batch in beside.with_feedback(folder) for row in batch.to_pylist() if row["feedback_label"]]
    assert [row["day"] for row in came_back] == [7]  # a key that was hashed is found by the same key


def test_key_of_personal_values_that_cannot_be_had_lets_nothing_be_written(tmp_path, folder):
    (tmp_path / "pii.key").mkdir()
    log = PredictionLog(folder)
    with pytest.raises(ResourceError, match="RES001"):
        logged.append(log, [1])
    log.close()
    assert b"person" not in logged.bytes_below(tmp_path)


@pytest.mark.parametrize("policy", ["strict", "available"])
def test_key_of_personal_values_that_changed_lets_nothing_be_written_under_it(tmp_path, folder, policy):
    key = tmp_path / "pii.key"
    made = personal.key(key)
    key.write_bytes(made[::-1])
    log = PredictionLog(folder, policy=policy)
    if policy == "strict":
        with pytest.raises(ResourceError, match="INT022"):
            logged.append(log, [1])
    else:
        logged.append(log, [1])
        assert log.lost == 1
    assert reading.read(folder).num_rows == 0
    key.write_bytes(made)
    logged.append(log, [2])
    log.close()
    assert reading.read(folder).num_rows == 1


def test_row_that_does_not_fit_the_columns_is_refused(log, folder):
    with pytest.raises(ValueError, match="4 features"):
        log.append(logged.COLUMNS, [msgspec.structs.replace(logged.row("a" * 32), features=(1, 2, 3, 4))])
    assert ids(folder) == []


# -- segments -----------------------------------------------------------------------------------------------------


def test_segment_is_closed_at_its_size_and_nothing_is_lost(folder):
    log = PredictionLog(folder, max_segment_bytes=4_000)
    names = [name for number in range(100) for name in logged.append(log, [number])]
    log.close()

    assert len(segments(folder)) > 5
    assert max(path.stat().st_size for path in segments(folder)) < 6_000
    assert ids(folder) == names


def test_segment_is_closed_when_the_hour_ends_even_if_nothing_is_asked(folder):
    now = [500_000 * HOUR_NS + HOUR_NS - 1_200_000_000]
    log = PredictionLog(folder, clock=lambda: now[0])
    first = logged.append(log, [1])
    now[0] += HOUR_NS

    wait_for(lambda: settle(segments(folder)[0]), "the segment is closed")
    second = logged.append(log, [2])
    log.close()

    assert [path.name[:11] for path in segments(folder)] == ["20270115T08", "20270115T09"]
    assert ids(folder) == first + second


def test_columns_that_change_are_said_again_and_each_row_keeps_its_own(log, folder):
    other = msgspec.structs.replace(logged.COLUMNS, features=logged.COLUMNS.features[:2])
    logged.append(log, [1])
    log.append(other, [msgspec.structs.replace(logged.row(log.new_ids(1)[0], 2), features=(5, 0.5))])
    last = logged.append(log, [3])

    assert len(segments(folder)) == 1
    assert [row["stops"] for row in reading.read(folder).to_pylist()] == [1, None, 3]
    assert log.find(last[0]) == (logged.COLUMNS, as_stored(log, last[0]))


def as_stored(log, name):
    found = log.find(name)
    assert found is not None
    return found[1]


def test_segment_without_a_row_leaves_nothing_behind(folder):
    PredictionLog(folder).close()
    assert segments(folder) == []


def test_processes_and_threads_share_a_folder(folder):
    logs = [PredictionLog(folder) for _ in range(3)]
    threads = [
        threading.Thread(target=lambda log=log, at=at: [logged.append(log, [at * 100 + n]) for n in range(100)])
        for at, log in enumerate(logs * 2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for log in logs:
        log.close()

    assert sorted(reading.read(folder)["day"].to_pylist()) == list(range(600))


def test_closed_log_takes_nothing_and_says_so(log, folder):
    logged.append(log, [1])
    log.close()
    log.close()

    assert not log.writable
    with pytest.raises(ResourceError, match="LOG001"):
        logged.append(log, [2])
    assert len(ids(folder)) == 1


def test_bytes_are_put_on_the_disk_without_being_asked(log):
    assert log.unsynced_seconds == 0
    logged.append(log, [1])
    wait_for(lambda: log.unsynced_seconds == 0, "nothing waits for the disk")


# -- kills --------------------------------------------------------------------------------------------------------

WRITER = """
import sys; sys.path.insert(0, 'tests/support')
from pathlib import Path
import logged
from evergreen.record.predictions.log import PredictionLog
log = PredictionLog(Path(sys.argv[1]), max_segment_bytes=20_000)
number = 0
while True:
    names = logged.append(log, range(number, number + 1 + number % 3))
    sys.stdout.write("".join(name + "\\n" for name in names))
    sys.stdout.flush()
    number += 3
"""


def kill_writers(folder: Path, n: int, seed: int) -> None:
    rng = random.Random(seed)
    acknowledged: list[str] = []
    for _ in range(n):
        writer = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(folder)], stdout=subprocess.PIPE, text=True, pipesize=1 << 20
        )
        acknowledged += [writer.stdout.readline().strip() for _ in range(rng.randrange(1, 60))]
        time.sleep(rng.random() / 100)  # the moment of the kill, not something to wait for
        writer.kill()
        acknowledged += writer.communicate()[0].split("\n")[:-1]  # what is after the last newline was not said whole
    found = ids(folder)
    assert len(found) == len(set(found))
    assert set(acknowledged) <= set(found)
    PredictionLog(folder).close()  # as the next process does: what is torn is cut off
    assert all(settle(path) for path in segments(folder))
    assert ids(folder) == found
    for path in segments(folder):
        with SegmentReader(path) as reader:
            assert reader.ends_in_order()
    sampled = rng.sample(acknowledged, min(len(acknowledged), 100))
    assert [as_stored(PredictionLogOf(folder), name).prediction_id for name in sampled] == sampled


class PredictionLogOf:
    """What of a log is needed to look something up, without a process of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def find(self, name: str):
        from evergreen.record.predictions.ids import find

        return find(self.folder, name)


def test_what_was_acknowledged_survives_kills_of_the_writer(folder):
    kill_writers(folder, 20, seed=1)


@pytest.mark.long
def test_what_was_acknowledged_survives_three_hundred_kills_of_the_writer(folder):
    kill_writers(folder, 300, seed=2)


def test_tail_is_never_cut_off_a_segment_that_a_process_writes(folder):
    writer = subprocess.Popen([sys.executable, "-c", WRITER, str(folder)], stdout=subprocess.PIPE, text=True)
    acknowledged = [writer.stdout.readline().strip() for _ in range(5)]
    writer.send_signal(signal.SIGSTOP)
    open_one = segments(folder)[-1]
    with open_one.open("ab") as file:
        file.write(b"a frame that is not whole yet")
    size = open_one.stat().st_size

    PredictionLog(folder).close()

    assert open_one.stat().st_size == size
    writer.kill()
    writer.communicate()
    assert settle(open_one)
    assert set(acknowledged) <= set(ids(folder))


# -- a full disk --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("room", [0, 1, 7, 200, 900])
def test_full_disk_is_reported_and_harms_no_other_row(log, folder, limited_disk, room):
    first = logged.append(log, [1])
    size = segments(folder)[0].stat().st_size

    with limited_disk(size + room):
        with pytest.raises(ResourceError) as caught:
            logged.append(log, [2, 3, 4, 5])
        assert segments(folder)[0].stat().st_size == size
        assert not log.writable
    assert (caught.value.code, caught.value.where) == ("LOG001", str(folder))
    wait_for(lambda: log.writable, "the log is well again")
    last = logged.append(log, [6])

    assert ids(folder) == first + last
    assert len(segments(folder)) == 1


def test_full_disk_is_noticed_by_a_log_that_nobody_writes_to(log, folder, limited_disk):
    first = logged.append(log, [1])
    assert log.writable

    with limited_disk(segments(folder)[0].stat().st_size):
        wait_for(lambda: not log.writable, "the full disk is noticed")
    wait_for(lambda: log.writable, "the log is well again")

    assert ids(folder) == first


def test_segment_of_a_process_that_died_while_it_tried_to_write_is_removed(log, folder):
    logged.append(log, [1])
    (whole,) = segments(folder)
    tried = whole.with_name(whole.name.replace("-000001", "-000002"))
    tried.write_bytes(b"\0" * 4096)

    PredictionLog(folder).close()

    assert segments(folder) == [whole]


def test_available_log_counts_what_it_could_not_write(folder, limited_disk):
    log = PredictionLog(folder, policy="available")
    first = logged.append(log, [1])
    with limited_disk(segments(folder)[0].stat().st_size + 5):
        logged.append(log, [2, 3])
        logged.append(log, [4])
        assert (log.lost, log.writable) == (3, False)
        with pytest.raises(ResourceError):  # a label is not taken, whatever is said of answers
            log.append_feedback(logged.COLUMNS, [logged.feedback("a" * 32, 1, label=True)])
    last = logged.append(log, [5])
    assert (log.lost, log.writable) == (3, True)
    log.close()

    assert ids(folder) == first + last


def test_tail_that_cannot_be_cut_off_is_left_behind_and_no_reader_takes_it_for_a_row(log, folder, monkeypatch):
    first = logged.append(log, [1])
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    monkeypatch.setattr(os, "ftruncate", refused)
    resource.setrlimit(resource.RLIMIT_FSIZE, (segments(folder)[0].stat().st_size + 40, before[1]))
    with pytest.raises(ResourceError):
        logged.append(log, [2])
    resource.setrlimit(resource.RLIMIT_FSIZE, before)
    monkeypatch.undo()

    last = logged.append(log, [3])

    assert len(segments(folder)) == 2
    assert ids(folder) == first + last


def refused(*_):
    raise OSError(errno.EIO, "refused")


def test_disk_that_fails_to_take_bytes_is_noticed_and_they_are_written_anew(log, folder, monkeypatch):
    failing = itertools.count()
    monkeypatch.setattr(os, "fdatasync", lambda fd: next(failing) == 0 and refused())
    first = logged.append(log, [1])
    wait_for(lambda: len(segments(folder)) == 2 or not log.writable, "the failure is noticed")

    wait_for(lambda: log.writable, "the log is well again")
    last = logged.append(log, [2])

    assert len(segments(folder)) == 2
    assert ids(folder) == first + last


def test_folder_that_cannot_be_written_is_reported(read_only_folder):
    with pytest.raises(ResourceError, match="LOG001"):
        PredictionLog(read_only_folder / "predictions")
    log = PredictionLog(read_only_folder / "predictions", policy="available")
    logged.append(log, [1])
    assert (log.lost, log.writable) == (1, False)
    log.close()


# -- what vanishes ------------------------------------------------------------------------------------------------


def delete_segment(folder):
    segments(folder)[-1].unlink()


def delete_folder(folder):
    shutil.rmtree(folder)


def move_folder(folder):
    folder.rename(folder.with_name("elsewhere"))


def replace_segment(folder):
    path = segments(folder)[-1]
    content = path.read_bytes()
    path.unlink()
    path.write_bytes(content)


def replace_folder(folder):
    folder.rename(folder.with_name("elsewhere"))
    (folder / "segments").mkdir(parents=True)


@pytest.mark.parametrize("vanish", [delete_segment, delete_folder, move_folder, replace_segment, replace_folder])
def test_what_vanished_is_written_anew_before_the_next_answer(log, folder, vanish, caplog):
    first = logged.append(log, [1, 2])
    vanish(folder)

    last = logged.append(log, [3])

    assert ids(folder) == first + last
    assert [as_stored(log, name).prediction_id for name in first + last] == first + last
    assert (log.vanished, log.lost, log.writable) == (1, 0, True)
    assert "LOG002" in caplog.text
    again = logged.append(log, [4])
    assert ids(folder) == first + last + again
    assert log.vanished == 1


def test_what_vanished_while_nothing_was_asked_is_written_anew_at_closing(log, folder):
    first = logged.append(log, [1, 2])
    shutil.rmtree(folder)
    log.close()
    assert ids(folder) == first


@pytest.mark.parametrize("policy", ["strict", "available"])
def test_what_vanished_and_cannot_be_written_anew_is_answered_for(folder, policy):
    log = PredictionLog(folder, policy=policy)
    first = logged.append(log, [1])
    shutil.rmtree(folder)
    folder.write_bytes(b"a file where the folder was")

    if policy == "strict":
        with pytest.raises(ResourceError, match="LOG002") as caught:
            logged.append(log, [2])
        assert str(folder) in caught.value.block()
    else:
        logged.append(log, [2])
    assert log.lost == (0 if policy == "strict" else 1)
    assert not log.writable

    folder.unlink()
    last = logged.append(log, [3])
    log.close()
    assert set(first + last) <= set(ids(folder))
    assert log.writable is False  # closed


def test_segment_that_somebody_cut_short_loses_no_later_row(log, folder):
    logged.append(log, [1])
    os.truncate(segments(folder)[0], 10)

    last = logged.append(log, [2])

    assert ids(folder) == last
    assert len(segments(folder)) == 2


def test_segment_that_somebody_wrote_to_keeps_every_row(log, folder):
    first = logged.append(log, [1])
    with segments(folder)[0].open("ab") as file:
        file.write(b"something else")

    last = logged.append(log, [2]) + logged.append(log, [3])

    assert ids(folder) == first + last
