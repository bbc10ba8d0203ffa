"""What killed processes left anywhere in the state folder is found, and what is whole or worked on is not."""

import os
import subprocess
import sys

import pytest

from cli.leftovers import SCRATCH_SECONDS, find, sweep
from evergreen.base.temporaries import temporary
from evergreen.config.settings import Settings

KILLED = """
import os, signal, sys
from pathlib import Path
import pandas as pd
from evergreen.base.artifacts.workspace import Workspace
from evergreen.base.artifacts import folders
from evergreen.base import files, temporaries
home = Path(sys.argv[1])
die = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
kind = sys.argv[2]
if kind == "a table":
    import evergreen.base.artifacts.tables as tables
    tables.file_digest = die
    Workspace(root=home / "workspace").write("train", pd.DataFrame({"a": [1, 2]}))
elif kind == "a folder":
    target = home / "workspace" / "model-ab"
    folders.publish(target, fill=lambda path: (path.mkdir(parents=True), die()), is_whole=lambda: False)
elif kind == "an item":
    target = home / "datasets" / "visits" / "items" / "0123456789abcdef0123456789abcdef"
    folders.publish(target, fill=lambda path: (path.mkdir(parents=True), die()), is_whole=lambda: False)
elif kind == "a package":
    with temporaries.folder(home / "staging" / "v1-01234567"):
        die()
elif kind == "a note":
    files.os.fsync = die
    files.write_bytes(home / "unfinished" / "ab.json", b"{}")
elif kind == "a key":
    from evergreen.data import personal
    personal.os.link = die
    personal.key(home / "pii.key")
"""
KINDS = ["a table", "a folder", "an item", "a package", "a note", "a key"]


@pytest.mark.parametrize("kind", KINDS)
def test_what_a_kill_leaves_is_swept_by_the_next_start(tmp_path, project, kind):
    home = tmp_path / "home"
    home.mkdir()
    done = subprocess.run([sys.executable, "-c", KILLED, str(home), kind], cwd=project, timeout=120)
    assert done.returncode == -9
    before = list(home.rglob(".*"))
    assert len(before) == 1
    settings = Settings(home=home)

    assert find(settings) == before
    assert sweep(settings) == 1
    assert list(home.rglob(".*")) == []
    assert find(settings) == []


def test_what_we_work_on_and_what_is_whole_stays(tmp_path):
    settings = Settings(home=tmp_path)
    kept = [
        tmp_path / "workspace" / "train-0123456789abcdef.parquet",
        tmp_path / "workspace" / "model-0123456789abcdef" / "manifest.json",
        tmp_path / "datasets" / "visits" / "0123456789abcdef" / "manifest.json",
        tmp_path / "ledger.db",
        tmp_path / "pii.key",
        tmp_path / "bentoml" / "bentos" / "visits" / "v1-01234567" / "bento.yaml",
        tmp_path / "inbox" / "labels" / ".uploading.csv",
    ]
    for path in kept:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    for path in sorted(tmp_path.rglob("*"), reverse=True):
        os.utime(path, (1.0, 1.0))
    kept.append(temporary(tmp_path / "workspace" / "test"))
    kept[-1].touch()

    assert find(settings) == []
    assert sweep(settings) == 0
    assert all(path.exists() for path in kept)


def test_files_of_libraries_go_after_ten_days(tmp_path):
    young, old = tmp_path / "tmp" / "tmpyoung", tmp_path / "tmp" / "tmpold"
    young.mkdir(parents=True)
    old.mkdir()
    then = young.stat().st_mtime
    os.utime(old, (then - SCRATCH_SECONDS - 60,) * 2)
    os.utime(young, (then - SCRATCH_SECONDS + 600,) * 2)
    assert find(Settings(home=tmp_path)) == [old]
