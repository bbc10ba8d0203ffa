"""A training becomes a run, with a child run for each trial."""

import json
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from evergreen.adapters.tracking.store import CANDIDATE_TAG, client, explain_failure, without_password
from evergreen.base.errors import IntegrityError
from evergreen.record.plan.commits import UNKNOWN
from evergreen.record.tracker import Dataset, Run, Training, Trial

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import DatasetInput

MODEL_TAG = "model_uri"
# What MLflow takes in one request, and of a dataset's digest.
METRICS_AT_ONCE = 1_000
PARAMS_AT_ONCE = 100
RUNS_AT_ONCE = 1_000
DIGEST_LENGTH = 36
STATUS = {"COMPLETE": "FINISHED", "PRUNED": "KILLED", "FAIL": "FAILED"}


class MlflowTracker:
    """Logs a training as a run, with a child run for each trial.

    Parameters
    ----------
    uri : address of the store.
    artifacts : folder for the artifacts of a new experiment, used when the store is a database.
    """

    def __init__(self, uri: str, artifacts: Path) -> None:
        self.uri, self.artifacts = uri, artifacts

    def log(self, training: Training) -> Run:
        """Log a training once and return its run; one that a killed process left open is closed as failed."""
        import mlflow

        with explain_failure(self.uri):
            mlflow.set_tracking_uri(self.uri)
            mlflow.set_registry_uri(self.uri)
            store = client(self.uri)
            experiment = self._experiment(store, training.experiment)
            if run := _logged(store, experiment, training.candidate):
                metrics = {name: value for name, value in run.metrics.items() if name not in training.series}
                return run.model_copy(update={"metrics": metrics})
            created = store.create_run(
                experiment,
                run_name=training.name,
                tags={**training.tags, **_shown(training.tags), CANDIDATE_TAG: training.candidate},
            )
            with mlflow.start_run(run_id=created.info.run_id) as active:
                run_id = active.info.run_id
                uri, model_id = _log_model(training)  # first: MLflow reads each metric of the run again for its model
                _log_numbers(
                    store,
                    run_id,
                    params=training.params,
                    metrics=training.metrics,
                    series=training.series,
                    model_id=model_id,
                )
                store.log_inputs(run_id, [_input(dataset) for dataset in training.datasets])
                _log_files(store, run_id, training.files)
                for trial in training.trials:
                    _log_trial(store, experiment, run_id, trial)
                store.set_tag(run_id, MODEL_TAG, uri)
            return Run(run_id=run_id, uri=uri, metrics=dict(training.metrics))

    def attach(self, files: Mapping[str, bytes], *, experiment: str, candidate: str) -> None:
        """Add texts and pictures, by path, to the run of a candidate.

        Raises
        ------
        IntegrityError if the candidate has no finished run.
        """
        with explain_failure(self.uri):
            store = client(self.uri)
            run = _logged(store, self._experiment(store, experiment), candidate)
            if run:
                _log_files(store, run.run_id, files)
        if run is None:
            raise IntegrityError(
                "TRK002",
                f"candidate {candidate[:8]} has no finished run that an analysis could be attached to",
                where=without_password(self.uri),
                next_step="Train again: evergreen run",
            )

    def _experiment(self, store: "MlflowClient", name: str) -> str:
        if experiment := store.get_experiment_by_name(name):
            return str(experiment.experiment_id)
        artifacts = self.artifacts.as_uri() if self.uri.startswith("sqlite") else None
        return str(store.create_experiment(name, artifact_location=artifacts))


def _shown(tags: Mapping[str, str]) -> dict[str, str]:
    """Return the tags that MLflow's page shows at its top: the source with its commit, and a description."""
    commit = {"mlflow.source.git.commit": tags["commit"]} if tags.get("commit", UNKNOWN) != UNKNOWN else {}
    source = {"mlflow.source.type": "LOCAL", "mlflow.source.name": "evergreen"}
    return {**source, **commit, "mlflow.note.content": tags.get("reason", "")}


def _logged(store: "MlflowClient", experiment: str, candidate: str) -> Run | None:
    """Return the finished run of a candidate, if there is one; a run that was left open is closed, with its trials."""
    for run in store.search_runs([experiment], f"tags.{CANDIDATE_TAG} = '{candidate}'"):
        if run.info.status == "FINISHED":
            return Run(run_id=run.info.run_id, uri=run.data.tags[MODEL_TAG], metrics=run.data.metrics)
        parts = store.search_runs([experiment], f"tags.mlflow.parentRunId = '{run.info.run_id}'")
        for left in (part for part in (run, *parts) if part.info.status == "RUNNING"):
            _close(store, left.info.run_id)
    return None


def _close(store: "MlflowClient", run_id: str) -> None:
    store.set_tag(run_id, "reason", "its process ended before the run did")
    store.set_terminated(run_id, "FAILED")


