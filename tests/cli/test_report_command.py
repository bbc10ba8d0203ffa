"""`evergreen report`: the page in a file, and the same for a program; `status` begins with what it says."""

import json

import pytest
from typer.testing import CliRunner

from cli.main import app
from evergreen.base.errors import ConfigError
from evergreen.record.standing.values import Standing


@pytest.fixture
def run(visited):
    return lambda *arguments: CliRunner().invoke(app, [*map(str, arguments)], catch_exceptions=False)


def test_page_is_written_into_the_home_and_its_sentence_is_said(run, visited):
    done = run("report")
    assert done.exit_code == 0
    page = (visited.settings.home / "status.html").read_text()
    assert page.startswith("<!DOCTYPE html>")
    assert "Version 1 answers since" in page
    assert "Version 1 answers since" in done.stdout
    assert "status.html" in done.stdout
    for name in ("Serving", "Data", "Harm", "Freshness", "Decisions"):
        assert name in done.stdout


def test_page_is_written_where_somebody_wants_it(run, tmp_path, visited):
    assert run("report", "--out", tmp_path / "then.html").exit_code == 0
    assert "<h1>Version 1" in (tmp_path / "then.html").read_text()
    assert not (visited.settings.home / "status.html").exists()


def test_json_holds_what_the_page_says_and_writes_none(run, visited):
    told = json.loads(run("report", "--json").stdout)
    found = Standing.model_validate(told)
    assert found.champion.version == 1
    assert [tile["name"] for tile in told["tiles"]] == ["Serving", "Data", "Harm", "Freshness", "Decisions"]
    assert not (visited.settings.home / "status.html").exists()


def test_past_is_asked_for_as_status_asks_for_it(run, visited):
    (first,) = visited.ledger().changes(visited.name)
    told = json.loads(run("report", "--json", "--at", first.at.isoformat()).stdout)
    assert (told["past"], told["champion"]["version"]) == (True, 1)
    before = json.loads(run("report", "--json", "--at", "2001-01-01").stdout)
    assert (before["champion"], before["sentence"]) == (None, "Nobody answered yet: no version was promoted.")
    with pytest.raises(ConfigError, match="in the future"):
        run("report", "--at", "2999-01-01")


def test_project_without_a_champion_gets_a_useful_page(fresh):
    done = CliRunner().invoke(app, ["report"], catch_exceptions=False)
    assert done.exit_code == 0
    assert "Nobody answers yet" in done.stdout
    assert "evergreen run" in done.stdout
    assert "evergreen run" in (fresh.settings.home / "status.html").read_text()


def test_status_begins_with_the_sentence_and_keeps_its_keys(run, visited):
    assert run("status").stdout.startswith("Version 1 answers since")
    told = json.loads(run("status", "--json").stdout)
    assert told["sentence"].startswith("Version 1 answers since")
    assert [tile["name"] for tile in told["tiles"]] == ["Serving", "Data", "Harm", "Freshness", "Decisions"]
    assert {"model", "version", "campaign", "by", "decided", "registry"} <= told.keys()
