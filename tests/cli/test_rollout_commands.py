"""`evergreen rollout`, as a user types it."""

import json

import pytest
from exposed import Town, alone, another
from typer.testing import CliRunner

from cli.rollout_commands import app
from evergreen.base.errors import ConfigError, GateRefused, LostRace

pytestmark = pytest.mark.usefixtures("own_environment")

ADA = ("--by", "Ada", "--reason", "more routes")


@pytest.fixture
def run(visited, monkeypatch):
    another(visited)
    alone(monkeypatch)
    return lambda *arguments: CliRunner().invoke(app, [*arguments])


def found(run, *arguments):
    done = run(*arguments, "--json")
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


def refused(run, *arguments):
    done = run(*arguments)
    assert done.exit_code == 1, done.output
    return done.exception


def test_rollout_is_started_told_and_aborted(run) -> None:
    assert "ever rolled out" in run("status").stdout
    began = found(run, "start", "2", "--plan", "shadow,10,100", *ADA)
    assert (began["rollout"], began["version"], began["champion"], began["step"]) == ("rollout-1", 2, 1, "shadow")
    now = found(run, "status")
    assert (now["next"], now["ended"]) == ("hold", None)
    assert {check["name"] for check in now["checks"]} >= {"losses", "failures", "latency", "rows", "time"}
    shown = run("status").stdout
    assert "at shadow of shadow,10,100, Ada: more routes" in shown
    assert "it was asked about 0 rows, 500 are needed" in shown
    assert found(run, "advance", *ADA)["step"] == "10 %"
    assert found(run, "hold", *ADA)["did"] == "held"
    assert found(run, "abort", "--by", "Eve", "--reason", "a doubt")["did"] == "aborted"
    assert "aborted" in run("status").stdout


def test_version_that_was_returned_is_told_with_the_check_and_the_rows_it_answered(run, visited) -> None:
    from flows import rollout

    found(run, "start", "2", "--plan", "50,100", *ADA)
    town = Town(visited, rows=300, broken=0.3)
    town.day()
    town.close()
    rollout.look(visited, now=town.now)
    ended = found(run, "status")
    (failures,) = [check for check in ended["checks"] if check["name"] == "failures"]
    assert (ended["did"], failures["outcome"]) == ("returned", "harm")
    assert ended["answered"] == pytest.approx(150, abs=40)
    assert "✗ failures" in run("status").stdout


@pytest.mark.parametrize(
    ("arguments", "kind", "code"),
    [
        (("start", "2"), ConfigError, "CFG070"),
        (("start", "2", "--plan", "50,5,100", *ADA), ConfigError, "CFG110"),
        (("start", "2", "--plan", "100", *ADA), GateRefused, "GATE008"),
        (("abort", *ADA), ConfigError, "STA020"),
    ],
)
def test_what_cannot_be_done_says_why(run, arguments, kind, code) -> None:
    error = refused(run, *arguments)
    assert isinstance(error, kind)
    assert error.code == code


def test_two_at_once_end_with_6_and_the_name_of_the_first(run) -> None:
    found(run, "start", "2", *ADA)
    error = refused(run, "start", "2", *ADA)
    assert isinstance(error, LostRace)
    assert (error.exit_code, "rollout-1" in error.what) == (6, True)


def test_all_at_once_is_kept_as_asked_for(run, visited) -> None:
    done = found(run, "start", "2", "--plan", "100", "--direct", *ADA)
    assert done["did"] == "finished"
    assert visited.ledger().changes("visits")[-1].payload["direct"] is True
