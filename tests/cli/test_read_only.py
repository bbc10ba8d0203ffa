"""A state folder that can only be read: commands that only read work, and the others say what they need."""

import ctypes
import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pandas as pd
import projects
import pytest
from registries import store_of

from evergreen.project import Project

Run = Callable[..., "subprocess.CompletedProcess[str]"]
DAC_OVERRIDE, PR_CAPBSET_DROP = 1, 24


def as_owner_alone() -> None:
    """Give up root's right to write whatever a file's mode forbids, for this process and all that it becomes."""
    ctypes.CDLL(None).prctl(PR_CAPBSET_DROP, DAC_OVERRIDE, 0, 0, 0)


@contextmanager
def only_readable(home: Path) -> Iterator[None]:
    """Let nobody write a folder, and all in it, for as long as the block runs."""
    modes = {path: path.stat().st_mode for path in (home, *home.rglob("*"))}
    for path, mode in modes.items():
        path.chmod(mode & 0o555)
    yield
    for path, mode in modes.items():
        path.chmod(mode)


def run_in(root: Path, *words: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [projects.COMMAND, *words],
        cwd=root,
        env={**os.environ, "COLUMNS": "200", **environment},
        preexec_fn=as_owner_alone,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def run(visited: Project) -> Iterator[Run]:
    """Run a command on a project whose state folder, and all in it, nobody may write."""
    root, home = visited.settings.project, visited.settings.home
    pd.read_csv(root / "visits.csv").head(5).to_csv(root / "rows.csv", index=False)
    with only_readable(home):
        yield partial(run_in, root)


@pytest.mark.parametrize(
    "words", [("status",), ("plan",), ("history",), ("why", "1"), ("lineage", "1"), ("data", "ls"), ("alerts",)]
)
def test_command_that_only_reads_works(run, words):
    done = run(*words)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout


def test_rows_are_scored_and_without_the_log_no_state_is_needed(run, tmp_path):
    done = run("score", "rows.csv", str(tmp_path / "out.csv"), "--no-log")
    assert done.returncode == 0, done.stderr
    assert pd.read_csv(tmp_path / "out.csv")["probability"].between(0, 1).all()
    refused = run("score", "rows.csv", str(tmp_path / "logged.csv"))
    assert refused.returncode == 8
    assert refused.stderr.startswith("RES002: may not write: Permission denied")
    assert refused.stderr.rstrip().endswith("leave the answers out of the prediction log: --no-log")
    assert not (tmp_path / "logged.csv").exists()


@pytest.mark.parametrize("words", [("run",), ("hold", "1", "--by", "Ada", "--reason", "test")])
def test_command_that_writes_says_that_it_may_not(run, words):
    done = run(*words)
    assert done.returncode == 8
    assert done.stderr.startswith(("RES002: ", "RES003: "))
    assert "EVERGREEN_HOME" in done.stderr


def test_folder_is_scored_without_the_log_too(run, visited, tmp_path):
    rows = pd.read_csv(visited.settings.project / "rows.csv")
    (tmp_path / "many").mkdir()
    for name in ("a.csv", "b.csv"):
        rows.to_csv(tmp_path / "many" / name, index=False)
    done = run("score", str(tmp_path / "many"), str(tmp_path / "scored"), "--no-log")
    assert done.returncode == 0, done.stderr
    assert len(pd.concat(map(pd.read_csv, (tmp_path / "scored").rglob("*.csv")))) == 2 * len(rows)


def test_doctor_looks_at_what_it_may_not_write(trained_project: projects.Small) -> None:
    def looked() -> tuple[int, str, str]:
        done = run_in(trained_project.root, "doctor", "--check", "--json", EVERGREEN_HOME=str(trained_project.home))
        return done.returncode, done.stdout, done.stderr

    well = looked()
    assert (well[0], well[2]) == (0, "")
    with only_readable(trained_project.home):
        assert looked() == well
    store = store_of(projects.settings_of(trained_project))
    store.delete_registered_model_alias("flights", "champion")
    odd = looked()
    assert odd[0] == 7
    with only_readable(trained_project.home):
        assert looked() == odd
