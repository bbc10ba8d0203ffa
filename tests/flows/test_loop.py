"""The loop by itself, against real servers: `evergreen up`, and no hand on it until the service answers anew."""

import os
import signal
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import changing
import httpx
import psutil
import pytest
from projects import SECONDS, Small, wait_for
from servers import free_port

from evergreen.project import Project
from evergreen.record.ledger.ledger import Ledger
from flows.automations import DUE
from flows.monitoring import deciding_looks

pytestmark = pytest.mark.filterwarnings("ignore:.*Any type hint is inferred:UserWarning")
STRANGE = 'v0:2001-01-01:2001-02-01 {{ event.id }} "quoted" <b> ü'


@pytest.fixture
def ports() -> dict[str, int]:
    return {name: free_port() for name in ("prefect", "mlflow", "service")}


@pytest.fixture
def changed(project: Path, prepared_state: Path, tmp_path: Path, ports: dict[str, int]) -> Small:
    return changing.changed_world(tmp_path / "visits", project, prepared_state, serve_port=ports["service"])


@pytest.fixture
def ledger(changed: Small, monkeypatch: pytest.MonkeyPatch) -> Ledger:
    monkeypatch.chdir(changed.root)
    return Project.open().ledger()


@pytest.fixture
def up(changed: Small, ports: dict[str, int]) -> Iterator[httpx.Client]:
    """The whole platform; a client of its Prefect server, whose path is that of the API."""
    listening = ("--prefect-port", str(ports["prefect"]), "--mlflow-port", str(ports["mlflow"]))
    process = changed.start("up", *listening, "--json")
    said = changed.root / "started.log"
    wait_for(lambda: '"prefect"' in said.read_text() or process.poll() is not None, "the platform is up")
    assert process.poll() is None, said.read_text()
    with httpx.Client(base_url=f"http://127.0.0.1:{ports['prefect']}/api", timeout=SECONDS) as client:
        yield client
    process.send_signal(signal.SIGINT)
    assert process.wait(SECONDS) == 130
    wait_for(lambda: not changed.processes(), "no part of the platform is left")


def runs_of(prefect: httpx.Client, flow: str, *, by_schedule: bool = False) -> list[dict[str, Any]]:
    """Return the runs of a deployment that its schedule has planned, or those it has not, the first one first."""
    asked = {"flows": {"name": {"any_": [flow]}}, "deployments": {"name": {"any_": ["local"]}}}
    found: list[dict[str, Any]] = prefect.post("/flow_runs/filter", json=asked).json()
    return sorted((run for run in found if run["auto_scheduled"] == by_schedule), key=lambda run: str(run["created"]))


def pid_of(changed: Small, argument: str) -> int:
    """Return the process of the platform that was started with an argument."""
    (pid,) = [pid for pid in changed.processes() if argument in psutil.Process(pid).cmdline()]
    return pid


def is_up(prefect: httpx.Client) -> bool:
    try:
        return prefect.get("/health").status_code == 200
    except httpx.TransportError:
        return False


def answering(port: int) -> str | None:
    """Return the version whose document a service shows; None as long as it does not answer."""
    try:
        answer = httpx.get(f"http://127.0.0.1:{port}/openapi.json", timeout=SECONDS)
    except httpx.TransportError:
        return None
    return str(answer.json()["info"]["version"]) if answer.status_code == 200 else None


def status_page(port: int) -> str:
    """Return the page on which a service shows how things stand."""
    return httpx.get(f"http://127.0.0.1:{port}/status", timeout=SECONDS).text


def test_harm_that_the_clock_finds_after_its_server_died_is_trained_away_and_served_without_a_hand(
    changed: Small, ledger: Ledger, up: httpx.Client, ports: dict[str, int]
) -> None:
    wait_for(lambda: answering(ports["service"]) == "1", "the first version answers")
    wait_for(lambda: deciding_looks(ledger, "visits") != [], "what was due at the start is looked at")
    assert {look.rows for look in deciding_looks(ledger, "visits")} == {0}
    (at_start,) = runs_of(up, "monitoring")
    assert at_start["parameters"] == {"env": "local"}

    server, scheduler = pid_of(changed, str(ports["prefect"])), pid_of(changed, "flows.deployments")
    os.kill(server, signal.SIGKILL)
    changing.days_since_come(changed.root)
    wait_for(lambda: is_up(up) and pid_of(changed, str(ports["prefect"])) != server, "Prefect's server is back")

    wait_for(lambda: ledger.entries("visits", "retraining") != [], "a retraining is recorded")
    (retrained,) = ledger.entries("visits", "retraining")
    look = next(look for look in deciding_looks(ledger, "visits") if look.key == retrained.payload["look"])
    assert look.harm.verdict == "broken"
    assert retrained.payload["outcome"]["verdict"] == "promoted", retrained.payload["outcome"]["reason"]

    (started,) = runs_of(up, "retraining")
    assert started["created_by"]["type"] == "AUTOMATION"
    assert started["parameters"] == {
        "incident": look.incident, "env": "local", "params_file": "params.yaml", "overrides": [],
    }  # fmt: skip

    wait_for(lambda: answering(ports["service"]) == "2", "the service answers with what was trained")
    assert changed.json("status")["version"] == 2
    wait_for(lambda: "version 2 answers" in status_page(ports["service"]).lower(), "the status page shows it")
    caught_up = pid_of(changed, "flows.deployments") != scheduler  # it may end with its server, and looks at its start
    assert len(runs_of(up, "monitoring")) == 1 + caught_up
    assert caught_up or "COMPLETED" in {run["state_type"] for run in runs_of(up, "monitoring", by_schedule=True)}

    told = {"incident": STRANGE, "env": "local", "params_file": "params.yaml", "overrides": ["seed=8", "x=[1]"]}
    event = {
        "id": str(uuid4()),
        "event": DUE,
        "resource": {"prefect.resource.id": "evergreen.model.visits", "evergreen.env": "local"},
        "payload": told,
        "occurred": datetime.now(UTC).isoformat(),
    }
    assert up.post("/events", json=[event]).status_code == 204
    wait_for(lambda: len(runs_of(up, "retraining")) == 2, "the automation starts a run for the second event")
    assert runs_of(up, "retraining")[1]["parameters"] == told
