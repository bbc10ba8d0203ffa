"""The commands of `evergreen experiment`, from a plan to a stop."""

import json
from pathlib import Path

import pytest
from exposed import another
from typer.testing import CliRunner

from cli.experiment_commands import app
from evergreen.adapters.packaging import building
from evergreen.base.errors import ConfigError, LostRace
from evergreen.record import traffic
from tasks import mirror

pytestmark = pytest.mark.usefixtures("own_environment")

WHO = ("--by", "Ada", "--reason", "newer")
START = ("--arm", "B=2", "--goal", "target=0.05", "--units", "1000", "--unit", "visit", *WHO)


@pytest.fixture
def project(visited, monkeypatch):
    another(visited)
    monkeypatch.setattr(mirror, "follow", lambda *_, **__: None)
    monkeypatch.setattr(building, "build", lambda *_, **__: None)
    return visited


def run(*arguments):
    return CliRunner().invoke(app, list(arguments))


def told(*arguments):
    done = run(*arguments, "--json")
    assert done.exit_code == 0, done.exception
    return json.loads(done.stdout)


def test_plan_says_the_guides_figure_and_needs_no_project(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert told("plan", "--rate", "0.10", "--effect", "0.02")["once"] == 3_843
    assert "3,843" in run("plan", "--rate", "0.10", "--effect", "0.02").stdout
    assert run("plan", "--rate", "0.10", "--effect", "0").exception.code == "EXP001"


def test_experiment_from_its_beginning_to_its_end(project) -> None:
    begun = told("start", "checkout", *START)
    assert (begun["design"]["champion"], begun["design"]["variants"][0]["version"], begun["epoch"]) == (1, 2, 1)
    assert traffic.standing(project.ledger(), project.name).owner == "experiment-checkout"
    report = told("report")
    assert report["report"]["looks"][-1]["decision"]["answer"] == "inconclusive"
    assert not list(project.settings.home.glob("experiment-*.html"))
    shown = run("report", "checkout")
    assert "no row of the champion is known" in shown.stdout
    assert (
        "Not known yet: target (no row of the champion is known)."
        in (project.settings.home / "experiment-checkout.html").read_text()
    )
    assert told("stop", *WHO)["ended"]["by"] == "Ada"
    assert traffic.standing(project.ledger(), project.name) is None


def test_page_goes_where_somebody_says(project, tmp_path) -> None:
    run("start", "checkout", *START)
    page: Path = tmp_path / "there.html"
    told("report", "--out", str(page))
    assert page.read_text().startswith("<!DOCTYPE html>")


def test_second_one_ends_with_6_and_names_the_first(project) -> None:
    told("start", "checkout", *START)
    error = run("start", "other", *START).exception
    assert isinstance(error, LostRace)
    assert (error.exit_code, "experiment-checkout" in error.what) == (6, True)


def test_who_and_why_are_needed(project) -> None:
    error = run("start", "checkout", *START[:-4]).exception
    assert isinstance(error, ConfigError)
    assert traffic.standing(project.ledger(), project.name) is None
