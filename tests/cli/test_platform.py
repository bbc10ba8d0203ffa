"""The platform: its parts in order, the service once there is a champion, and where it all is."""

import sys

import pytest

from cli import platform
from cli.platform import parts_of, service_command
from evergreen.base.errors import ConfigError, ResourceError, Unavailable
from evergreen.config.settings import Settings

pytestmark = pytest.mark.filterwarnings("ignore:.*Any type hint is inferred:UserWarning")


@pytest.fixture
def settings(tmp_path):
    return Settings(home=tmp_path, serve_port=3111)


def test_each_part_comes_after_those_that_it_needs_and_knows_where_they_are(settings):
    parts = parts_of(settings, "staging", prefect_url="http://127.0.0.1:1", mlflow_url="http://127.0.0.1:2")
    assert [(part.name, part.ready) for part in parts] == [
        ("prefect-server", "http://127.0.0.1:1/api/health"),
        ("mlflow-server", "http://127.0.0.1:2/health"),
        ("service", None),
        ("deployments", None),
        ("reconciler", None),
    ]
    commands = {part.name: part.command() for part in parts if part.name != "service"}
    for name, module in {"deployments": "flows.deployments", "reconciler": "cli.reconciler"}.items():
        assert list(commands[name][0]) == [sys.executable, "-m", module, "staging"]
    assert {variables["PREFECT_API_URL"] for _, variables in commands.values()} == {"http://127.0.0.1:1/api"}
    assert commands["prefect-server"][0][3] == "1"


def test_nothing_is_started_where_a_schedule_cannot_be_read(settings, monkeypatch):
    monkeypatch.setattr(platform, "prepare", lambda settings: pytest.fail("started"))
    monkeypatch.setattr(platform.os, "environ", {})
    wrong = settings.model_copy(update={"monitoring_cron": "at night"})
    with pytest.raises(ConfigError, match="'at night' is not a schedule"):
        platform.up(wrong, "staging", print, prefect_port=1, mlflow_port=2)


def test_addresses_are_announced_once_the_parts_are_up_and_its_end_is_an_error(settings, monkeypatch):
    events, environment = [], {}

    class Supervisor:
        def __init__(self, parts, *, run):
            assert run == settings.home / "run"
            assert environment["EVERGREEN_HOME"] == str(settings.home)

        def __enter__(self):
            events.append("up")
            return self

        def __exit__(self, *_):
            events.append("down")

        def keep(self):
            raise Unavailable("DEP005", "mlflow-server ended by itself")

    monkeypatch.setattr(platform, "prepare", lambda settings: events.append("prepare"))
    monkeypatch.setattr(platform, "Supervisor", Supervisor)
    monkeypatch.setattr(platform.os, "environ", environment)
    with pytest.raises(Unavailable, match="mlflow-server ended by itself"):
        platform.up(settings, "staging", events.append, prefect_port=1, mlflow_port=2)
    assert events == [
        "prepare",
        "up",
        {
            "prefect": "http://127.0.0.1:1", "mlflow": "http://127.0.0.1:2",
            "service": "http://127.0.0.1:3111", "status": "http://127.0.0.1:3111/status",
        },
        "down",
    ]  # fmt: skip


def test_prefects_server_deletes_its_own_old_runs(settings):
    assert settings.environment()["PREFECT_SERVER_SERVICES_DB_VACUUM_ENABLED"] == "events,flow_runs"


def test_there_is_no_service_without_a_champion(fresh):
    assert service_command("local") is None


def test_service_of_the_champion_follows_the_ledger_and_starts_where_nobody_listens(here, monkeypatch, closed_port):
    argv, environment = service_command("local")
    assert argv[1:4] == ["-P", "-m", "serving"]
    assert argv[-1] == "--source=ledger"
    assert environment["EVERGREEN_FOLLOW_CHAMPION"] == "true"
    monkeypatch.setenv("EVERGREEN_SERVE_PORT", str(closed_port))
    with pytest.raises(ResourceError, match="cannot listen"):
        service_command("local")
