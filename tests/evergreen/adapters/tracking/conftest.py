"""MLflow's real store, and a training that is logged to it."""

import shutil
from pathlib import Path
from typing import Any

import pytest
from mlflow import MlflowClient
from trainings import CANDIDATE, training

from evergreen.adapters import tracking


@pytest.fixture
def uri(prepared_state: Path, tmp_path: Path) -> str:
    """The address of a fresh store, copied because migrating one takes seconds."""
    shutil.copy(prepared_state / "mlflow" / "mlflow.db", tmp_path / "mlflow.db")
    return f"sqlite:///{tmp_path / 'mlflow.db'}"


@pytest.fixture
def store(uri: str) -> MlflowClient:
    return MlflowClient(tracking_uri=uri, registry_uri=uri)


@pytest.fixture
def log(uri: str, tmp_path: Path) -> Any:
    """Return a function that logs a training; what is not given is the same every time."""
    mlflow_tracker = tracking.MlflowTracker(uri, tmp_path / "artifacts")
    return lambda candidate=CANDIDATE, **changed: mlflow_tracker.log(training(candidate, **changed))
