"""The deployments: what the clock starts, what an event starts, and what becomes of ticks that were missed."""

import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import psutil
import pytest
from prefect import flow
from projects import wait_for

from evergreen.base.errors import ConfigError
from evergreen.base.processes import mark
from evergreen.config.settings import Settings
from flows import deployments
from flows.deployments import deployments as made
from flows.deployments import main, skip_missed


def test_each_flow_has_the_schedule_and_the_parameters_of_the_settings():
    settings = Settings(training_cron="1 2 * * *", retraining_cron="3 4 * * 5", timezone="Europe/Paris")
    found = {each.flow_name: each for each in made(settings, "staging")}
    assert {each.name for each in found.values()} == {"staging"}
    crons = {name: [(s.schedule.cron, s.schedule.timezone) for s in each.schedules] for name, each in found.items()}
    assert crons == {
        "labels": [("30 1 * * *", "Europe/Paris")],
        "monitoring": [("0 2 * * *", "Europe/Paris")],
        "retraining": [("3 4 * * 5", "Europe/Paris")],
        "training": [("1 2 * * *", "Europe/Paris")],
        "housekeeping": [("0 3 * * 0", "Europe/Paris")],
        "heartbeat": [("0 * * * *", "Europe/Paris")],
        "experiment": [("7 * * * *", "Europe/Paris")],
        "rollout": [("*/10 * * * *", "Europe/Paris")],
        "bandit": [("*/10 * * * *", "Europe/Paris")],
        "review": [],
        "scoring": [],
    }
    assert found["training"].parameters == {"env": "staging", "reason": "scheduled", "newest": True}
    assert all(each.parameters == {"env": "staging"} for name, each in found.items() if name != "training")


@pytest.mark.parametrize("cron", ["0 5 * *", "61 * * * *", "every day", "0 0 * * mon-"])
def test_schedule_that_cannot_be_read_is_refused_with_its_setting(cron):
    with pytest.raises(ConfigError, match="is not a schedule") as caught:
        made(Settings(housekeeping_cron=cron), "local")
    assert (caught.value.code, caught.value.where) == ("CFG005", "setting housekeeping_cron")


def test_retraining_alone_is_started_by_an_event_and_runs_are_found_by_their_module():
    for each in made(Settings(), "local"):
        assert [one.name for one in each.triggers] == ["retraining-due/local"] * (each.flow_name == "retraining")
        elsewhere = {
            "monitoring": "due",
            "labels": "housekeeping",
            "heartbeat": "alerting",
            "rollout": "exposing",
            "experiment": "experimenting",
        }
        module = elsewhere.get(each.flow_name, each.flow_name)
        assert each.entrypoint == f"flows.{module}.{each.flow_name}"


@pytest.fixture
def served(prefect_api_url):
    from prefect.client.orchestration import get_client
    from prefect.settings import PREFECT_API_URL, temporary_settings

    with temporary_settings({PREFECT_API_URL: prefect_api_url}), get_client(sync_client=True) as client:
        yield client


def test_missed_ticks_are_skipped_and_what_an_event_started_is_not(served):
    @flow(name="waits")
    def waits() -> None:
        """Do nothing."""

    now = datetime.now(UTC)
    deployment = served.create_deployment(served.create_flow(waits), name="nightly", entrypoint="none.waits")
    runs = {
        (is_by_clock, hours): served._client.post(
            f"/deployments/{deployment}/create_flow_run",
            json={"state": {"type": "SCHEDULED", "state_details": {
                "scheduled_time": (now + timedelta(hours=hours)).isoformat()}}},
        ).json()["id"]
        for is_by_clock in (True, False)
        for hours in (-3, -2, 1)
    }  # fmt: skip
    found = {str(run.id): run for run in served.read_flow_runs()}

    class Client:
        """The server's answers, as if some of the runs were made by its scheduler."""

        set_flow_run_state = served.set_flow_run_state

        def read_flow_runs(self, **asked):
            listed = served.read_flow_runs(**asked)
            by_clock = {run_id for (is_by_clock, _), run_id in runs.items() if is_by_clock}
            return [run.model_copy(update={"auto_scheduled": str(run.id) in by_clock}) for run in listed]

    assert {found[run_id].state_type.value for run_id in runs.values()} == {"SCHEDULED"}
    assert skip_missed(Client(), "nightly", now=now) == 2
    assert skip_missed(Client(), "nightly", now=now) == 0
    states = {asked: served.read_flow_run(run_id).state_type.value for asked, run_id in runs.items()}
    assert {asked for asked, state in states.items() if state == "CANCELLED"} == {(True, -3), (True, -2)}


