"""Campaigns of minutes: many runs in a row, and the whole loop with the network cut off."""

import os
import subprocess
from pathlib import Path

import pytest
from projects import COMMAND, Small

pytestmark = pytest.mark.long

# A namespace of its own has only a loopback device, and that one is down.
ALONE = """
import fcntl, os, socket, struct, sys
with socket.socket() as probe:
    fcntl.ioctl(probe, 0x8914, struct.pack("16sh", b"lo", 1))
os.execv(sys.argv[1], sys.argv[1:])
"""


@pytest.fixture
def empty_home(tmp_path: Path) -> Path:
    """A user's home folder, in which nothing may appear."""
    home = tmp_path / "home"
    home.mkdir()
    return home


def test_twenty_runs_in_a_row_leave_no_process_no_lock_and_no_file_elsewhere(
    small_project: Small, empty_home: Path
) -> None:
    beside = set(small_project.root.iterdir())
    shared = {folder: set(os.listdir(folder)) for folder in ("/tmp", "/var/tmp")}  # noqa: PTH208  names, to compare
    for seed in range(1, 21):
        done = small_project.run("run", "--set", f"seed={seed}", HOME=str(empty_home))
        assert done.returncode in (0, 4), done.stderr
        assert "database is locked" not in done.stderr
        assert not small_project.processes()
    assert not list(empty_home.iterdir())
    assert set(small_project.root.iterdir()) == beside
    for folder, before in shared.items():
        new = {name for name in set(os.listdir(folder)) - before if "pytest" not in name}  # noqa: PTH208  the same
        assert not [name for name in new if (Path(folder) / name).stat().st_uid == os.getuid()]
    assert not list((small_project.home / "run").iterdir())


def test_the_loop_works_with_nothing_but_loopback(small_project: Small, empty_home: Path) -> None:
    walk = [COMMAND, "replay", "--from", "2013-03", "--to", "2013-04"]
    done = subprocess.run(
        ["unshare", "--map-root-user", "--net", str(Path(COMMAND).with_name("python")), "-c", ALONE, *walk],
        cwd=small_project.root,
        env={**small_project.environment, "HOME": str(empty_home)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "as batch scoring does" in done.stdout
    assert not list(empty_home.iterdir())
