"""Commands that are advised work where the user is: with the same parameters, in the same environment."""

import subprocess
import sys

import pytest
import typer

from cli.advice import command, kept, options_of
from cli.main import app

COMMANDS = typer.main.get_command(app)


@pytest.mark.parametrize(
    ("advice", "given", "told"),
    [
        ("Train one: evergreen run", ["serve", "--params", "b.yaml"], "Train one: evergreen run --params b.yaml"),
        ("evergreen run, then again.", ["--env=prod"], "evergreen run --env prod, then again."),
        ("Or `evergreen run` for a version.", ["--env", "p"], "Or `evergreen run --env p` for a version."),
        ("evergreen run for a version", ["--params=a b.yaml"], "evergreen run --params 'a b.yaml' for a version"),
        ("evergreen data ls names them.", ["--params", "b"], "evergreen data ls --params b names them."),
        ("evergreen why refusal --env away", ["--env", "here"], "evergreen why refusal --env away"),
        ("evergreen resume", ["run", "--params", "b", "--env", "e"], "evergreen resume --env e"),
        ("See evergreen.txt, evergreen xyz", ["--params", "b"], "See evergreen.txt, evergreen xyz"),
        ("evergreen run", ["run"], "evergreen run"),
        ("evergreen run", ["run", "--params"], "evergreen run"),
        ("evergreen history; data: evergreen data ls", ["--env", "e"],
         "evergreen history --env e; data: evergreen data ls --env e"),
    ],
)  # fmt: skip
def test_advised_command_keeps_what_the_user_gave(advice, given, told):
    assert kept(advice, given, COMMANDS) == told


def test_command_is_found_by_its_words():
    found, used = command(["data", "ls", "names"], COMMANDS)
    assert used == 2
    assert {"--env", "--params"} <= options_of(found)
    assert command(["nothing"], COMMANDS)[1] == 0


@pytest.mark.parametrize("asked", [["serve"], ["score", "rows.csv", "out.csv"]])
def test_project_without_a_champion_is_told_to_train_that_very_one(fresh, project, asked):
    root = fresh.settings.project
    (root / "configs" / "visits" / "params.yaml").write_bytes((root / "params.yaml").read_bytes())
    (root / "rows.csv").write_text("pages\n1\n")
    done = subprocess.run(
        [sys.executable, "-c", "from cli.main import main; main()", *asked, "--params", "configs/visits/params.yaml"],
        cwd=root, env={"PYTHONPATH": str(project), "PATH": "", "EVERGREEN_HOME": str(root / ".evergreen")},
        capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert done.returncode == 2
    assert "next:  Train one: evergreen run --params configs/visits/params.yaml" in done.stderr
