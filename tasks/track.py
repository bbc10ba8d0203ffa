"""Step: a judged candidate -> its run in the tracker."""

from collections.abc import Mapping

from prefect import task

from evergreen import figures
from evergreen import model as models
from evergreen.adapters import tracking
from evergreen.adapters.tracking import Run
from evergreen.artifacts import FolderRef, TableRef, Workspace, read_folder
from evergreen.estimates import Estimates
from evergreen.evaluation import Report
from evergreen.features import build
from evergreen.gate import Verdict
from evergreen.params import Params
from evergreen.settings import Settings
from evergreen.tuning.search import Best
from evergreen.validation import Validation
from tasks.engine import RETRIED

EXAMPLE_ROWS = 5


@task(name="track", timeout_seconds=1800, **RETRIED)
def track(
    candidate: str,
    model: FolderRef,
    best: Best,
    report: Report,
    verdict: Verdict,
    test: TableRef,
    scores: TableRef,
    validation: Validation,
    docs: FolderRef,
    ws: Workspace,
    params: Params,
    settings: Settings,
    tags: Mapping[str, str],
) -> Run:
    """Log parameters, metrics, figures, digests, what validation found and the model, whatever the verdict is."""
    loaded = models.load(ws.path(model.uri), model.sha256)
    judged = ws.read(scores)
    _, pages = read_folder(ws.path(docs.uri), docs.sha256)
    candidates, baselines = (
        Estimates.read(judged, name, loaded.contract.task, loaded.classes) for name in ("candidate", "baseline")
    )
    drawn = figures.draw(judged["label"].to_numpy(), candidates, baselines, threshold=params.evaluate.threshold)
    metrics = {
        **report.candidate,
        **{f"baseline_{name}": value for name, value in report.baseline.items()},
        **{f"train_{name}": value for name, value in report.train.items()},
        "train_test_gap": report.train[params.gate.metric] - report.candidate[params.gate.metric],
        "tune_score": best.score,
        "rows_kept": validation.kept,
        "rows_quarantined": validation.quarantined,
    }
    return tracking.log_training(
        settings.tracking_uri(),
        experiment=loaded.contract.name,
        candidate=candidate,
        artifacts=settings.home / "mlflow" / "artifacts",
        params={
            **_flat(params.model_dump(mode="json")),
            "family": best.family,
            **{f"best.{k}": v for k, v in best.params.items()},
        },
        metrics=metrics,
        tags={**tags, "verdict": "promote" if verdict.promote else "refuse", "reason": verdict.reason},
        files={
            **drawn,
            "gate.json": verdict.model_dump_json(indent=1).encode(),
            "contract.json": loaded.contract.model_dump_json(by_alias=True, indent=1).encode(),
            "validation.json": validation.model_dump_json(indent=1).encode(),
            **{f"data_docs/{path}": page for path, page in pages.items()},
        },
        pipeline=loaded.pipeline,
        example=build(ws.read(test).head(EXAMPLE_ROWS), loaded.contract, loaded.features),
    )


def _flat(section: Mapping[str, object], prefix: str = "") -> dict[str, object]:
    flat: dict[str, object] = {}
    for name, value in section.items():
        flat |= _flat(value, f"{prefix}{name}.") if isinstance(value, Mapping) else {f"{prefix}{name}": value}
    return flat
