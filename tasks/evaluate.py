"""Step: candidate and baseline on rows that tuning never saw -> a report and the scores behind it."""

import logging

import pandas as pd
from prefect import task

from evergreen import evaluation
from evergreen import model as models
from evergreen.artifacts import FolderRef, TableRef, Value, Workspace
from evergreen.evaluation import Report
from evergreen.params import EvaluateParams
from tasks.engine import RECORDED

log = logging.getLogger(__name__)


class Evaluated(Value):
    """Metrics, and per test row the label and both probabilities."""

    report: Report
    scores: TableRef


@task(name="evaluate", timeout_seconds=1800, **RECORDED)
def evaluate(
    model: FolderRef, baseline: FolderRef, train: TableRef, test: TableRef, ws: Workspace, params: EvaluateParams
) -> Evaluated:
    """Measure the saved artifacts, not the objects in memory: what is judged is what would be served."""
    loaded = models.load(ws.path(model.uri), model.sha256)
    simple = models.load(ws.path(baseline.uri), baseline.sha256)
    seen, unseen = ws.read(train), ws.read(test)
    label = loaded.contract.target
    scores = pd.DataFrame(
        {
            "label": unseen[label],
            "candidate": loaded.probabilities(unseen),
            "baseline": simple.probabilities(unseen),
        }
    )
    report = Report(
        family=loaded.manifest["family"],
        baseline_family=simple.manifest["family"],
        candidate=evaluation.measure(
            scores["label"].to_numpy(), scores["candidate"].to_numpy(), threshold=params.threshold
        ),
        baseline=evaluation.measure(
            scores["label"].to_numpy(), scores["baseline"].to_numpy(), threshold=params.threshold
        ),
        train=evaluation.measure(seen[label].to_numpy(), loaded.probabilities(seen), threshold=params.threshold),
        n_train=train.rows,
        n_test=test.rows,
    )
    log.info(
        "evaluate: AUC %.4f, baseline %.4f, %d rows", report.candidate["roc_auc"], report.baseline["roc_auc"], test.rows
    )
    return Evaluated(report=report, scores=ws.write("scores", scores))
