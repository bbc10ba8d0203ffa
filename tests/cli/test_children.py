"""Processes that we start: told from later ones with their number, and swept when their parent is gone."""

import json
import os
import socket
from types import SimpleNamespace

import psutil
import pytest

from cli import children
from cli.children import free_port, same_process, sweep, wait_until_ready
from evergreen.base.errors import Unavailable

ME, STARTED = os.getpid(), psutil.Process().create_time()


def test_process_is_known_by_its_number_and_its_beginning():
    assert same_process(ME, STARTED)
    assert not same_process(ME, STARTED - 10)
    assert not same_process(2**30, STARTED)


def test_port_is_free_on_loopback():
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", free_port()))


@pytest.fixture
def killed(monkeypatch):
    found, kill = [], os.kill

    def noting(pid, number):
        found.append(pid) if number else kill(pid, number)  # 0 asks whether there is such a process

    monkeypatch.setattr(children.os, "kill", noting)
    return found


def note(run, name, **facts):
    usual = {"pid": ME, "started": STARTED, "parent": ME, "parent_started": STARTED}
    (run / f"{name}.json").write_text(json.dumps({**usual, **facts}))


def test_child_of_a_living_parent_is_left_alone(tmp_path, killed):
    note(tmp_path, "child")
    (tmp_path / f"child-{ME}.log").touch()
    assert sweep(tmp_path) == 0
    assert killed == []
    assert len(list(tmp_path.iterdir())) == 2


def test_child_whose_parent_is_gone_is_ended_and_its_notes_are_cleared(tmp_path, killed):
    note(tmp_path, "orphan", parent_started=1.0)
    note(tmp_path, "another", parent_started=1.0, started=1.0)  # its number is another process's now
    (tmp_path / "broken.json").write_text("{")
    (tmp_path / f"prefect-{2**30}.log").touch()
    assert sweep(tmp_path) == 1
    assert killed == [ME]
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_swept_where_nothing_was_started(tmp_path):
    assert sweep(tmp_path / "none") == 0


@pytest.mark.parametrize(("code", "says"), [(3, "ended with code 3"), (None, "did not answer in 0.2 s")])
def test_child_that_does_not_become_ready_is_said_with_the_end_of_its_log(tmp_path, code, says):
    (tmp_path / "log").write_text("x" * 5_000 + " the reason")
    process = SimpleNamespace(poll=lambda: code, returncode=code)
    url = f"http://127.0.0.1:{free_port()}/health"
    with pytest.raises(Unavailable, match=says) as caught:
        wait_until_ready(process, url, seconds=0.2, what="It", log=tmp_path / "log")
    assert (caught.value.code, caught.value.where) == ("DEP003", url)
    assert caught.value.what.endswith("the reason")
    assert len(caught.value.what) < 700
