"""`python -m tasks <stage>`: one step on the artifacts under data/, and one block when that cannot be."""

import json
import os
import shutil
import subprocess
import sys

import pandas as pd
import parameters
import pytest

from evergreen.base.artifacts.refs import DatasetRef, FolderRef, TableRef
from evergreen.base.artifacts.workspace import Workspace
from evergreen.base.errors import IntegrityError
from evergreen.learning.analysis.values import Analysis
from evergreen.learning.evaluation import Report
from evergreen.learning.tuning.best import Best
from evergreen.record.plan.steps import STAGES
from tasks.__main__ import find, keep
from tasks.analyse import Analysed
from tasks.evaluate import Evaluated


@pytest.fixture
def folder(project, tmp_path):
    """A project of one's own, which holds what a user edits."""
    root = tmp_path / "project"
    shutil.copytree(project / "configs", root / "configs")
    shutil.copy(parameters.FILE, root / "params.yaml")
    return root


@pytest.fixture
def stage(folder):
    """Return a function that runs `python -m tasks` in that project."""

    def run(*arguments):
        return subprocess.run(
            [sys.executable, "-m", "tasks", *arguments],
            cwd=folder,
            env={**os.environ, "EVERGREEN_HOME": str(folder / ".evergreen")},
            capture_output=True,
            text=True,
            check=False,
        )

    return run


@pytest.mark.parametrize("arguments", [("trian",), (), ("train", "evaluate"), ("track",)])
def test_unknown_stage_is_one_block_with_the_known_ones(arguments, stage):
    done = stage(*arguments)

    assert done.returncode == 2
    assert done.stderr.splitlines() == [
        f"CFG013: no stage '{arguments[0] if len(arguments) == 1 else ''}'",
        "  where: python -m tasks",
        f"  next:  Known: {', '.join(STAGES)}.",
    ]
    assert done.stdout == ""


def test_stage_takes_and_leaves_artifacts_under_their_names(stage, folder, flights_table):
    data = Workspace.beside(folder / "data")
    data.write("valid", flights_table)

    done = stage("features")

    assert done.returncode == 0, done.stderr
    assert sorted(path.name for path in data.root.iterdir()) == [
        "lookups",
        "split.json",
        "test.parquet",
        "train.parquet",
        "valid.parquet",
    ]
    n_train, n_test = data.table("train").rows, data.table("test").rows
    assert done.stderr.splitlines() == [f"features: {n_train} train rows, {n_test} test rows"]
    assert sorted(path.name for path in folder.iterdir()) == [".evergreen", "configs", "data", "params.yaml"]


def test_stage_before_its_turn_is_one_block_that_names_what_is_missing(stage):
    done = stage("tune")

    assert done.returncode == 7
    assert done.stderr.startswith("INT001: an artifact is gone\n")
    assert "data/train.parquet" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("kind", "name"), [(TableRef, "train.parquet"), (FolderRef, "model/manifest.json"), (Best, "best.json")]
)
def test_artifact_that_is_missing_is_an_integrity_error_that_names_it(kind, name, tmp_path):
    with pytest.raises(IntegrityError) as caught:
        find(Workspace.beside(tmp_path), name.partition(".")[0].partition("/")[0], kind)

    assert (caught.value.code, caught.value.what) == ("INT001", "an artifact is gone")
    assert caught.value.where == str(tmp_path / name)


def test_dataset_that_is_missing_is_an_integrity_error_that_names_it(tmp_path):
    with pytest.raises(IntegrityError) as caught:
        find(Workspace.beside(tmp_path), "raw", DatasetRef)

    assert (caught.value.code, caught.value.where) == ("INT009", str(tmp_path / "raw"))


@pytest.mark.parametrize("content", ["", "{", "[]", '{"family": "logistic"}', '{"params": NaN}'])
def test_value_that_is_damaged_is_an_integrity_error_that_names_it(content, tmp_path):
    (tmp_path / "best.json").write_text(content)

    with pytest.raises(IntegrityError) as caught:
        find(Workspace.beside(tmp_path), "best", Best)

    assert caught.value.what == "an artifact cannot be read as Best"
    assert caught.value.where == str(tmp_path / "best.json")


def test_bad_parameters_are_one_block_with_their_line(stage, folder):
    params = folder / "params.yaml"
    params.write_text(params.read_text().replace("trials:", "trails:"))

    done = stage("ingest")

    assert done.returncode == 2
    assert done.stderr.startswith("CFG004: unknown key 'tune.trails'")
    assert "Did you mean 'trials'?" in done.stderr


def test_values_are_kept_as_readable_json_and_found_again(tmp_path):
    data = Workspace.beside(tmp_path)
    metrics = {"roc_auc": 0.75}
    report = Report(
        family="logistic",
        baseline_family="prior",
        candidate=metrics,
        baseline=metrics,
        train=metrics,
        n_train=1,
        n_test=1,
    )
    scores = data.write("scores", pd.DataFrame({"label": [True]}))

    parts = dict.fromkeys(Analysis.model_fields)
    named = {
        "metric": "roc_auc",
        "confidence": 0.95,
        "train_gap": {},
        "undefined": {},
        "why_not": {},
        "not_measured": (),
    }
    analysis = Analysis(**{**parts, **named})

    keep(data, Evaluated(report=report, scores=scores))
    keep(data, Analysed(analysis=analysis))

    assert sorted(path.name for path in tmp_path.iterdir()) == ["analysis.json", "report.json", "scores.parquet"]
    assert json.loads((tmp_path / "report.json").read_text())["candidate"] == metrics
    assert find(data, "report", Report) == report
    assert find(data, "analysis", Analysis) == analysis
    assert find(data, "scores", type(scores)) == scores
