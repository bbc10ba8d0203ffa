"""Becoming another command that dies with its parent, unless the parent is gone already."""

import os
import signal
import subprocess
import sys
from types import SimpleNamespace

import pytest

from cli import bound
from evergreen.base import parents


@pytest.fixture
def asked(monkeypatch):
    """What was asked of the kernel, in order."""
    found = []
    library = SimpleNamespace(prctl=lambda *given: found.append(given))
    monkeypatch.setattr(parents.ctypes, "CDLL", lambda *_, **__: library)
    monkeypatch.setattr(bound.os, "execv", lambda *given: found.append(given))
    return found


def test_command_takes_over_once_the_signal_is_asked_for(asked, monkeypatch):
    monkeypatch.setattr("sys.argv", ["bound", str(os.getppid()), "/bin/x", "-a"])
    bound.main()
    assert asked == [(1, signal.SIGKILL), ("/bin/x", ["/bin/x", "-a"])]


def test_nothing_is_run_for_a_parent_that_went_meanwhile(project, tmp_path):
    argv = [sys.executable, "-m", "cli.bound", str(os.getpid() + 1), "/bin/touch", str(tmp_path / "ran")]

    assert subprocess.run(argv, cwd=project, timeout=60).returncode == 1
    assert not (tmp_path / "ran").exists()
