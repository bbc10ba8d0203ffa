"""Processes that we start: told from later ones with their number, and swept when their parent is gone."""

import json
import os
import socket
from dataclasses import asdict, replace
from types import SimpleNamespace

import pytest

from cli import children
from cli.children import free_port, sweep, wait_until_ready
from evergreen.base.errors import Unavailable
from evergreen.base.processes import mark

ME, LATER = mark(), replace(mark(), started=1.0)


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


def note(run, name, child=ME, parent=ME):
    (run / f"{name}.json").write_text(json.dumps({"child": asdict(child), "parent": asdict(parent)}))
    return run / f"{name}.json"


def test_child_of_a_living_parent_is_left_alone(tmp_path, killed):
    note(tmp_path, "child")
    (tmp_path / f"child-{ME.pid}.log").touch()
    assert sweep(tmp_path) == 0
    assert killed == []
    assert len(list(tmp_path.iterdir())) == 2


def test_child_whose_parent_is_gone_is_ended_and_its_notes_are_cleared(tmp_path, killed):
    note(tmp_path, "orphan", parent=LATER)
    note(tmp_path, "another", parent=LATER, child=LATER)  # its number is another process's now
    (tmp_path / "broken.json").write_text("{")
    (tmp_path / "former.json").write_text('{"pid": 1, "started": 1.0, "parent": 1, "parent_started": 1.0}')
    (tmp_path / f"prefect-{2**30}.log").touch()
    assert sweep(tmp_path) == 1
    assert killed == [ME.pid]
    assert list(tmp_path.iterdir()) == []


def test_child_on_another_machine_is_left_alone_and_its_note_goes_with_time(tmp_path, killed):
    there = replace(ME, place="another boot")
    path = note(tmp_path, "there", child=there, parent=there)
    assert sweep(tmp_path) == 0
    assert path.exists()
    os.utime(path, (1.0, 1.0))
    assert sweep(tmp_path) == 0
    assert not path.exists()
    assert killed == []


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
