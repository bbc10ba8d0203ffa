"""The commands that remember, as a user types them: one JSON object each, and the exit code of what they found."""

import json
import subprocess
import sys

import pytest
import remembered
import typer
from typer.testing import CliRunner

from cli import history_commands, reproduction
from cli.reproduction import Reproduction


@pytest.fixture
def run(visited):
    app = typer.Typer()
    history_commands.register(app)

    def run(*arguments, code=0):
        done = CliRunner().invoke(app, [*arguments, "--json"], catch_exceptions=False)
        assert done.exit_code == code, done.output
        return json.loads(done.stdout)

    return run


def test_commands_print_the_keys_that_the_reference_names(run, visited):
    remembered.prove(visited)
    (first, second) = run("history")["entries"]
    assert first.keys() == {"seq", "at", "kind", "version", "by", "reason", "direct"}
    assert (first["version"], second["version"]) == (1, 2)
    assert len(run("history", "--all")["entries"]) > 2
    (cause,) = run("why", f"#{second['seq']}")["causes"]
    assert cause.keys() == {"seq", "at", "kind", "what", "because"}
    assert run("diff", "1").keys() == {"versions", "params", "data", "code", "metrics", "paired", "notes"}
    assert run("lineage", "visits.csv")["made"][0]["versions"] == [1, 2]
    held = run("hold", "2", "--by", "ann", "--reason", "audit")
    assert held.keys() == {"seq", "at", "what", "digests", "by", "reason"}
    assert run("gc", "--dry-run") == {"unnamed": [], "bytes": 0, "deleted": False}


@pytest.mark.parametrize(("same", "code"), [(True, 0), (False, 7)])
def test_reproduction_that_differs_ends_with_7(run, monkeypatch, same, code):
    found = Reproduction(
        version=1,
        same=same,
        first_difference=None if same else "tune",
        metrics={},
        predictions=("p", "q"),
        steps=(),
        environment={},
        code="here",
    )
    monkeypatch.setattr(reproduction, "reproduce", lambda _, asked: found)
    assert run("reproduce", "1", code=code)["same"] == same


def test_status_and_history_bring_no_heavy_library(visited):
    heavy = ("pandas", "scipy", "prefect", "mlflow", "sklearn", "pyarrow")
    looked = f"""
import sys
from cli import recall, show_registry, standing
from evergreen.project import Project
project = Project.open()
show_registry.standing(recall.standing(project, None), at=None)
standing.show(standing.found(project, None))
show_registry.events(recall.events(project, everything=True))
show_registry.causes(recall.why(project, "champion"))
show_registry.lineage(recall.line_of(project, "champion"))
print([name for name in {heavy} if name in sys.modules])
"""
    done = subprocess.run([sys.executable, "-c", looked], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
