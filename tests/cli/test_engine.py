"""The engine behind a command: state that is prepared once, and nothing started where a server is configured."""

import os
import shutil
import subprocess
import sys
from types import SimpleNamespace

import psutil
import pytest
from projects import wait_for

from cli import engine as module
from cli.engine import MIN_FREE_BYTES, engine, on_loopback, prepare
from evergreen.base.errors import ResourceError, Unavailable
from evergreen.config.settings import Settings


@pytest.fixture
def started(monkeypatch):
    """The commands that were started, each of which ends with the next of `codes`."""
    found = SimpleNamespace(argvs=[], codes=[0, 0])

    def start(argv, settings):
        found.argvs.append(argv)
        (settings.home / argv[0] / f"{argv[0]}.db").touch()
        return SimpleNamespace(communicate=lambda: (b"what it said", None), returncode=found.codes.pop(0))

    monkeypatch.setattr(module, "_start", start)
    return found


def test_state_is_prepared_once(tmp_path, started):
    settings = Settings(home=tmp_path / "home")
    prepare(settings)
    assert [argv[0] for argv in started.argvs] == ["prefect", "mlflow"]
    assert {path.name for path in settings.home.iterdir()} == {"tmp", "run", "workspace", "mlflow", "prefect"}
    prepare(settings)
    assert len(started.argvs) == 2


def test_database_that_somebody_deleted_is_prepared_again(tmp_path, started):
    settings = Settings(home=tmp_path / "home")
    started.codes = [0, 0, 0]
    prepare(settings)
    (settings.home / "mlflow" / "mlflow.db").unlink()
    prepare(settings)
    assert [argv[0] for argv in started.argvs] == ["prefect", "mlflow", "mlflow"]


def test_databases_of_configured_servers_are_theirs(tmp_path, started):
    prepare(Settings(home=tmp_path, prefect_api_url="http://p/api", mlflow_tracking_uri="http://m"))
    assert started.argvs == []


def test_migration_that_fails_is_said_and_tried_again(tmp_path, started):
    settings = Settings(home=tmp_path)
    started.codes = [1, 0, 0, 0]
    with pytest.raises(Unavailable, match="could not prepare the database: what it said") as caught:
        prepare(settings)
    assert (caught.value.code, caught.value.where) == ("DEP004", str(tmp_path / "prefect" / "prefect.db"))
    before = len(started.argvs)
    prepare(settings)
    assert started.argvs[before][0] == "prefect"


def test_disk_without_room_is_said_before_anything_is_started(tmp_path, started, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=MIN_FREE_BYTES - 1))
    with pytest.raises(ResourceError) as caught:
        prepare(Settings(home=tmp_path))
    assert caught.value.code == "RES001"
    assert started.argvs == []


def test_application_runs_in_this_python_on_loopback():
    assert on_loopback(7, "a:b", "--factory") == [sys.executable, "-m", "cli.loopback", "7", "a:b", "--factory"]


def test_configured_server_is_asked_and_none_is_started(tmp_path, monkeypatch, started, closed_port):
    monkeypatch.setattr(module, "os", SimpleNamespace(environ={}, access=lambda *_: True, W_OK=2))
    monkeypatch.setattr(module.children, "child", None)
    settings = Settings(home=tmp_path, prefect_api_url=f"http://127.0.0.1:{closed_port}/api", mlflow_tracking_uri="m")
    with pytest.raises(Unavailable) as caught, engine(settings):
        raise AssertionError("it must not begin")
    assert (caught.value.code, caught.value.where) == ("DEP006", settings.prefect_api_url)


MIGRATES = """
import sys, time
from pathlib import Path
from cli import engine
from evergreen.config.settings import Settings
home = Path(sys.argv[1])
argv = ["python", "-c", "import time; time.sleep(600)"]
process = engine._start(argv, Settings(home=home))
print(process.pid, flush=True)
time.sleep(600)
"""


def test_migration_ends_with_the_command_that_started_it(tmp_path, project):
    command = subprocess.Popen([sys.executable, "-c", MIGRATES, str(tmp_path)], cwd=project, stdout=subprocess.PIPE)
    migration = psutil.Process(int(command.stdout.readline()))
    wait_for(lambda: migration.cmdline()[-1:] == ["import time; time.sleep(600)"], "the migration runs")
    command.kill()
    command.communicate()
    wait_for(lambda: not migration.is_running() or migration.status() == psutil.STATUS_ZOMBIE, "the migration is gone")


def test_next_command_sweeps_what_a_kill_left(tmp_path, started):
    settings = Settings(home=tmp_path / "home")
    left = settings.home / "workspace" / ".train.0a1b2c3d"
    left.parent.mkdir(parents=True)
    left.touch()
    os.utime(left, (1.0, 1.0))
    prepare(settings)
    assert not left.exists()
