"""Step: candidate and baseline on rows that tuning never saw -> a report and the scores behind it."""

import logging

import pandas as pd
from prefect import task

from evergreen import evaluation
from evergreen import model as models
from evergreen.artifacts import FolderRef, TableRef, Value, Workspace
from evergreen.consistency import GATE_METRIC
from evergreen.estimates import Estimates
from evergreen.evaluation import Report
from evergreen.params import EvaluateParams
from tasks.engine import RECORDED

log = logging.getLogger(__name__)


class Evaluated(Value):
    """Metrics, and per test row the label and what both models make of it."""

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
    estimates, simpler = loaded.predict(unseen), simple.predict(unseen)
    scores = pd.DataFrame({"label": unseen[label], **estimates.columns("candidate"), **simpler.columns("baseline")})

    def measured(rows: pd.DataFrame, of: Estimates) -> dict[str, float]:
        return evaluation.measure(rows[label].to_numpy(), of, threshold=params.threshold)

    report = Report(
        family=loaded.manifest["family"],
        baseline_family=simple.manifest["family"],
        candidate=measured(unseen, estimates),
        baseline=measured(unseen, simpler),
        train=measured(seen, loaded.predict(seen)),
        n_train=train.rows,
        n_test=test.rows,
    )
    metric = GATE_METRIC[loaded.contract.task]
    log.info(
        "evaluate: %s %.4f, baseline %.4f, %d rows",
        metric,
        report.candidate[metric],
        report.baseline[metric],
        test.rows,
    )
    return Evaluated(report=report, scores=ws.write("scores", scores))
