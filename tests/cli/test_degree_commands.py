"""`evergreen degree`: who decides, as a person and a program read it, and a refusal that says what is missed."""

import json

import pytest
from typer.testing import CliRunner

from cli.main import app
from evergreen.base.errors import ConfigError, GateRefused

pytestmark = pytest.mark.usefixtures("own_environment")

RUNNER = CliRunner()


@pytest.fixture
def policed(visited):
    """The small champion, whose contract now says how far automation may go."""
    path = visited.settings.project / "configs" / "visits" / "contract.yaml"
    path.write_text(path.read_text() + "decision: {degree: partial, error: 0.2}\n")
    return visited


def run(*arguments):
    return RUNNER.invoke(app, ["degree", *arguments])


SAYING = ("--by", "ada", "--reason", "a new tariff")


def test_degree_is_begun_shown_renewed_and_its_bar_asked_for(policed):
    shown = run("show")
    assert "no degree of automation holds" in shown.stdout, shown.exception

    begun = run("lower", "assist", *SAYING, "--json")
    told = json.loads(begun.stdout)
    assert (told["degree"], told["by"], told["reason"], told["highest"]) == ("assist", "ada", "a new tariff", "partial")
    assert told["threshold"] is not None

    missed = run("raise", *SAYING)
    assert isinstance(missed.exception, GateRefused)
    assert "0 of 0 labels of the answers that would be automatic are known" in missed.exception.what

    assert json.loads(run("renew", *SAYING, "--json").stdout)["degree"] == "assist"
    assert "assist: a person decides every row and is shown what the model says" in run("show").stdout


@pytest.mark.parametrize("command", [("raise",), ("lower", "human"), ("renew",)])
def test_nobody_changes_who_decides_without_a_name_and_a_reason(policed, command):
    refused = run(*command)
    assert isinstance(refused.exception, ConfigError)
    assert refused.exception.code == "CFG070"


def test_unknown_degree_is_a_fault_of_the_command(policed):
    assert run("lower", "full", *SAYING).exit_code == 2
