"""The attach step: an analysis beside its candidate's run, once."""

import functools
import shutil
from pathlib import Path

import pytest
import tables

from evergreen.adapters import tracking
from evergreen.base.errors import IntegrityError
from evergreen.config.settings import Settings
from evergreen.learning.analysis.values import Analysis
from tasks.attach import attach

EVERY = pytest.mark.parametrize("which", tables.TASKS)


CANDIDATE = "c" * 64


@pytest.fixture(scope="module")
def chain(tmp_path_factory):
    """Return a function that gives the one chain of a table."""
    folder = tmp_path_factory.mktemp("chains")
    return lambda which: tables.shared(which, folder)


@pytest.fixture(scope="module")
def analysed(chain):
    """Return a function that gives the one analysis of a table's candidate."""
    return functools.cache(lambda which: chain(which).analysed())


@pytest.fixture
def settings(prepared_state, tmp_path):
    (tmp_path / "mlflow").mkdir()
    shutil.copy(prepared_state / "mlflow" / "mlflow.db", tmp_path / "mlflow" / "mlflow.db")
    return Settings(home=tmp_path)


def run_of(settings):
    """Return a finished run of the candidate, without anything in it."""
    store = tracking.client(settings.tracking_uri())
    experiment = store.create_experiment("parcels", artifact_location=(settings.home / "artifacts").as_uri())
    run = store.create_run(experiment, tags={"candidate": CANDIDATE, "model_uri": "models:/m"}).info.run_id
    store.set_terminated(run)
    return store, run


@EVERY
def test_figures_of_its_task_are_attached_to_the_run_and_a_second_time_changes_nothing(
    which, analysed, settings, tmp_path: Path
):
    store, run = run_of(settings)
    for _ in range(2):
        attach.fn(analysed(which), model="parcels", candidate=CANDIDATE, settings=settings)

    figures = {file.path.removeprefix("figures/") for file in store.list_artifacts(run, "figures")}
    both = {"figures.html", "importance.png", "learning_curve.png"}  # every slice of so few rows is too small
    classes = {"confusion_matrix.png", "precision_recall.png", "reliability.png", "roc.png"}
    assert figures == both | (classes if which != "regression" else {"residuals.png", "residual_quantiles.png"})
    kept = Path(store.download_artifacts(run, "analysis.json", tmp_path)).read_bytes()
    assert Analysis.model_validate_json(kept) == analysed(which)


def test_candidate_without_a_finished_run_is_refused(analysed, settings):
    with pytest.raises(IntegrityError) as caught:
        attach.fn(analysed("binary"), model="parcels", candidate=CANDIDATE, settings=settings)

    assert caught.value.code == "TRK002"
