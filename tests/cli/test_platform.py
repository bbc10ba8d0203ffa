"""The platform: each part after the one that it needs, all of them ended when one ends."""

import sys
from contextlib import contextmanager
from types import SimpleNamespace

import pytest

from cli import platform
from evergreen.base.errors import Unavailable
from evergreen.config.settings import Settings


def test_parts_start_in_order_are_announced_and_end_together(tmp_path, monkeypatch):
    events, environments = [], {}

    @contextmanager
    def child(name, argv, *, run, environment):
        events.append(f"start {name}")
        environments[name] = environment
        if name in ("deployments", "reconciler"):
            module = {"deployments": "flows.deployments", "reconciler": "cli.reconciler"}[name]
            assert argv == [sys.executable, "-m", module, "staging"]
        try:
            yield SimpleNamespace(poll=lambda: 1 if name == "mlflow-server" else None)
        finally:
            events.append(f"stop {name}")

    monkeypatch.setattr(platform, "prepare", lambda settings: events.append("prepare"))
    monkeypatch.setattr(platform.children, "child", child)
    monkeypatch.setattr(platform.children, "wait_until_ready", lambda process, url, **_: events.append(url))
    fake = SimpleNamespace(environ={}, getpid=lambda: 1, wait=lambda: events.append("wait"))
    monkeypatch.setattr(platform, "os", fake)
    with pytest.raises(Unavailable, match="mlflow-server ended by itself") as caught:
        platform.up(Settings(home=tmp_path), "staging", events.append, prefect_port=1, mlflow_port=2)

    assert caught.value.code == "DEP005"
    assert events == [
        "prepare",
        "start prefect-server", "http://127.0.0.1:1/api/health",
        "start mlflow-server", "http://127.0.0.1:2/health",
        "start deployments", "start reconciler",
        {"prefect": "http://127.0.0.1:1", "mlflow": "http://127.0.0.1:2"},
        "wait",
        "stop reconciler", "stop deployments", "stop mlflow-server", "stop prefect-server",
    ]  # fmt: skip
    assert environments["deployments"]["PREFECT_API_URL"] == "http://127.0.0.1:1/api"
    assert fake.environ["EVERGREEN_HOME"] == str(tmp_path)
