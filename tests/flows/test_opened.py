"""Flow runs: named for what they are, under their flow's name, with what was asked for shown."""

import os
from datetime import date
from types import SimpleNamespace

import pytest

from evergreen.project import Asked
from flows import due, monitoring, opened, retraining
from flows.opened import MOST, named_by, run_name, run_opened

MARCH, APRIL = date(2024, 3, 1), date(2024, 4, 1)


def test_body_runs_as_the_named_flow_and_what_was_asked_is_shown(monkeypatch):
    shown = {}

    def flow(*, name, flow_run_name):
        def decorated(body):
            def called(*args):
                shown[name] = (flow_run_name(), *args)
                return body(*args)

            return called

        return decorated

    monkeypatch.setattr(opened, "flow", flow)
    asked = Asked(env="staging", params_file="p.yaml", overrides=("seed=1",))
    project = SimpleNamespace(asked=asked, name="visits")
    assert run_opened("watching", project, lambda: 42, why="2024-03", start=7, reason=None) == 42
    assert shown == {
        "watching": ("watching visits: 2024-03", "staging", "p.yaml", ["seed=1"], {"start": "7", "reason": "None"})
    }


def test_name_of_a_run_is_one_line_of_bounded_length():
    project = SimpleNamespace(name="visits")
    assert run_name("training", project, "two\nlines, {braces} and %s") == "training visits: two lines, {braces} and %s"
    assert len(run_name("training", project, "x" * 1000)) == MOST


def test_run_whose_project_cannot_be_opened_has_the_name_of_its_flow(monkeypatch):
    given = {"env": "nowhere", "params_file": "params.yaml", "overrides": None}
    monkeypatch.setattr(opened, "runtime", SimpleNamespace(flow_run=SimpleNamespace(parameters=given)))
    assert named_by("training", lambda project, given: "never asked")() == "training"


@pytest.fixture
def served(prefect_api_url):
    """A client of a real Prefect server, which flows of this process run on."""
    from prefect.client.orchestration import get_client
    from prefect.settings import PREFECT_API_URL, PREFECT_FLOWS_HEARTBEAT_FREQUENCY, temporary_settings

    changed = temporary_settings({PREFECT_API_URL: prefect_api_url, PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None})
    with changed, get_client(sync_client=True) as client:
        yield client


def test_runs_are_named_in_prefect_whoever_opens_the_project(served, visited, monkeypatch):
    from flows import training

    monkeypatch.setattr(training, "train_and_judge", lambda *_, **__: None)
    monkeypatch.setattr(monitoring, "look_at", lambda *_, **__: None)
    monkeypatch.setattr(retraining, "act_on_window", lambda *_, **__: SimpleNamespace(training=None))
    monkeypatch.setattr(due, "catch_up", lambda *_, **__: None)
    monkeypatch.setattr(os, "environ", {**os.environ})

    training.run_training(visited, reason="requested")
    training.training(reason="scheduled")
    monitoring.run_monitoring(visited, MARCH, APRIL)
    due.monitoring()
    retraining.run_retraining(visited, reason="new {carrier}")
    retraining.retraining()

    names = {run.name for run in served.read_flow_runs()}
    assert names >= {
        "training visits: requested",
        "training visits: scheduled",
        "monitoring visits: 2024-03",
        "monitoring visits: what is due",
        "retraining visits: new {carrier}",
        "retraining visits: no window yet",
    }
