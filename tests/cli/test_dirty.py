"""A training from changes that are not committed is refused at once, unless it is asked for."""

import os
import subprocess
from dataclasses import replace

import pytest
from projects import settings_of

from evergreen.adapters import tracking

AUTHOR = {f"GIT_{who}_{what}": "someone" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}


@pytest.fixture
def checkout(small_project, prefect_api_url):
    """A small project that is a clean git checkout."""
    (small_project.root / ".gitignore").write_text(".evergreen/\n*.log\n")
    for arguments in (["init", "--quiet"], ["add", "."], ["commit", "--quiet", "--message", "first"]):
        environment = {**os.environ, **AUTHOR, "GIT_CONFIG_GLOBAL": os.devnull}
        subprocess.run(["git", *arguments], cwd=small_project.root, env=environment, check=True)
    return replace(small_project, prefect_api_url=prefect_api_url)


def artifacts(small):
    return sorted(path.name for folder in ("workspace", "steps") for path in (small.home / folder).glob("*"))


@pytest.mark.parametrize(
    "command",
    [("run",), ("replay", "--from", "2013-02", "--to", "2013-02")],
    ids=["run", "replay"],
)
def test_uncommitted_change_stops_a_training_before_anything_is_read(checkout, command):
    path = checkout.root / "params.yaml"
    path.write_text(path.read_text().replace("seed: 7", "seed: 8"))

    before = artifacts(checkout)

    said = checkout.refused(*command, code=2)

    assert "REG001: changes are not committed: params.yaml" in said
    assert "--allow-dirty" in said
    assert artifacts(checkout) == before


def test_uncommitted_change_that_is_allowed_is_named_with_the_version(checkout):
    path = checkout.root / "params.yaml"
    path.write_text(path.read_text().replace("seed: 7", "seed: 8"))
    head = subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=checkout.root, capture_output=True, text=True, check=True
    ).stdout.strip()

    outcome = checkout.json("run", "--allow-dirty", "--set", "tune.trials=1")

    store = tracking.client(settings_of(checkout).tracking_uri())
    (version,) = store.search_model_versions(f"name = '{outcome['model']}'")
    said = {name: version.tags[name] for name in ("dirty", "override", "commit")}
    assert said == {"dirty": "true", "override": "allow_dirty", "commit": head}
    run = store.get_run(version.run_id)
    assert run.data.tags["mlflow.source.git.commit"] == head
    assert {"ingest", "tune", "evaluate"} <= {step["name"] for step in outcome["steps"]}
    assert all(step["cpu_seconds"] > 0 and step["rss_mb"] > 100 for step in outcome["steps"][:6])
    for step in ("ingest", "tune", "evaluate"):
        assert run.data.metrics[f"step.{step}.cpu_seconds"] > 0
    assert len(run.inputs.dataset_inputs) == 3
    assert run.data.metrics["onnx_rows"] >= 0


def test_tracker_whose_package_is_missing_stops_a_training_before_anything_is_read(small_project, tmp_path):
    hidden = tmp_path / "hidden"
    hidden.mkdir()
    (hidden / "sitecustomize.py").write_text(
        "import importlib.util as u\nfind = u.find_spec\n"
        "u.find_spec = lambda name, *rest: None if name == 'wandb' else find(name, *rest)\n"
    )

    before = artifacts(small_project)

    said = small_project.refused("run", code=2, EVERGREEN_TRACKERS="mlflow,wandb", PYTHONPATH=str(hidden))

    assert "TRK001: tracker 'wandb' is wanted, but its package is not installed" in said
    assert "pip install 'evergreen[wandb]'" in said
    assert artifacts(small_project) == before
