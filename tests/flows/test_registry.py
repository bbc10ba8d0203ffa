"""A training beside MLflow's real store: its database is deleted, its aliases are moved, and the ledger goes on."""

import itertools
import logging
import shutil
from pathlib import Path

import pytest
from direct import Direct
from mlflow import MlflowClient

from evergreen.project import Project
from evergreen.record.outcomes import champion_facts
from flows.training import train_and_judge
from tasks.describe import describe
from tasks.mirror import mirror
from tasks.register import register
from tasks.track import track

pytestmark = pytest.mark.filterwarnings("ignore:.*Any type hint is inferred:UserWarning")
REAL = {step.name: step.fn for step in (track, register, mirror)}


@pytest.fixture
def tracked(fresh, project, lost):
    """A project of visits beside an empty store of MLflow."""
    shutil.copy(project / "requirements.lock", fresh.settings.project)
    return lost()


@pytest.fixture
def lost(fresh, prepared_state, tmp_path, monkeypatch):
    """Return a way to open the project beside an empty store: in one process MLflow keeps a deleted file open."""
    stores = itertools.count(1)

    def lost(*overrides):
        database = tmp_path / f"mlflow-{next(stores)}.db"
        shutil.copy(prepared_state / "mlflow" / "mlflow.db", database)
        monkeypatch.setenv("EVERGREEN_MLFLOW_TRACKING_URI", f"sqlite:///{database}")
        return Project.open(overrides=overrides)

    return lost


def store_of(opened):
    return MlflowClient(tracking_uri=opened.settings.tracking_uri(), registry_uri=opened.settings.tracking_uri())


def versions(opened):
    found = store_of(opened).search_model_versions("name = 'visits'")
    return {int(version.version): version.tags["model_digest"] for version in found}


def test_training_after_the_database_was_deleted_has_the_next_number_everywhere(tracked, lost, caplog):
    first = train_and_judge(tracked, reason="first", do=Direct(**REAL))
    opened = lost("evaluate.threshold=0.3")

    with caplog.at_level(logging.INFO):
        second = train_and_judge(opened, reason="fewer misses", do=Direct(**REAL))

    assert (first.version, second.version) == (1, 2)
    ledger = opened.ledger()
    assert (ledger.champion("visits").version, ledger.changes("visits")[-1].payload["version"]) == (2, 2)
    assert "is version 2 of 'visits'" in caplog.text
    assert versions(opened) == {1: first.model_digest, 2: second.model_digest}
    model = store_of(opened).get_registered_model("visits")
    assert {alias: int(version) for alias, version in model.aliases.items()} == {"champion": 2, "previous": 1}
    run = store_of(opened).get_model_version("visits", "2").run_id
    assert store_of(opened).get_run(run).data.metrics["roc_auc"] == second.metrics["roc_auc"]
    restored = store_of(opened).get_model_version("visits", "1")
    assert Path(restored.source.removeprefix("file://")).is_dir()


def test_same_training_after_the_database_was_deleted_brings_its_version_back(tracked, lost):
    outcome = train_and_judge(tracked, reason="first", do=Direct(**REAL))
    opened = lost()
    assert train_and_judge(opened, reason="again", do=Direct(**REAL)).version == 1
    assert versions(opened) == {1: outcome.model_digest}
    assert opened.ledger().entries("visits", "foreign") == []


def test_description_in_the_registry_is_the_summary_of_the_card(tracked):
    train_and_judge(tracked, reason="first", do=Direct(**REAL, describe=describe.fn))
    described = store_of(tracked).get_model_version_by_alias("visits", "champion").description
    assert described == champion_facts(tracked.ledger(), "visits").summary
    assert "roc\\_auc" in described
    assert "evergreen card 1" in described
