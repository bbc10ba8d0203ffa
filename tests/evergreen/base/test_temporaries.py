"""What is not whole yet: whose it is stands in its name, so that what a kill leaves is found, and nothing else."""

import os
import signal
import subprocess
import sys
import time

import pytest

from evergreen.base import temporaries
from evergreen.base.temporaries import DAY, delete, folder, is_left, left_in, left_of, temporary

STARTS = """
import sys, time
from pathlib import Path
from evergreen.base.temporaries import temporary
made = temporary(Path(sys.argv[1]))
made.mkdir() if len(sys.argv) > 2 else made.touch()
print(made, flush=True)
time.sleep(600)
"""
NAMES = ["rows.parquet", "model-0123456789abcdef", "é" * 120, "line\nbreak", ".hidden"]


def begun(project, target, *more):
    process = subprocess.Popen([sys.executable, "-c", STARTS, str(target), *more], cwd=project, stdout=subprocess.PIPE)
    return process, process.stdout.readline()


def old(path, seconds):
    then = time.time() - seconds
    os.utime(path, (then, then))
    return path


@pytest.mark.parametrize("name", NAMES)
def test_name_is_hidden_new_short_enough_and_beside_what_it_becomes(tmp_path, name):
    first, second = temporary(tmp_path / name), temporary(tmp_path / name)
    assert first != second
    assert first.parent == tmp_path
    assert first.name.startswith(".")
    first.touch()
    assert not is_left(first)


@pytest.mark.parametrize("more", [[], ["folder"]])
def test_what_a_killed_process_left_is_found_at_once_and_what_it_works_on_is_not(tmp_path, project, more):
    process, _ = begun(project, tmp_path / "rows.parquet", *more)
    (tmp_path / "rows.parquet").touch()
    assert left_in(tmp_path) == []
    process.send_signal(signal.SIGKILL)
    process.communicate()
    (left,) = left_in(tmp_path)
    assert left_of(tmp_path / "rows.parquet") == [left]
    assert left_of(tmp_path / "other.parquet") == []
    delete([left])
    assert [path.name for path in tmp_path.iterdir()] == ["rows.parquet"]


def test_what_another_machine_began_is_left_once_a_day_has_passed(tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(temporaries, "_short", lambda _: "0badcafe")
        path = temporary(tmp_path / "rows.parquet")
    path.mkdir()
    inner = path / "part"
    inner.touch()
    for one in (inner, path):
        old(one, DAY + 60)
    assert is_left(path)
    old(inner, DAY - 60)
    assert not is_left(path)


@pytest.mark.parametrize(
    "name",
    [".train.0a1b2c3d", ".period-0a1b2c3d", ".0123456789abcdef0123456789abcdef", ".model-ab.gone", "12345-abcd_123"],
)
def test_names_of_before_are_left_after_a_day(tmp_path, name):
    path = tmp_path / name
    path.touch()
    assert not is_left(path)
    assert is_left(old(path, DAY + 60))


@pytest.mark.parametrize(
    "name",
    [".gitignore", ".rows.csv.receipt.json", "train-0a1b2c3d.parquet", ".env", "v1-0a1b2c3d", "x.unfinished"],
)
def test_nobody_elses_files_are_ever_left(tmp_path, name):
    (tmp_path / name).touch()
    assert not is_left(old(tmp_path / name, 400 * DAY))


def test_folder_is_there_for_a_block_for_us_alone(tmp_path):
    with folder(tmp_path / "a" / "scratch") as made:
        (made / "file").touch()
        assert made.stat().st_mode & 0o777 == 0o700
        assert left_in(made.parent) == []
    assert list((tmp_path / "a").iterdir()) == []


def test_what_is_not_there_has_nothing_left(tmp_path):
    assert left_in(tmp_path / "none") == []
    delete([tmp_path / "none"])
