"""MLflow: a training becomes a run, a promoted candidate a registered version; its alias mirrors the ledger."""

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.metadata import version as installed
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evergreen.artifacts import Value
from evergreen.errors import Unavailable
from evergreen.model import TRUSTED_TYPES

if TYPE_CHECKING:
    import pandas as pd
    from mlflow import MlflowClient
    from sklearn.pipeline import Pipeline

log = logging.getLogger(__name__)
CHAMPION = "champion"
CANDIDATE_TAG = "candidate"


class Run(Value):
    """A finished MLflow run and the model logged in it."""

    run_id: str
    model_uri: str


@contextmanager
def explain_failure(uri: str) -> Iterator[None]:
    """Turn an MLflow or database failure into one block that says it may be tried again."""
    from mlflow.exceptions import MlflowException
    from sqlalchemy.exc import SQLAlchemyError

    try:
        yield
    except (MlflowException, SQLAlchemyError, OSError) as error:
        raise Unavailable(
            "DEP002",
            f"MLflow does not work: {error}",
            where=uri,
            next_step="Check the address and the disk, then run the same command again.",
        ) from error


def client(uri: str) -> "MlflowClient":
    from mlflow import MlflowClient

    return MlflowClient(tracking_uri=uri, registry_uri=uri)


def log_training(
    uri: str,
    *,
    experiment: str,
    candidate: str,
    artifacts: Path,
    params: Mapping[str, Any],
    metrics: Mapping[str, float],
    tags: Mapping[str, str],
    files: Mapping[str, bytes],
    pipeline: "Pipeline",
    example: "pd.DataFrame",
) -> Run:
    """Log one training and return its run; a candidate that was logged before keeps its first run.

    A run of the same candidate that a killed process left open is closed as failed.

    Parameters
    ----------
    artifacts : folder for the artifacts of a new experiment, used when the store is a database.
    files : figures and texts by path inside the run.
    example : a few input rows; signature and input example are taken from them.
    """
    import mlflow

    with explain_failure(uri):
        mlflow.set_tracking_uri(uri)
        mlflow.set_registry_uri(uri)
        store = client(uri)
        found = store.get_experiment_by_name(experiment)
        experiment_id = (
            found.experiment_id
            if found
            else store.create_experiment(
                experiment, artifact_location=artifacts.as_uri() if uri.startswith("sqlite") else None
            )
        )
        for run in store.search_runs([experiment_id], f"tags.{CANDIDATE_TAG} = '{candidate}'"):
            if run.info.status == "FINISHED":
                return Run(run_id=run.info.run_id, model_uri=run.data.tags["model_uri"])
            if run.info.status == "RUNNING":
                store.set_tag(run.info.run_id, "reason", "its process ended before the run did")
                store.set_terminated(run.info.run_id, "FAILED")
        with mlflow.start_run(
            experiment_id=experiment_id, run_name=f"training-{candidate[:8]}", tags={**tags, CANDIDATE_TAG: candidate}
        ) as active:
            mlflow.log_params(dict(params))
            mlflow.log_metrics(dict(metrics))
            for path, content in files.items():
                _log_file(store, active.info.run_id, path, content)
            model_uri = _log_model(pipeline, example)
            mlflow.set_tag("model_uri", model_uri)
        return Run(run_id=active.info.run_id, model_uri=model_uri)


def _log_file(store: "MlflowClient", run_id: str, path: str, content: bytes) -> None:
    if path.endswith(".png"):
        import io

        from PIL import Image

        store.log_image(run_id, Image.open(io.BytesIO(content)), path)
    else:
        store.log_text(run_id, content.decode(), path)


def _log_model(pipeline: "Pipeline", example: "pd.DataFrame") -> str:
    import mlflow
    from mlflow.models import infer_signature

    answer = "predict_proba" if hasattr(pipeline, "predict_proba") else "predict"
    logged = mlflow.sklearn.log_model(
        pipeline,
        name="model",
        signature=infer_signature(example, getattr(pipeline, answer)(example)),
        input_example=example,
        serialization_format="skops",
        skops_trusted_types=list(TRUSTED_TYPES),
        pyfunc_predict_fn=answer,
        # Given, so that MLflow does not infer them in a subprocess that asks the package index.
        pip_requirements=[f"{name}=={installed(name)}" for name in ("scikit-learn", "skops", "pandas", "numpy")],
    )
    return str(logged.model_uri)


def register(uri: str, name: str, run: Run, *, candidate: str, tags: Mapping[str, str]) -> int:
    """Return the registered version of a candidate, creating it only once."""
    with explain_failure(uri):
        store = client(uri)
        if not store.search_registered_models(f"name = '{name}'"):
            store.create_registered_model(name)
        for found in store.search_model_versions(f"name = '{name}'"):
            if found.tags.get(CANDIDATE_TAG) == candidate:
                return int(found.version)
        created = store.create_model_version(
            name, source=run.model_uri, run_id=run.run_id, tags={**tags, CANDIDATE_TAG: candidate}
        )
        return int(created.version)


def mirror_champion(uri: str, name: str, version: int) -> None:
    """Point the alias `champion` at the version that the ledger names."""
    with explain_failure(uri):
        client(uri).set_registered_model_alias(name, CHAMPION, str(version))
