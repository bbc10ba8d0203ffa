"""`evergreen card V`: the page on stdout or in a file, or the fields for a program."""

import json

import carded
import pytest
from typer.testing import CliRunner

from cli.main import app
from evergreen.base.errors import ConfigError, ResourceError
from evergreen.record.registry.card.values import Card


@pytest.fixture(scope="session")
def version(tmp_path_factory):
    return carded.version("binary", tmp_path_factory.mktemp("carded"))


@pytest.fixture
def run(fresh, version):
    carded.promoted(fresh, version)
    return lambda *arguments: CliRunner().invoke(app, ["card", *map(str, arguments)], catch_exceptions=False)


def test_card_is_printed_as_markdown(run):
    done = run(3)
    assert done.exit_code == 0
    assert done.stdout.startswith("# Model card: tumours, version 3\n")
    assert done.stdout.endswith("```\n")


def test_json_is_the_fields_of_the_card(run):
    card = Card.model_validate_json(run(3, "--json").stdout)
    assert (card.details.version, card.people, card.protected) == (3, carded.SAID, ("ward",))


def test_bill_of_materials_is_one_object(run):
    assert json.loads(run(3, "--cyclonedx").stdout)["bomFormat"] == "CycloneDX"


def test_page_is_written_whole_where_it_is_asked_for(run, tmp_path):
    target = tmp_path / "cards" / "card.html"
    done = run(3, "--annex-iv", "--out", target)
    assert done.stdout == f"Written to {target}\n"
    assert target.read_text().startswith("<!DOCTYPE html>")
    assert [path.name for path in target.parent.iterdir()] == ["card.html"]
    assert json.loads(run(3, "--json", "--out", target).stdout)["details"]["version"] == 3


def test_place_that_cannot_be_written_is_a_clear_block(run, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(ResourceError, match="could not write"):
        run(3, "--out", tmp_path / "file" / "card.md")


def test_unknown_version_prints_nothing_but_its_block(run, tmp_path):
    with pytest.raises(ConfigError, match="no version 7 of 'visits'"):
        run(7, "--out", tmp_path / "card.md")
    assert not (tmp_path / "card.md").exists()


@pytest.mark.parametrize("wrong", [("three",), (), (3, "--format", "pdf")])
def test_usage_that_cannot_be_read_ends_with_2(run, wrong):
    assert run(*wrong).exit_code == 2
