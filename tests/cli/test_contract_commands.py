"""The commands of `evergreen contract`: one JSON object, or lines for a person."""

import json

import pytest
from typer.testing import CliRunner

from cli.contract_commands import app


@pytest.fixture
def run(fresh):
    return lambda *arguments: CliRunner().invoke(app, [str(each) for each in arguments], catch_exceptions=False)


def test_check_says_what_the_contract_declares(run):
    found = json.loads(run("check", "--json").stdout)
    assert (found["name"], found["task"], found["target"], found["time"]) == ("visits", "binary", "returned", "at")
    assert (found["columns"], found["features"], found["key"]) == (5, 2, ["visit"])


def test_propose_shows_the_contract_and_writes_it_only_when_asked(run, fresh):
    written = fresh.settings.project / "configs" / "visits" / "contract.proposed.yaml"
    found = json.loads(run("propose", "--json").stdout)
    assert (found["rows"], found["proposed"]) == (1_815, None)
    assert not written.exists()
    assert json.loads(run("propose", "--write", "--json").stdout)["proposed"].endswith(written.name)
    assert written.read_text() == found["text"]


def test_diff_names_what_the_second_says_differently(run, fresh):
    old = fresh.settings.project / "configs" / "visits" / "contract.yaml"
    new = old.with_name("new.yaml")
    new.write_text(old.read_text().replace("name: pages, type: number", "name: sites, type: number"))
    found = json.loads(run("diff", old, new, "--json").stdout)
    assert (found["added"], found["dropped"], found["changed"]) == (["sites"], ["pages"], {})
    assert json.loads(run("diff", old, old, "--json").stdout)["added"] == []
