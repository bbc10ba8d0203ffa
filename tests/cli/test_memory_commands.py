"""`evergreen export` and `verify`: a version leaves as one file, and is checked where nothing of its project is."""

import hashlib
import json
import subprocess
from pathlib import Path

import bundles
import keys
import projects
import pytest
import typer
from typer.testing import CliRunner

from cli import memory_commands
from evergreen.base.errors import ConfigError, IntegrityError
from evergreen.record.outcomes import champion_facts


def run(*arguments):
    app = typer.Typer()
    memory_commands.register(app)
    return CliRunner().invoke(app, list(map(str, arguments)), catch_exceptions=False)


@pytest.fixture
def file(visited, tmp_path):
    """A version of visits, in a file that lies in no project."""
    (tmp_path / "elsewhere").mkdir()
    path = tmp_path / "elsewhere" / "visits-1.evergreen"
    told = json.loads(run("export", 1, path, "--json").stdout)
    assert told == {
        "file": str(path),
        "version": 1,
        "bytes": path.stat().st_size,
        "digest": hashlib.sha256(path.read_bytes()).hexdigest(),
    }
    return path


def test_version_is_exported_and_verified_where_there_is_no_project(file, monkeypatch):
    monkeypatch.chdir(file.parent)
    done = run("verify", file.name, "--json")

    assert done.exit_code == 0
    told = json.loads(done.stdout)
    assert (told["ok"], told["findings"], told["model"], told["version"]) == (True, [], "visits", 1)
    assert told["digest"] == hashlib.sha256(file.read_bytes()).hexdigest()
    assert [path.name for path in file.parent.iterdir()] == [file.name]


def test_command_itself_ends_with_7_and_one_line_for_each_finding(file):
    changed = bytearray(file.read_bytes())
    changed[len(changed) // 2] ^= 1
    file.write_bytes(changed)
    done = subprocess.run(
        [projects.COMMAND, "verify", file.name], cwd=file.parent, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (7, "")
    assert "its bytes are not those that were written" in done.stdout
    assert "not as it was written: 1 findings" in done.stdout
    assert [path.name for path in file.parent.iterdir()] == [file.name]


def test_person_reads_whose_version_it_is_and_whether_it_is_signed(file):
    said = run("verify", file).stdout
    assert "version 1 of 'visits'" in said
    assert "signature none" in said
    assert said.strip().endswith("the verdict follows from the rows")


def test_digest_that_differs_is_a_finding(file):
    assert run("verify", file, "--digest", hashlib.sha256(file.read_bytes()).hexdigest()).exit_code == 0
    assert run("verify", file, "--digest", "0" * 64).exit_code == 7


def test_key_of_the_settings_signs_and_its_public_half_is_asked_for(visited, tmp_path, monkeypatch):
    private, public = keys.pair(tmp_path / "private.pem", tmp_path / "team.pem")
    unsigned, signed = tmp_path / "unsigned", tmp_path / "signed"
    run("export", 1, unsigned)
    monkeypatch.setenv("EVERGREEN_SIGNING_KEY", str(private))
    run("export", 1, signed)

    told = json.loads(run("verify", signed, "--key", public, "--json").stdout)
    assert (told["ok"], told["signed_by"]) == (True, "team")
    assert "signature of team" in run("verify", signed, "--key", public).stdout
    assert "not checked" in run("verify", signed).stdout
    assert run("verify", unsigned, "--key", public).exit_code == 7
    assert run("verify", unsigned).exit_code == 0


def test_version_goes_with_its_card(file):
    assert b"# " in bundles.members_of(file.read_bytes())["documents/card/card.md"]


def test_version_of_a_training_that_was_logged_to_mlflow_is_verified(trained_project):
    told = trained_project.json("export", "1", "flights-1")
    found = trained_project.json("verify", "flights-1", "--digest", told["digest"])
    assert (found["ok"], found["model"]) == (True, "flights")
    members = bundles.members_of((trained_project.root / "flights-1").read_bytes())
    assert "onnx_rows" in json.loads(members["proof/metrics.json"])


def test_version_that_is_not_there_or_has_no_proof_leaves_no_file(visited, tmp_path):
    with pytest.raises(ConfigError, match="STA004"):
        run("export", 9, tmp_path / "v")
    facts = champion_facts(visited.ledger(), "visits").model_copy(update={"version": 2, "proof": None})
    visited.ledger().record("visits", "version", "2", facts.model_dump(mode="json"))
    with pytest.raises(IntegrityError, match="INT020"):
        run("export", 2, tmp_path / "v")
    assert not (tmp_path / "v").exists()


def test_file_that_is_not_there_is_one_block(tmp_path):
    with pytest.raises(ConfigError, match="CFG001"):
        run("verify", tmp_path / "none")
    assert Path(tmp_path / "none").exists() is False
