"""`evergreen alerts`, as a user types it."""

import json

import happened
import pytest
import sinks
import typer
from typer.testing import CliRunner

from cli.alerts_command import alerts
from evergreen.base.errors import ConfigError, Unavailable
from evergreen.project import Project
from evergreen.record.alerts import telling
from tasks.notify import notify

SECRET = "s3cr3tpassw0rd"


@pytest.fixture
def run(visited):
    app = typer.Typer()
    app.command()(alerts)
    return lambda *arguments: CliRunner().invoke(app, [*arguments])


def listed(run):
    done = run("--json")
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


def test_what_lasts_is_listed_with_evidence_runbook_and_who_was_told(run, visited):
    proposal = {
        "version": 2, "epoch": 1, "champion": 1, "data_digest": "d", "model_digest": "m",
        "period": {"start": None, "end": None}, "expires": None, "by": [], "not_author": False,
    }  # fmt: skip
    visited.ledger().record("visits", "proposal", "2", proposal)
    found = listed(run)
    (one,) = found["open"]
    assert (found["model"], found["routes"], found["over"]) == ("visits", ["log"], [])
    assert (one["kind"], one["severity"], one["subject"], one["until"]) == ("approval-waiting", "note", "v2", None)
    assert (one["runbook"], one["told"]) == ("docs/runbooks/approval-waiting.md", {"log": None})
    assert "not told yet: log" in run().stdout

    incident = happened.incident("approval-waiting", "v2", since=one["since"])
    notify.fn("visits", [incident], settings=visited.settings)
    assert listed(run)["open"][0]["told"]["log"]
    assert "not told yet" not in run().stdout

    visited.ledger().record("visits", "rejection", "2", {"version": 2, "by": "ada", "reason": "[red]too slow[/red]"})
    found = listed(run)
    assert (found["open"], found["over"][0]["ended"]) == ([], "rejection by ada: [red]too slow[/red]")
    shown = run().stdout
    assert "Nothing is wrong" in shown
    assert "[red]too slow" in shown


def test_nothing_wrong_is_said_so(run):
    assert listed(run)["open"] == []
    assert "Nothing is wrong that anybody is told of." in run().stdout


def test_route_that_works_is_tried_and_nothing_is_recorded(run, visited, monkeypatch):
    with sinks.http() as sink:
        monkeypatch.setenv("EVERGREEN_ALERT_ROUTES", json.dumps({"ops": f"json://ops:{SECRET}@127.0.0.1:{sink.port}"}))
        done = run("--test", "ops", "--json")
    assert json.loads(done.stdout) == {"route": "ops", "reached": True, "why": "sent"}
    assert [came["title"] for came in sink.came] == ["[visits] test"]
    assert visited.ledger().entries("visits", telling.TELLING, telling.TOLD) == []


@pytest.mark.parametrize(
    ("value", "route", "error", "said"),
    [
        ({"ops": f"json://{SECRET}@127.0.0.1:{{port}}/{SECRET}"}, "ops", Unavailable, "nobody could be connected to"),
        ({"ops": f"nonsense://{SECRET}"}, "ops", Unavailable, "none that Apprise knows"),
        ({"ops": f"json://{SECRET}"}, "chat", ConfigError, "no route 'chat'"),
        ({"No Name": f"json://{SECRET}"}, "ops", ConfigError, "EVERGREEN_ALERT_ROUTES"),
        ({"ops": {"url": SECRET}}, "ops", ConfigError, "EVERGREEN_ALERT_ROUTES"),
        ([SECRET], "ops", ConfigError, "EVERGREEN_ALERT_ROUTES"),
        (SECRET, "ops", ConfigError, "EVERGREEN_ALERT_ROUTES"),
    ],
)
def test_route_that_does_not_work_is_an_error_without_its_address(
    run, value, route, error, said, closed_port, monkeypatch
):
    monkeypatch.setenv("EVERGREEN_ALERT_ROUTES", json.dumps(value).replace("{port}", str(closed_port)))
    done = run("--test", route)
    assert isinstance(done.exception, error), done.exception
    assert said in done.exception.block()
    assert SECRET not in done.exception.block() + str(done.exception.__cause__ or "") + done.output


def test_what_is_no_json_is_an_error_without_its_value(run, monkeypatch):
    monkeypatch.setenv("EVERGREEN_ALERT_ROUTES", f"json://{SECRET}")
    done = run("--test", "ops")
    assert "EVERGREEN_ALERT_ROUTES" in done.exception.block()
    assert SECRET not in done.exception.block() + str(done.exception.__cause__)


def test_routes_in_a_file_are_refused_without_their_addresses(visited):
    path = visited.settings.project / "configs" / "env" / "local.yaml"
    for value in (f"{{ops: 'json://{SECRET}'}}", f"'json://{SECRET}'"):
        before = path.read_text()
        path.write_text(f"{before}\nalert_routes: {value}\n")
        with pytest.raises(ConfigError, match="alert_routes is a credential") as raised:
            Project.open()
        assert SECRET not in raised.value.block()
        path.write_text(before)