WAITING = """
import os, time
from pathlib import Path
from prefect import flow

@flow(name="monitoring")
def waiting():
    Path(os.environ["TOLD"]).write_text(str(os.getpid()))
    time.sleep(3600)
"""
RUNNER = """
from prefect.types.entrypoint import EntrypointType
from flows import deployments
import waiting

made = waiting.waiting.to_deployment(name="bound", entrypoint_type=EntrypointType.MODULE_PATH)
deployments.deployments = lambda settings, env: (made,)
deployments.main()
"""


def test_run_ends_with_the_process_that_started_it_also_where_that_was_killed(
    fresh, prefect_api_url, project, tmp_path
):
    root, told = fresh.settings.project, tmp_path / "told"
    (tmp_path / "waiting.py").write_text(WAITING)
    (root / "configs" / "env" / "bound.yaml").write_text("allow_dirty: true\n")
    env = {
        **os.environ, "PREFECT_API_URL": prefect_api_url, "TOLD": str(told),
        "PYTHONPATH": os.pathsep.join([str(tmp_path), str(project)]),
    }  # fmt: skip
    with (tmp_path / "log").open("wb") as log:
        runner = subprocess.Popen([sys.executable, "-c", RUNNER, "bound"], cwd=root, env=env, stdout=log, stderr=log)
    try:
        wait_for(lambda: runner.poll() is not None or (told.exists() and told.read_text() != ""), "the run has begun")
        assert runner.poll() is None, (tmp_path / "log").read_text()
        run = mark(int(told.read_text()))
        assert psutil.Process(run.pid).ppid() == runner.pid
        assert run.is_running
    finally:
        runner.kill()
        runner.wait()
    wait_for(lambda: not run.is_running, "the run has ended")


def test_command_registers_all_skips_what_was_missed_and_catches_up_once(monkeypatch):
    done = []

    class Runner:
        def __init__(self, **given):
            assert given == {"query_seconds": 3.0, "limit": None, "pause_on_shutdown": False}

        def add_deployment(self, deployment):
            done.append(f"add {deployment.flow_name}/{deployment.name}")

        async def start(self):
            done.append("start")

    class Client:
        def __enter__(self):
            return self

        def __exit__(self, *_):
            return None

        def read_flow_runs(self, **_):
            return [SimpleNamespace(id=len(done), auto_scheduled=True)] if "skip" not in done else []

        def set_flow_run_state(self, run_id, state, *, force):
            assert force
            done.append("skip")

    monkeypatch.setattr(deployments, "bind_runs", lambda: done.append("bind"))
    monkeypatch.setattr(deployments, "Runner", Runner)
    monkeypatch.setattr(deployments, "get_client", lambda *, sync_client: Client())
    monkeypatch.setattr(deployments, "run_deployment", lambda name, **asked: done.append(f"run {name}"))
    monkeypatch.setattr(deployments.Settings, "load", lambda env: Settings())
    for argv, env in ((["x"], "local"), (["x", "staging"], "staging")):
        done.clear()
        monkeypatch.setattr("sys.argv", argv)
        main()
        assert done == [
            "bind",
            *(f"add {each.flow_name}/{env}" for each in made(Settings(), env)),
            *("skip", f"run monitoring/{env}", "start"),
        ]
