"""The commands of `evergreen data`, on the version that a training has left."""

import json

import pytest
from typer.testing import CliRunner

from cli.data_commands import app


@pytest.fixture
def run(visited):
    def run(*arguments):
        return json.loads(CliRunner().invoke(app, [*arguments, "--json"], catch_exceptions=False).stdout)

    return run


def test_version_is_listed_shown_and_compared(run):
    (listed,) = run("ls")["versions"]
    shown = run("show")
    assert shown["digest"].startswith(listed["digest"][:8])
    assert shown["rows"] == listed["rows"] == 1_815
    assert run("show", shown["digest"][:8]) == shown
    difference = run("diff", shown["digest"][:8])
    assert difference["same"]
    assert difference["partitions"] == {}
