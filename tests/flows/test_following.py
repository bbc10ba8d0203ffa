"""MLflow follows the ledger: at once, or beside a command that does not wait for it."""

import socket
import subprocess
import sys

import pytest

from evergreen.base.errors import Unavailable
from flows import following
from flows.following import follow, follow_beside, follow_or_say
from tasks import mirror


@pytest.fixture
def told(monkeypatch) -> list[tuple[str, int]]:
    """What MLflow was told: the name and the champion of a model."""
    seen: list[tuple[str, int]] = []
    monkeypatch.setattr(mirror, "follow", lambda ledger, name, **_: seen.append((name, ledger.champion(name).version)))
    return seen


def test_champion_of_the_ledger_is_what_mlflow_is_told(visited, told):
    follow(visited)
    assert told == [("visits", 1)]


def test_mlflow_that_does_not_work_is_said_and_is_no_fault(visited, monkeypatch, caplog):
    def down(*_, **__):
        raise Unavailable("DEP002", "MLflow does not work: closed")

    monkeypatch.setattr(mirror, "follow", down)
    with pytest.raises(Unavailable):
        follow(visited)
    follow_or_say(visited)
    assert "MLflow does not work: closed" in caplog.text
    assert "evergreen doctor" in caplog.text


def test_process_beside_says_why_it_could_not(visited, monkeypatch, caplog):
    monkeypatch.setenv("EVERGREEN_MLFLOW_TRACKING_URI", f"sqlite:///{visited.settings.home}")  # a folder
    follow_beside(visited, seconds=180)
    assert "MLflow does not show it yet" in caplog.text


def test_nobody_waits_for_a_server_that_does_not_answer(visited, monkeypatch, caplog):
    children = []
    popen = subprocess.Popen

    def start(*given, **named):
        children.append(popen(*given, **named))
        return children[-1]

    monkeypatch.setattr(following.subprocess, "Popen", start)
    with socket.create_server(("127.0.0.1", 0)) as silent:  # which takes the connection and says nothing
        monkeypatch.setenv("EVERGREEN_MLFLOW_TRACKING_URI", f"http://127.0.0.1:{silent.getsockname()[1]}")
        follow_beside(visited, seconds=0.05)
    (child,) = children
    assert str(child.pid) in caplog.text
    assert child.args[0] == sys.executable
    child.kill()
    child.wait()


def test_process_beside_does_not_outlive_a_minute(visited):
    script = "import runpy, signal, sys; signal.alarm = lambda seconds: print(seconds, flush=True); "
    script += "sys.argv[1:] = ['local', 'none.yaml']; runpy.run_module('flows.following', run_name='__main__')"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 2, done.stderr
    assert 0 < int(done.stdout) < 60


def test_command_follows_the_environment_that_is_named_and_ends_with_the_code_of_its_fault(
    visited, told, monkeypatch, capsys
):
    monkeypatch.setattr("sys.argv", ["x", "local", "params.yaml"])
    assert following.main() == 0
    assert told == [("visits", 1)]
    monkeypatch.setattr("sys.argv", ["x", "local", "none.yaml"])
    assert following.main() == 2
    assert capsys.readouterr().err.startswith("CFG001")
