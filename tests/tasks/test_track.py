"""The track step: everything that is kept of a training of each task, and nothing personal."""

import json
import shutil
from pathlib import Path

import candidates
import parameters
import proofs
import pytest
import tables

from evergreen.adapters import tracking
from evergreen.config.contract.contract import Contract
from evergreen.config.objectives import GATE_METRIC
from evergreen.config.params.params import Params
from evergreen.config.settings import Settings
from evergreen.decisions.gate.check import Check
from evergreen.decisions.gate.verdict import Verdict
from evergreen.learning.model import model as models
from evergreen.record.outcomes import StepRun
from tasks.attach import attach
from tasks.track import track

# MLflow warns of its own type hints when it is imported, which is inside the first call.
pytestmark = pytest.mark.filterwarnings("ignore:.*Any type hint is inferred:UserWarning")


PROJECT = Path(__file__).parents[2]


UNTIMED = ("features={rare_category: 5, test_share: 0.3}", "gate.floor=0.3")


OVERRIDES = {
    "binary": UNTIMED,
    "multiclass": (*UNTIMED, "gate.metric=balanced_accuracy"),
    "regression": (*UNTIMED, "gate.metric=r2", "tune.families={linear: {}}", "train.baseline={}"),
}


STEPS = (
    StepRun(name="ingest", cached=True, seconds=0.1, cpu_seconds=0.1, rss_mb=200),
    StepRun(name="tune", cached=False, seconds=3.0, cpu_seconds=2.5, rss_mb=300),
)


EVERY = pytest.mark.parametrize("which", tables.TASKS)


@pytest.fixture(scope="module")
def chain(tmp_path_factory):
    """Return a function that gives the one chain of a table."""
    folder = tmp_path_factory.mktemp("chains")
    return lambda which: tables.shared(which, folder)


def model_of(chain, ref=None):
    ref = ref or chain.trained.model
    return models.load(chain.ws.path(ref.uri), ref.sha256)


@pytest.fixture
def settings(prepared_state, tmp_path):
    (tmp_path / "mlflow").mkdir()
    shutil.copy(prepared_state / "mlflow" / "mlflow.db", tmp_path / "mlflow" / "mlflow.db")
    return Settings(home=tmp_path)


def tracked(made, settings, params, *, model=None):
    check = Check(name="floor", outcome="passed", text="high enough")
    verdict = Verdict(verdict="PASS", promote=True, checks=(check,))
    candidate = candidates.of(made, model=model or made.trained.model)
    return track.fn(
        candidate,
        verdict=verdict,
        compared=proofs.case_of(made, candidate=candidate).compared,
        steps=STEPS,
        ws=made.ws,
        params=params,
        settings=settings,
        tags={"training_reason": "asked"},
    )


@EVERY
def test_run_holds_the_metrics_of_its_task(which, chain, settings, tmp_path):
    made = chain(which)
    report = made.evaluated.report

    params = Params.load(parameters.FILE, OVERRIDES[which])
    run = tracked(made, settings, params)

    store = tracking.client(settings.tracking_uri())
    whole = Path(store.download_artifacts(run.run_id, "params.json", tmp_path)).read_bytes()
    assert Params.model_validate_json(whole) == params
    logged = store.get_run(run.run_id).data.metrics
    assert store.get_run(run.run_id).data.tags["verdict"] == "promote"
    assert {name: logged[name] for name in report.candidate} == report.candidate
    assert (logged["rows_kept"], logged["rows_quarantined"]) == (7, 2)
    assert (logged["rows_train"], logged["rows_gate"]) == (report.n_train, report.n_test)
    assert logged["slice.0.rows"] + logged["slice.1.rows"] == report.n_test
    assert logged.get("threshold") == (report.threshold if which == "binary" else None)
    assert "data_docs/index.html" in {file.path for file in store.list_artifacts(run.run_id, "data_docs")}
    assert logged["prior_" + GATE_METRIC[which]] == report.baselines["prior"][GATE_METRIC[which]]
    assert logged[f"{GATE_METRIC[which]}_low"] == report.intervals[GATE_METRIC[which]][0]
    assert (logged["step.tune.cpu_seconds"], logged["step.tune.rss_mb"]) == (2.5, 300)
    assert "step.ingest.seconds" not in logged
    gap = report.train[GATE_METRIC[which]] - report.candidate[GATE_METRIC[which]]
    assert logged["train_test_gap"] == pytest.approx(gap, abs=1e-12)
    of_analysis = {"figures", "analysis.json"}
    assert not of_analysis & {file.path for file in store.list_artifacts(run.run_id)}
    attach.fn(made.analysis, model=made.contract.name, candidate=candidates.of(made).key, settings=settings)
    assert of_analysis <= {file.path for file in store.list_artifacts(run.run_id)}


def test_classes_that_no_parameter_can_be_named_after_are_logged_as_one(chain, settings):
    costs = "evaluate.costs={'<=50K': {'>50K': 1.5}, plain: {other: 2}}"
    params = Params.load(parameters.FILE, (*UNTIMED, costs))

    run = tracked(chain("binary"), settings, params)

    logged = tracking.client(settings.tracking_uri()).get_run(run.run_id).data.params
    assert logged["evaluate.costs"] == "{'<=50K': {'>50K': 1.5}, 'plain': {'other': 2.0}}"
    assert logged["features.test_share"] == "0.3"


def test_example_of_the_model_holds_no_personal_values(chain, settings):
    made = chain("binary")
    columns = made.contract.model_dump()["columns"]
    kept = [{**column, "pii": "keep"} if column["name"] == "mean_area" else column for column in columns]
    contract = Contract.model_validate({**made.contract.model_dump(by_alias=True), "columns": kept})
    loaded = model_of(made)
    model = models.save(
        made.ws, "personal", loaded.pipeline, contract=contract, features=loaded.features, about={"seed": tables.SEED}
    )

    tracked(made, settings, Params.load(parameters.FILE, UNTIMED), model=model)

    (example,) = settings.home.rglob("input_example.json")
    shown = json.loads(example.read_text())
    at = {name: shown["columns"].index(name) for name in ("mean_area", "mean_radius")}
    assert {row[at["mean_area"]] for row in shown["data"]} == {0.0}
    assert len({row[at["mean_radius"]] for row in shown["data"]}) == 5
