"""MLflow, against its real store: one run a candidate, one version a run, and a model that anybody can load."""

import io
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import mlflow
import numpy as np
import pytest
import released
import tables
from mlflow import MlflowClient
from mlflow.models import get_model_info
from PIL import Image

from evergreen import features
from evergreen import model as models
from evergreen.adapters import tracking
from evergreen.artifacts import Workspace
from evergreen.errors import Unavailable

# MLflow warns of its own type hints when it is imported, which is inside the first call.
pytestmark = pytest.mark.filterwarnings("ignore:.*Any type hint is inferred:UserWarning")
CANDIDATE = "c" * 64


def picture():
    target = io.BytesIO()
    Image.new("RGB", (20, 10), "green").save(target, format="PNG")
    return target.getvalue()


@pytest.fixture(scope="module")
def pipeline():
    return released.fitted("gradient_boosting", max_iter=20, min_samples_leaf=10)


@pytest.fixture(scope="module")
def inputs():
    names = features.inputs(released.CONTRACT, released.FEATURES).names
    return features.build(released.table(30, seed=8), released.CONTRACT, released.FEATURES)[names]


@pytest.fixture
def uri(prepared_state, tmp_path):
    """The address of a fresh store, copied because migrating one takes seconds."""
    shutil.copy(prepared_state / "mlflow" / "mlflow.db", tmp_path / "mlflow.db")
    return f"sqlite:///{tmp_path / 'mlflow.db'}"


@pytest.fixture
def store(uri):
    return MlflowClient(tracking_uri=uri, registry_uri=uri)


@pytest.fixture
def log(uri, tmp_path, pipeline, inputs):
    """Return a function that logs a training; what is not given is the same every time."""

    def logged(candidate=CANDIDATE, **changed):
        given = {
            "experiment": "parcels",
            "artifacts": tmp_path / "artifacts",
            "params": {"seed": 7, "tune.families.logistic.C.float": [0.001, 10], "best.C": 0.5, "empty": None},
            "metrics": {"roc_auc": 0.75, "baseline_roc_auc": 0.7},
            "tags": {"verdict": "promote", "data_digest": "d" * 64},
            "files": {"roc.png": picture(), "gate.json": b'{"promote": true}'},
            "pipeline": pipeline,
            "example": inputs.head(5),
        }
        return tracking.log_training(uri, candidate=candidate, **{**given, **changed})

    return logged


def runs(store):
    experiment = store.get_experiment_by_name("parcels")
    return store.search_runs([experiment.experiment_id])


def test_run_holds_parameters_metrics_tags_and_files(log, store, tmp_path):
    run = store.get_run(log().run_id)

    assert run.info.status == "FINISHED"
    assert run.data.params == {
        "seed": "7",
        "tune.families.logistic.C.float": "[0.001, 10]",
        "best.C": "0.5",
        "empty": "None",
    }
    assert run.data.metrics == {"roc_auc": 0.75, "baseline_roc_auc": 0.7}
    assert {name: run.data.tags[name] for name in ("verdict", "data_digest", "candidate")} == {
        "verdict": "promote",
        "data_digest": "d" * 64,
        "candidate": CANDIDATE,
    }
    assert {file.path for file in store.list_artifacts(run.info.run_id)} >= {"roc.png", "gate.json"}
    local = Path(store.download_artifacts(run.info.run_id, "roc.png", tmp_path))
    with Image.open(local) as shown:
        assert shown.size == (20, 10)
    assert Path(store.download_artifacts(run.info.run_id, "gate.json", tmp_path)).read_text() == '{"promote": true}'


def test_artifacts_lie_in_the_folder_that_was_given(log, tmp_path):
    log()

    written = [path for path in (tmp_path / "artifacts").rglob("*") if path.is_file()]
    assert {"roc.png", "gate.json", "MLmodel", "model.skops"} <= {path.name for path in written}
    assert not [path for path in written if path.suffix in (".pkl", ".pickle", ".joblib")]
    assert {path.name for path in tmp_path.iterdir()} <= {"artifacts", "mlflow.db", "mlflow.db-wal", "mlflow.db-shm"}


def test_model_has_a_signature_an_example_and_pinned_requirements(log, uri, inputs, tmp_path):
    run = log()

    info = get_model_info(run.model_uri)
    assert info.signature.inputs.input_names() == list(inputs.columns)
    types = dict(zip(inputs.columns, map(str, info.signature.inputs.input_types()), strict=True))
    assert types["carrier"] == "DataType.string"
    assert types["weight"] == "DataType.double"
    assert info.signature.outputs is not None
    assert info.saved_input_example_info is not None
    (requirements,) = (tmp_path / "artifacts").rglob("requirements.txt")
    listed = dict(line.split("==") for line in requirements.read_text().split())
    assert {"scikit-learn", "skops", "pandas", "numpy"} <= set(listed)


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


def test_champion_is_loaded_by_its_alias_in_a_fresh_process_and_predicts_equally(log, uri, pipeline, inputs, tmp_path):
    version = tracking.register(uri, "parcels", log(), candidate=CANDIDATE, tags={})
    tracking.mirror_champion(uri, "parcels", version)
    known = inputs.assign(**{name: inputs[name].fillna("M") for name in ("size",)}).dropna()
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
    expected = pipeline.predict_proba(known)[:, 1]
    for found in json.loads(done.stdout.splitlines()[-1]):
        np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("which", ["multiclass", "regression"])
