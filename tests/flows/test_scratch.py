"""The copy of the state in which a drill works: alone, gone afterwards, and nothing done in it reaches the state."""

import os
import signal
import subprocess
import sys

import pandas as pd
import pytest

from evergreen.base.errors import LostRace
from evergreen.data.personal import KEY_FILE
from evergreen.learning.model import model as models
from flows.drill import drill
from flows.scratch import opened_in, scratch_of

KILLED = """
import os, signal
from evergreen.project import Project
from flows.scratch import opened_in, scratch_of
project = Project.open()
with scratch_of(project, "drill") as folder:
    opened_in(project, folder / "state")
    (folder / "half.parquet").write_bytes(b"PAR1")
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_next_drill_sweeps_what_a_killed_one_left(visited):
    killed = subprocess.run([sys.executable, "-c", KILLED], env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)})
    assert killed.returncode == -signal.SIGKILL
    left, workspace = visited.settings.home / "drill", sorted(visited.settings.workspace.iterdir())
    assert (left / "state" / "workspace").is_dir()
    assert (left / "half.parquet").exists()

    drill(visited, faults=[])
    assert not left.exists()
    assert sorted(visited.settings.workspace.iterdir()) == workspace


def test_second_drill_at_once_is_refused_and_leaves_the_first_alone(visited):
    with scratch_of(visited, "drill") as folder:
        (folder / "rows").mkdir()
        with pytest.raises(LostRace) as caught:
            drill(visited, faults=[])
        assert caught.value.code == "DRL002"
        assert (folder / "rows").is_dir()
    assert not folder.exists()


def test_folder_is_empty_and_gone_afterwards_also_when_the_block_raises(visited):
    home = visited.settings.home
    outside = home / "outside"
    outside.mkdir()
    (outside / "kept").touch()

    def fill() -> None:
        with scratch_of(visited, "drill") as folder:
            assert list(folder.iterdir()) == []
            (folder / "deep" / "deeper").mkdir(parents=True)
            (folder / "link").symlink_to(outside)
            (folder / "dangling").symlink_to(home / "nowhere")
            raise KeyboardInterrupt

    for _ in range(2):
        with pytest.raises(KeyboardInterrupt):
            fill()
        assert not (home / "drill").exists()
    assert (outside / "kept").exists()


def test_folders_of_other_names_do_not_wait_for_each_other(visited):
    with scratch_of(visited, "drill") as one, scratch_of(visited, "other") as other:
        assert one != other


def test_copy_has_the_champion_its_model_and_what_was_decided(visited):
    with scratch_of(visited, "drill") as folder:
        copy = opened_in(visited, folder / "state")
        assert copy.champion() == visited.champion()
        assert copy.ledger().lines("visits") == visited.ledger().lines("visits")
        artifact = copy.champion().artifact
        assert models.load(copy.workspace.path(artifact.uri), artifact.sha256).contract == visited.contract
        items = [sorted(path.name for path in one.datasets.glob("*/items/*")) for one in (copy, visited)]
        assert items[0] == items[1] != []


def test_nothing_that_is_done_in_the_copy_reaches_the_state(visited):
    before = {path: path.stat().st_mtime_ns for path in visited.settings.workspace.iterdir()}
    lines, champion = visited.ledger().lines("visits"), visited.champion()
    again = visited.workspace.read(champion.train)
    with scratch_of(visited, "drill") as folder:
        copy = opened_in(visited, folder / "state")
        copy.ledger().record("visits", "look", "made up", {"of": "nothing"})
        copy.workspace.write("new", pd.DataFrame({"n": [1]}))
        assert copy.workspace.write("train", again).sha256 == champion.train.sha256  # there already, through a link
        assert copy.settings.home == folder / "state"
    assert {path: path.stat().st_mtime_ns for path in visited.settings.workspace.iterdir()} == before
    assert visited.ledger().lines("visits") == lines
    assert visited.champion() == champion
    pd.testing.assert_frame_equal(visited.workspace.read(champion.train), again)


def test_personal_values_are_hashed_with_the_same_secret(visited):
    with scratch_of(visited, "drill") as folder:
        opened_in(visited, folder / "without")
        assert not (folder / "without" / KEY_FILE).exists()
        (visited.settings.home / KEY_FILE).write_bytes(b"secret")
        opened_in(visited, folder / "with")
        assert (folder / "with" / KEY_FILE).read_bytes() == b"secret"
    assert (visited.settings.home / KEY_FILE).read_bytes() == b"secret"
