"""Runs in MLflow's real store: one for a candidate, and a model that anybody can load."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import mlflow
import numpy as np
import pytest
import released
import tables
from mlflow.models import get_model_info
from PIL import Image
from trainings import CANDIDATE, DATASETS, TRIALS, inputs, training

from evergreen.adapters import tracking
from evergreen.base.artifacts.workspace import Workspace
from evergreen.base.errors import Unavailable
from evergreen.learning import features
from evergreen.learning.model import model as models

# MLflow warns of its own type hints when it is imported, which is inside the first call.
pytestmark = pytest.mark.filterwarnings("ignore:.*Any type hint is inferred:UserWarning")


def runs(store, parent=None):
    """Return the runs of trainings, or those of the trials of one."""
    experiment = store.get_experiment_by_name("parcels")
    found = store.search_runs([experiment.experiment_id])
    return [run for run in found if run.data.tags.get("mlflow.parentRunId") == parent]


def test_run_holds_parameters_metrics_tags_and_files(log, store, tmp_path):
    run = store.get_run(log().run_id)

    assert run.info.status == "FINISHED"
    assert run.data.params == {
        "seed": "7",
        "tune.families.logistic.C.float": "[0.001, 10]",
        "best.C": "0.5",
        "empty": "None",
    }
    assert run.data.metrics == {"roc_auc": 0.75, "baseline_roc_auc": 0.7, "fold_score": 0.72}
    steps = store.get_metric_history(run.info.run_id, "fold_score")
    assert [(point.step, point.value) for point in steps] == [(0, 0.74), (1, 0.72)]
    assert {name: run.data.tags[name] for name in ("verdict", "data_digest", "candidate")} == {
        "verdict": "promote",
        "data_digest": "d" * 64,
        "candidate": CANDIDATE,
    }
    assert {file.path for file in store.list_artifacts(run.info.run_id)} >= {"figures", "gate.json"}
    local = Path(store.download_artifacts(run.info.run_id, "figures/roc.png", tmp_path))
    with Image.open(local) as shown:
        assert shown.size == (20, 10)
    assert Path(store.download_artifacts(run.info.run_id, "gate.json", tmp_path)).read_text() == '{"promote": true}'


def test_model_of_a_run_shows_the_numbers_of_its_run(log, store):
    run = store.get_run(log().run_id)
    (output,) = run.outputs.model_outputs
    shown = store.get_logged_model(output.model_id).metrics
    assert {metric.key: metric.value for metric in shown if metric.step == 0} == {
        "roc_auc": 0.75, "baseline_roc_auc": 0.7, "fold_score": 0.74,
    }  # fmt: skip


def test_artifacts_lie_in_the_folder_that_was_given(log, tmp_path):
    log()

    written = [path for path in (tmp_path / "artifacts").rglob("*") if path.is_file()]
    assert {"roc.png", "gate.json", "MLmodel", "model.skops"} <= {path.name for path in written}
    assert not [path for path in written if path.suffix in (".pkl", ".pickle", ".joblib")]
    assert {path.name for path in tmp_path.iterdir()} <= {"artifacts", "mlflow.db", "mlflow.db-wal", "mlflow.db-shm"}


def test_model_has_a_signature_an_example_and_pinned_requirements(log, uri, tmp_path):
    run = log()

    info = get_model_info(run.uri)
    assert info.signature.inputs.input_names() == list(inputs().columns)
    types = dict(zip(inputs().columns, map(str, info.signature.inputs.input_types()), strict=True))
    assert types["carrier"] == "DataType.string"
    assert types["weight"] == "DataType.double"
    assert info.signature.outputs is not None
    assert info.saved_input_example_info is not None
    (requirements,) = (tmp_path / "artifacts").rglob("requirements.txt")
    assert set(requirements.read_text().splitlines()) >= {"numpy==2.4.6", "scikit-learn==1.9.1", "skops==0.16.0"}


LOADER = """
import json, sys
import pandas as pd
import mlflow

