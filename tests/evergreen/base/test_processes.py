"""Processes: known by where, when and under which number they began, whatever the clock says."""

import os
import signal
import subprocess
import sys
from dataclasses import replace

import psutil
import pytest

from evergreen.base import processes
from evergreen.base.processes import mark


@pytest.fixture
def sleeping():
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"]) as process:
        yield process
        process.kill()


def test_mark_is_of_one_process_while_it_runs(sleeping):
    ours, its = mark(), mark(sleeping.pid)
    assert ours != its
    assert (ours.pid, its.pid) == (os.getpid(), sleeping.pid)
    assert ours.is_running
    assert its.is_running
    sleeping.kill()
    sleeping.wait()
    assert not its.is_running


def test_zombie_does_not_run(sleeping):
    its = mark(sleeping.pid)
    sleeping.send_signal(signal.SIGKILL)
    os.waitid(os.P_PID, sleeping.pid, os.WEXITED | os.WNOWAIT)
    assert psutil.Process(sleeping.pid).status() == psutil.STATUS_ZOMBIE
    assert not its.is_running


@pytest.mark.parametrize(
    "other", [{"started": 1.0}, {"pid": 2**22 + 1}, {"place": "another boot"}], ids=["later", "number", "machine"]
)
def test_process_of_another_time_number_or_machine_is_another(other):
    assert not replace(mark(), **other).is_running


def test_setting_the_clock_does_not_make_another_process_of_it(monkeypatch):
    ours = mark()
    monkeypatch.setattr(psutil, "boot_time", lambda: 1.0)
    monkeypatch.setattr("time.time", lambda: 1.0)
    assert mark() == ours
    assert ours.is_running


def test_beginning_is_in_ticks_since_the_boot():
    began = psutil.Process().create_time() - psutil.boot_time()
    assert mark().started / os.sysconf("SC_CLK_TCK") == pytest.approx(began, abs=2)


def test_name_of_a_program_does_not_confuse_it(tmp_path):
    program = tmp_path / "a) Z 1 (b"
    program.symlink_to("/bin/sleep")
    with subprocess.Popen([program, "600"]) as process:
        assert mark(process.pid).is_running
        process.kill()


def test_mark_of_a_process_that_is_gone_already_never_runs():
    assert not mark(2**22 + 1).is_running


def test_where_there_is_no_proc_the_system_is_asked(monkeypatch, tmp_path):
    monkeypatch.setattr(processes, "PROC", tmp_path)
    processes.place.cache_clear()
    try:
        ours = mark()
        assert ours.started == psutil.Process().create_time()
        assert ours.is_running
        assert not mark(2**22 + 1).is_running
    finally:
        processes.place.cache_clear()
