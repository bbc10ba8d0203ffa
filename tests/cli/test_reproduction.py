"""`evergreen reproduce`: a version made again is the same, or the first step that differs is named."""

import shutil
import subprocess
from pathlib import Path

import pandas as pd
import pytest
import remembered
import yaml

from cli import reproduction
from cli.reproduction import reproduce
from evergreen.base.errors import ConfigError
from evergreen.project import Project
from evergreen.record.plan.commits import Commit


def test_version_made_again_is_the_same_step_by_step(visited):
    proof = remembered.prove(visited)
    found = reproduce(visited, "champion")
    assert [(step.name, step.same, step.said) for step in found.steps] == [
        (name, True, "") for name in ("ingest", "validate", "features", "tune", "train", "evaluate")
    ]
    assert (found.same, found.first_difference, found.environment) == (True, None, {})
    assert {name: both[0] for name, both in found.metrics.items()} == proof.candidate.report.candidate
    assert all(was == now for was, now in found.metrics.values())
    assert found.predictions == (proof.candidate.scores.sha256, proof.candidate.scores.sha256)
    assert not any((visited.settings.home / "tmp").iterdir())
    assert not (visited.settings.project / "data").exists()


def test_rows_that_changed_since_are_named_by_their_file(visited):
    remembered.prove(visited)
    file = visited.settings.project / "visits.csv"
    rows = pd.read_csv(file)
    rows.loc[0, "pages"] += 1.0
    rows.to_csv(file, index=False)
    found = reproduce(visited, "2")
    assert (found.same, found.first_difference) == (False, "ingest")
    assert found.steps[0].said == "other bytes than then: visits.csv"
    assert [step.name for step in found.steps if not step.same][:2] == ["ingest", "validate"]


def test_file_that_is_gone_is_named_and_nothing_after_it_is_tried(visited):
    remembered.prove(visited)
    (visited.settings.project / "visits.csv").unlink()
    found = reproduce(visited, "2")
    assert (found.same, found.first_difference, len(found.steps)) == (False, "ingest", 1)
    assert "visits.csv" in found.steps[0].said
    assert all(now is None for _, now in found.metrics.values())


def test_parameters_are_those_of_the_version_and_an_environment_that_is_another_is_said(visited):
    remembered.prove(visited, python="3.10.0", packages={"numpy": "1.0", "none-such": "2.0"})
    params = visited.settings.project / "params.yaml"
    params.write_text(params.read_text().replace("seed: 7", "seed: 8"))
    found = reproduce(visited, "2")
    assert found.same
    assert found.environment["python"][0] == "3.10.0"
    assert found.environment["numpy"][0] == "1.0"
    assert found.environment["none-such"] == ("2.0", None)


@pytest.mark.parametrize(
    ("commit", "said"),
    [
        (Commit(sha="a" * 40, changed=("params.yaml",)), "does not hold (changed: params.yaml)"),
        (Commit(sha="unknown"), "has no commit"),
        (Commit(sha="a" * 40), "is not here"),
    ],
)  # fmt: skip
def test_version_whose_code_cannot_be_had_is_refused(visited, monkeypatch, commit, said):
    remembered.prove(visited, commit=commit)
    monkeypatch.setattr(type(visited), "digests", lambda _: {"code_digest": "another", "params_digest": "p"})
    with pytest.raises(ConfigError) as caught:
        reproduce(visited, "2")
    assert (caught.value.code, said in caught.value.what) == ("STA008", True)
    assert not any((visited.settings.home / "tmp").iterdir())


def test_version_without_a_proof_is_refused(visited):
    remembered.unprove(visited)
    with pytest.raises(ConfigError) as caught:
        reproduce(visited, "2")
    assert caught.value.code == "STA007"


def test_version_whose_code_is_another_by_now_is_made_from_its_commit(visited, project, monkeypatch):
    root = visited.settings.project
    for name in ("evergreen", "tasks", "flows", "cli"):
        shutil.copytree(project / name, root / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(project / "requirements.lock", root)
    (root / ".gitignore").write_text(".evergreen/\nvisits.csv\n")
    commit = committed(root)
    proof = remembered.prove(visited, commit=Commit(sha=commit))
    monkeypatch.setattr(type(visited), "digests", lambda _: {"code_digest": "another", "params_digest": "p"})
    (root / "tasks" / "features.py").write_text("raise SystemExit('the code of now')\n")
    found = reproduce(visited, "2")
    assert found.code == f"commit {commit[:12]}"
    assert (found.same, found.first_difference) == (True, None), found.steps
    assert found.predictions[1] == proof.candidate.scores.sha256


def committed(root: Path) -> str:
    def git(*arguments: str) -> str:
        by = ("-c", "user.name=Ann", "-c", "user.email=ann@example.org")
        done = subprocess.run(["git", "-C", str(root), *by, *arguments], capture_output=True, text=True, check=True)
        return done.stdout.strip()

    git("init", "--quiet")
    git("add", "--all")
    git("commit", "--quiet", "--message", "as it was trained")
    return git("rev-parse", "HEAD")


def test_search_space_is_that_of_the_version_in_its_order(visited, monkeypatch):
    asked = Project.open(overrides=["tune.families.logistic={max_iter: {int: [50, 90]}, C: {float: [1, 2]}}"])
    proof = remembered.prove(visited).model_copy(update={"params": asked.params})
    spaces, again = [], reproduction._again

    def looked_at(proof, place, environment):
        spaces.append(yaml.safe_load((place / "params.yaml").read_text())["tune"]["families"]["logistic"])
        return again(proof, place, environment)

    monkeypatch.setattr(reproduction, "proof_of", lambda *_: proof)
    monkeypatch.setattr(reproduction, "_again", looked_at)
    assert reproduce(visited, "2").first_difference == "tune"
    assert [list(space) for space in spaces] == [["max_iter", "C"]]
