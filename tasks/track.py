"""Step: a judged candidate -> its run in every tracker that is wanted."""

import json
import logging
import re
from collections.abc import Mapping, Sequence
from math import isfinite

from prefect import task

from evergreen.base.artifacts.folders import read_folder
from evergreen.base.artifacts.refs import TableRef
from evergreen.base.artifacts.workspace import Workspace
from evergreen.base.values import digest_of
from evergreen.config.params.params import Params
from evergreen.config.settings import Settings
from evergreen.data.personal import without_personal
from evergreen.decisions.gate.verdict import Verdict
from evergreen.learning.features import inputs as inputs_of
from evergreen.learning.model import model as models
from evergreen.learning.model import skops_file
from evergreen.learning.tuning.best import Best
from evergreen.record.candidate import Candidate
from evergreen.record.outcomes import StepRun
from evergreen.record.plan.identity import lock_digest
from evergreen.record.plan.requirements import needed
from evergreen.record.registry.numbers import numbers_of
from evergreen.record.tracker import Dataset, Run, Training, Trial
from tasks import trackers
from tasks.engine import RETRIED

log = logging.getLogger(__name__)
EXAMPLE_ROWS = 5
NAMEABLE = re.compile(r"[\w.-]{1,80}")  # a key that may be part of a parameter's name in every tracker


@task(name="track", timeout_seconds=1800, **RETRIED)
def track(
    candidate: Candidate,
    *,
    verdict: Verdict,
    steps: Sequence[StepRun],
    ws: Workspace,
    params: Params,
    settings: Settings,
    tags: Mapping[str, str],
) -> Run:
    """Log everything about a training, whatever the verdict is, and return its run in MLflow."""
    from evergreen.adapters import onnx_export

    loaded = models.load(ws.path(candidate.model.uri), candidate.model.sha256)
    _, pages = read_folder(ws.path(candidate.docs.uri), candidate.docs.sha256)
    names = inputs_of(loaded.contract, loaded.features).names
    lock = (settings.project / "requirements.lock").read_text()
    name = loaded.contract.name
    exported = onnx_export.export(
        loaded.pipeline, ws.read(candidate.train, columns=names), task=loaded.contract.task, seed=params.seed
    )
    training = Training(
        experiment=name,
        candidate=candidate.key,
        params={
            **_flat(params.model_dump(mode="json", by_alias=True)),
            "family": candidate.best.family,
            **{f"best.{key}": value for key, value in candidate.best.params.items()},
        },
        metrics={
            **numbers_of(candidate, params.gate.metric, steps),
            "onnx_rows": exported.n_rows,
            **({} if exported.max_difference is None else {"onnx_max_difference": exported.max_difference}),
        },
        series={"fold_score": candidate.best.scores},
        tags={
            **tags,
            "verdict": "promote" if verdict.promote else "refuse",
            "reason": verdict.reason,
            "seed": str(params.seed),
            "model_digest": candidate.model.sha256,
            "data_digest": candidate.raw.sha256,
            "train_digest": candidate.train.sha256,
            "gate_digest": candidate.test.sha256,
            "contract_digest": digest_of(loaded.contract),
            "lock_digest": lock_digest(),
            "onnx": exported.why_not or "parity",
            "calibration": _calibration(candidate.best),
            "steps_cached": ", ".join(step.name for step in steps if step.cached) or "none",
        },
        datasets=[
            Dataset(name=named, context=context, digest=ref.sha256, source=ref.uri, rows=ref.rows)
            for named, context, ref in (
                (name, "ingested", candidate.raw),
                (f"{name}-train", "train", candidate.train),
                (f"{name}-gate", "gate", candidate.test),
            )
        ],
        trials=_trials(ws, candidate.trials),
        files={
            **({"onnx/model.onnx": exported.content} if exported.content else {}),
            "params.json": params.model_dump_json(by_alias=True, indent=1).encode(),
            "report.json": candidate.report.model_dump_json(indent=1).encode(),
            "gate.json": verdict.model_dump_json(indent=1).encode(),
            "contract.json": loaded.contract.model_dump_json(by_alias=True, indent=1).encode(),
            "validation.json": candidate.validation.model_dump_json(indent=1).encode(),
            **{f"data_docs/{path}": page for path, page in pages.items()},
        },
        pipeline=loaded.pipeline,
        types=skops_file.held_types((ws.path(candidate.model.uri) / "model.skops").read_bytes()),
        example=without_personal(ws.read(candidate.test, columns=names).head(EXAMPLE_ROWS), loaded.contract),
        requirements=needed(lock, candidate.best.family),
    )
    runs = {name: tracker.log(training) for name, tracker in trackers.wanted(settings).items()}
    log.info("track: %d metrics, %d trials in %s", len(training.metrics), len(training.trials), ", ".join(runs))
    return runs["mlflow"]


def _calibration(best: Best) -> str:
    if best.calibration is None:
        return "not measured"
    return best.calibration.curve.method if best.calibration.is_applied else "measured, not applied"


def _trials(ws: Workspace, trials: TableRef) -> list[Trial]:
    rows = ws.read(trials).to_dict("records")
    return [
        Trial(
            number=row["number"],
            state=row["state"],
            family=row["family"],
            params=json.loads(row["params"]),
            score=row["score"] if isfinite(row["score"]) else None,
            scores=tuple(row["scores"]),
            seconds=row["seconds"],
        )
        for row in rows
    ]


def _flat(section: Mapping[str, object], prefix: str = "") -> dict[str, object]:
    """Return parameters by dotted name; what is keyed by names of the data that no tracker takes stays whole."""
    flat: dict[str, object] = {}
    for name, value in section.items():
        if isinstance(value, Mapping) and all(map(NAMEABLE.fullmatch, value)):
            flat |= _flat(value, f"{prefix}{name}.")
        else:
            flat[f"{prefix}{name}"] = value
    return flat