def test_models_of_other_tasks_are_logged_and_loaded(which, log, tmp_path, uri):
    chain = tables.run(which, Workspace(root=tmp_path / "chain"), family="gradient_boosting")
    model = models.load(chain.ws.path(chain.trained.model.uri), chain.trained.model.sha256)
    rows = features.build(tables.table(which).head(20), chain.contract, tables.FEATURES)

    run = log("f" * 64, pipeline=model.pipeline, example=rows.head(5), metrics=chain.evaluated.report.candidate)

    mlflow.set_tracking_uri(uri)
    found = mlflow.pyfunc.load_model(run.model_uri).predict(rows)
    np.testing.assert_allclose(found, model.predict(tables.table(which).head(20)).values, rtol=1e-12)


def test_candidate_that_was_logged_keeps_its_one_run(log, store):
    first = log()

    assert log(metrics={"roc_auc": 0.1}) == first
    (run,) = runs(store)
    assert run.data.metrics["roc_auc"] == 0.75


def test_each_candidate_has_its_own_run(log, store):
    first, second = log(), log("e" * 64)

    assert first.run_id != second.run_id
    assert first.model_uri != second.model_uri
    assert {run.info.status for run in runs(store)} == {"FINISHED"}
    assert len(runs(store)) == 2


def test_run_that_a_killed_process_left_open_is_closed_as_failed(log, store):
    log("e" * 64)  # makes the experiment
    experiment = store.get_experiment_by_name("parcels").experiment_id
    left = store.create_run(experiment, tags={"candidate": CANDIDATE}).info.run_id
    of_another = store.create_run(experiment, tags={"candidate": "f" * 64}).info.run_id

    run = log()

    assert run.run_id != left
    assert store.get_run(left).info.status == "FAILED"
    assert "process ended" in store.get_run(left).data.tags["reason"]
    assert store.get_run(of_another).info.status == "RUNNING"
    assert store.get_run(run.run_id).info.status == "FINISHED"
    assert log() == run


def test_run_that_failed_midway_is_made_again(log, store):
    with pytest.raises(UnicodeDecodeError):
        log(files={"gate.json": b"\xff"})
    assert [run.info.status for run in runs(store)] == ["FAILED"]

    run = log()

    assert sorted(found.info.status for found in runs(store)) == ["FAILED", "FINISHED"]
    assert store.get_run(run.run_id).info.status == "FINISHED"


def test_candidate_is_registered_once(log, store, uri):
    run = log()

    versions = [tracking.register(uri, "parcels", run, candidate=CANDIDATE, tags={"why": "first"}) for _ in range(3)]

    assert versions == [1, 1, 1]
    (version,) = store.search_model_versions("name = 'parcels'")
    assert version.run_id == run.run_id
    assert version.tags == {"why": "first", "candidate": CANDIDATE}


def test_next_candidate_is_the_next_version(log, uri):
    first = tracking.register(uri, "parcels", log(), candidate=CANDIDATE, tags={})
    second = tracking.register(uri, "parcels", log("e" * 64), candidate="e" * 64, tags={})
    elsewhere = tracking.register(uri, "letters", log(), candidate=CANDIDATE, tags={})

    assert (first, second, elsewhere) == (1, 2, 1)


def test_registering_promotes_nothing(log, store, uri):
    tracking.register(uri, "parcels", log(), candidate=CANDIDATE, tags={})

    assert store.get_registered_model("parcels").aliases == {}


def test_alias_follows_the_version_that_is_named_whatever_else_moved_it(log, store, uri):
    for candidate in (CANDIDATE, "e" * 64):
        tracking.register(uri, "parcels", log(candidate), candidate=candidate, tags={})

    for version in (1, 2, 1, 1):
        tracking.mirror_champion(uri, "parcels", version)
        assert int(store.get_model_version_by_alias("parcels", "champion").version) == version
    store.set_registered_model_alias("parcels", "champion", "2")
    tracking.mirror_champion(uri, "parcels", 1)

    aliases = store.get_registered_model("parcels").aliases
    assert {alias: int(version) for alias, version in aliases.items()} == {"champion": 1}


def test_store_that_does_not_work_is_one_block_that_may_be_tried_again(tmp_path, log):
    (tmp_path / "broken.db").write_bytes(b"not a database" * 100)
    broken = f"sqlite:///{tmp_path / 'broken.db'}"

    for ask in (
        lambda: tracking.register(broken, "parcels", tracking.Run(run_id="r", model_uri="m"), candidate="c", tags={}),
        lambda: tracking.mirror_champion(broken, "parcels", 1),
    ):
        with pytest.raises(Unavailable) as caught:
            ask()
        assert (caught.value.code, caught.value.exit_code, caught.value.where) == ("DEP002", 5, broken)


def test_alias_of_a_version_that_is_not_there_is_an_error_and_no_alias(log, store, uri):
    tracking.register(uri, "parcels", log(), candidate=CANDIDATE, tags={})

    with pytest.raises(Unavailable):
        tracking.mirror_champion(uri, "parcels", 9)

    assert store.get_registered_model("parcels").aliases == {}


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