def left_open(uri: str, experiment: str, *, close: bool) -> tuple[str, ...]:
    """Return the runs of ours, and of their trials, that say they are running, and mark them failed if told so.

    Only for an experiment that nobody logs to at the moment: those are of processes that were killed.
    """
    with explain_failure(uri):
        store = client(uri)
        found = store.get_experiment_by_name(experiment)
        if found is None:
            return ()
        running = store.search_runs([found.experiment_id], "attributes.status = 'RUNNING'", max_results=RUNS_AT_ONCE)
        ours = [run for run in running if {CANDIDATE_TAG, "mlflow.parentRunId"} & run.data.tags.keys()]
        if close:
            for run in ours:
                _close(store, run.info.run_id)
        return tuple(run.info.run_id for run in ours)


def _log_numbers(
    store: "MlflowClient",
    run_id: str,
    *,
    params: Mapping[str, object],
    metrics: Mapping[str, float],
    series: Mapping[str, Sequence[float]],
    model_id: str | None = None,
) -> None:
    from mlflow.entities import Metric, Param

    now, of = int(time.time() * 1000), {"run_id": run_id, "model_id": model_id}
    points = [Metric(name, value, now, 0, **of) for name, value in metrics.items()]
    points += [
        Metric(name, value, now, step, **of) for name, values in series.items() for step, value in enumerate(values)
    ]
    named = [Param(name, str(value)) for name, value in params.items()]
    store.log_batch(run_id, metrics=points[:METRICS_AT_ONCE], params=named[:PARAMS_AT_ONCE])
    for begin in range(METRICS_AT_ONCE, len(points), METRICS_AT_ONCE):
        store.log_batch(run_id, metrics=points[begin : begin + METRICS_AT_ONCE])
    for begin in range(PARAMS_AT_ONCE, len(named), PARAMS_AT_ONCE):
        store.log_batch(run_id, params=named[begin : begin + PARAMS_AT_ONCE])


def _input(dataset: Dataset) -> "DatasetInput":
    """Return what MLflow keeps of a dataset; nothing is read."""
    from mlflow.entities import Dataset as Entity
    from mlflow.entities import DatasetInput, InputTag

    return DatasetInput(
        Entity(
            name=dataset.name,
            digest=dataset.digest[:DIGEST_LENGTH],
            source_type="local",
            source=json.dumps({"uri": dataset.source, "sha256": dataset.digest}),
            profile=json.dumps({"num_rows": dataset.rows}),
        ),
        [InputTag("mlflow.data.context", dataset.context)],
    )


def fetch(uri: str, run_id: str, folder: str, target: Path) -> Path:
    """Bring a folder of files that were added to a run below `target`, and return where it lies.

    Raises
    ------
    Unavailable if MLflow does not work, or the run has no such folder.
    """
    with explain_failure(uri):
        return Path(client(uri).download_artifacts(run_id, folder, str(target)))


def _log_files(store: "MlflowClient", run_id: str, files: Mapping[str, bytes]) -> None:
    with TemporaryDirectory() as folder:
        for path, content in files.items():
            target = Path(folder, path)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)
        store.log_artifacts(run_id, folder)


def _log_trial(store: "MlflowClient", experiment: str, parent: str, trial: Trial) -> None:
    now = int(time.time() * 1000)
    created = store.create_run(
        experiment,
        start_time=now - int(trial.seconds * 1000),
        run_name=f"trial-{trial.number}",
        tags={"mlflow.parentRunId": parent, "state": trial.state},
    )
    run_id = created.info.run_id
    score = {} if trial.score is None else {"score": trial.score}
    status = "FAILED"
    try:
        _log_numbers(
            store,
            run_id,
            params={"family": trial.family, **trial.params},
            metrics={**score, "seconds": trial.seconds},
            series={"fold_score": trial.scores},
        )
        status = STATUS.get(trial.state, status)
    finally:
        store.set_terminated(run_id, status, now)


def _log_model(training: Training) -> tuple[str, str]:
    """Log the model to the active run; return where it lies, and its name in MLflow."""
    import mlflow
    from mlflow.models import infer_signature

    pipeline, example = training.pipeline, training.example
    answer = "predict_proba" if hasattr(pipeline, "predict_proba") else "predict"
    logged = mlflow.sklearn.log_model(
        pipeline,
        name="model",
        signature=infer_signature(example, getattr(pipeline, answer)(example)),
        input_example=example,
        serialization_format="skops",
        skops_trusted_types=list(training.types),
        pyfunc_predict_fn=answer,
        # Given, so that MLflow does not infer them in a subprocess that asks the package index.
        pip_requirements=list(training.requirements),
    )
    return str(logged.model_uri), str(logged.model_id)