given = json.load(sys.stdin)
rows = pd.DataFrame(given["rows"], columns=given["columns"])
rows = rows.astype({name: "float64" if name in given["numeric"] else "str" for name in rows})
native = mlflow.sklearn.load_model("models:/parcels@champion").predict_proba(rows)
generic = mlflow.pyfunc.load_model("models:/parcels@champion").predict(rows)
print(json.dumps([native[:, 1].tolist(), generic[:, 1].tolist()]))
"""


def test_champion_is_loaded_by_its_alias_in_a_fresh_process_and_predicts_equally(log, store, uri, tmp_path):
    run = log()
    store.create_registered_model("parcels")
    store.create_model_version("parcels", source=run.uri, run_id=run.run_id)
    store.set_registered_model_alias("parcels", "champion", "1")
    known = inputs().assign(size=inputs()["size"].fillna("M")).dropna()
    numeric = known.select_dtypes("number").columns.tolist()
    sent = {"columns": list(known.columns), "rows": known.to_numpy().tolist(), "numeric": numeric}

    done = subprocess.run(
        [sys.executable, "-c", LOADER],
        input=json.dumps(sent),
        env={**os.environ, "MLFLOW_TRACKING_URI": uri, "HOME": str(tmp_path)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    expected = training().pipeline.predict_proba(known)[:, 1]
    for found in json.loads(done.stdout.splitlines()[-1]):
        np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("family", ["lightgbm", "xgboost", "random_forest"])
def test_models_of_other_families_are_logged_and_loaded(family, log, uri):
    pipeline = released.fitted(family, n_estimators=5)

    run = log("f" * 64, pipeline=pipeline)

    mlflow.set_tracking_uri(uri)
    found = mlflow.sklearn.load_model(run.uri).predict_proba(inputs())
    np.testing.assert_allclose(found, pipeline.predict_proba(inputs()), rtol=1e-12)


@pytest.mark.parametrize("which", ["multiclass", "regression"])
def test_models_of_other_tasks_are_logged_and_loaded(which, log, tmp_path, uri):
    chain = tables.run(which, Workspace(root=tmp_path / "chain"), family="gradient_boosting")
    model = models.load(chain.ws.path(chain.trained.model.uri), chain.trained.model.sha256)
    rows = features.build(tables.table(which).head(20), chain.contract, tables.FEATURES)

    run = log("f" * 64, pipeline=model.pipeline, example=rows.head(5), metrics=chain.evaluated.report.candidate)

    mlflow.set_tracking_uri(uri)
    found = mlflow.pyfunc.load_model(run.uri).predict(rows)
    np.testing.assert_allclose(found, model.predict(tables.table(which).head(20)).values, rtol=1e-12)


def test_candidate_that_was_logged_keeps_its_one_run(log, store):
    first = log()

    assert log(metrics={"roc_auc": 0.1}) == first
    (run,) = runs(store)
    assert run.data.metrics["roc_auc"] == 0.75


def test_run_says_the_numbers_that_were_logged_the_first_time(log, store):
    first = log(metrics={"roc_auc": 0.1 + 0.2, "step.tune.seconds": 3.25})
    again = log(metrics={"roc_auc": 0.1 + 0.2, "step.tune.seconds": 9.0})

    assert first.metrics == again.metrics == {"roc_auc": 0.1 + 0.2, "step.tune.seconds": 3.25}
    assert store.get_run(first.run_id).data.metrics.items() >= first.metrics.items()


def test_each_candidate_has_its_own_run(log, store):
    first, second = log(), log("e" * 64)

    assert first.run_id != second.run_id
    assert first.uri != second.uri
    assert {run.info.status for run in runs(store)} == {"FINISHED"}
    assert len(runs(store)) == 2


def test_run_that_a_killed_process_left_open_is_closed_as_failed(log, store):
    log("e" * 64)  # makes the experiment
    experiment = store.get_experiment_by_name("parcels").experiment_id
    left = store.create_run(experiment, tags={"candidate": CANDIDATE}).info.run_id
    trial = store.create_run(experiment, tags={"mlflow.parentRunId": left}).info.run_id
    of_another = store.create_run(experiment, tags={"candidate": "f" * 64}).info.run_id

    run = log()

    assert run.run_id != left
    assert [store.get_run(each).info.status for each in (left, trial)] == ["FAILED", "FAILED"]
    assert "process ended" in store.get_run(left).data.tags["reason"]
    assert store.get_run(of_another).info.status == "RUNNING"
    assert store.get_run(run.run_id).info.status == "FINISHED"
    assert log() == run


def test_run_that_failed_midway_is_made_again(log, store):
    with pytest.raises(AttributeError):
        log(pipeline=object())
    assert [run.info.status for run in runs(store)] == ["FAILED"]

    run = log()

    assert sorted(found.info.status for found in runs(store)) == ["FAILED", "FINISHED"]
    assert store.get_run(run.run_id).info.status == "FINISHED"


def test_trial_that_cannot_be_logged_is_not_left_open(log, store):
    unnameable = TRIALS[0].model_copy(update={"params": {"a<b": 1}})
    with pytest.raises(Unavailable):
        log(trials=[TRIALS[1], unnameable])
    (failed,) = runs(store)
    trials = [run.info.status for run in runs(store, failed.info.run_id)]

    assert (failed.info.status, sorted(trials)) == ("FAILED", ["FAILED", "KILLED"])


def test_trial_that_the_server_left_open_is_closed_with_its_failed_run(log, store):
    log("e" * 64)  # makes the experiment
    experiment = store.get_experiment_by_name("parcels").experiment_id
    failed = store.create_run(experiment, tags={"candidate": CANDIDATE}).info.run_id
    trial = store.create_run(experiment, tags={"mlflow.parentRunId": failed}).info.run_id
    store.set_terminated(failed, "FAILED")

    log()

    assert store.get_run(trial).info.status == "FAILED"
    assert "reason" not in store.get_run(failed).data.tags


def test_each_trial_is_a_run_below_its_training(log, store):
    run = log()

    found = {child.info.run_name: child for child in runs(store, run.run_id)}
    assert set(found) == {"trial-0", "trial-1", "trial-2"}
    best, pruned, failed = (found[f"trial-{number}"] for number in range(3))
    assert best.data.params == {"family": "logistic", "C": "0.5"}
    assert best.data.metrics == {"score": 0.73, "seconds": 1.5, "fold_score": 0.72}
    assert [point.value for point in store.get_metric_history(best.info.run_id, "fold_score")] == [0.74, 0.72]
    assert [child.info.status for child in (best, pruned, failed)] == ["FINISHED", "KILLED", "FAILED"]
    assert [child.data.tags["state"] for child in (best, pruned, failed)] == ["COMPLETE", "PRUNED", "FAIL"]
    assert "score" not in failed.data.metrics
    assert best.info.end_time - best.info.start_time == 1_500


def test_datasets_are_inputs_of_the_run_by_name_context_and_digest(log, store):
    inputs = store.get_run(log().run_id).inputs.dataset_inputs

    contexts = {each.dataset.name: {tag.key: tag.value for tag in each.tags} for each in inputs}
    assert contexts == {dataset.name: {"mlflow.data.context": dataset.context} for dataset in DATASETS}
    for dataset in DATASETS:
        (found,) = [each.dataset for each in inputs if each.dataset.name == dataset.name]
        assert dataset.digest.startswith(found.digest)
        assert len(found.digest) == 36
        assert json.loads(found.source) == {"uri": dataset.source, "sha256": dataset.digest}
        assert json.loads(found.profile) == {"num_rows": dataset.rows}


def test_more_numbers_than_one_request_takes_are_all_logged(log, store):
    metrics = {f"metric_{number}": float(number) for number in range(1_100)}
    params = {f"parameter_{number}": number for number in range(250)}

    run = store.get_run(log(metrics=metrics, params=params).run_id)

    assert len(run.data.params) == 250
    assert len(run.data.metrics) == 1_101
    assert run.data.metrics["metric_1099"] == 1_099


def test_run_names_the_commit_as_its_source(log, store):
    tags = store.get_run(log(tags={"commit": "a1b2", "reason": "gained 0.02"}).run_id).data.tags

    assert tags["mlflow.source.git.commit"] == "a1b2"
    assert tags["mlflow.note.content"] == "gained 0.02"
    assert "mlflow.user" not in tags


def test_no_stage_of_the_registry_is_used_anywhere(project):
    stages = re.compile(
        r"transition_model_version_stage|get_latest_versions|current_stage|archive_existing_versions"
        r"|\bstages?\s*=\s*\[?[\"'](Production|Staging|Archived|None)\b|models:/[^\"'\s]*/(Production|Staging)"
    )
    folders = ("evergreen", "tasks", "flows", "serving", "cli")
    sources = [path for folder in folders for path in project.joinpath(folder).rglob("*.py")]

    assert len(sources) > 50
    assert [path for path in sources if stages.search(path.read_text())] == []
    assert stages.search('client.transition_model_version_stage(name, 1, stage="Production")')


def test_runs_of_ours_that_a_killed_process_left_open_are_found_and_closed_when_told(log, store, uri):
    log()
    experiment = store.get_experiment_by_name("parcels").experiment_id
    left = store.create_run(experiment, tags={"candidate": "e" * 64}).info.run_id
    trial = store.create_run(experiment, tags={"mlflow.parentRunId": left}).info.run_id
    by_hand = store.create_run(experiment).info.run_id

    assert set(tracking.left_open(uri, "parcels", close=False)) == {left, trial}
    assert store.get_run(left).info.status == "RUNNING"
    assert set(tracking.left_open(uri, "parcels", close=True)) == {left, trial}
    assert [store.get_run(each).info.status for each in (left, trial, by_hand)] == ["FAILED", "FAILED", "RUNNING"]
    assert "process ended" in store.get_run(trial).data.tags["reason"]
    assert tracking.left_open(uri, "parcels", close=True) == ()
    assert tracking.left_open(uri, "letters", close=True) == ()
