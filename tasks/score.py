"""Step: a model and rows that keep the contract -> one prediction a row."""

import logging

from prefect import task

from evergreen import model as models
from evergreen import scoring
from evergreen.artifacts import FolderRef, TableRef, Value, Workspace
from tasks.engine import RECORDED

log = logging.getLogger(__name__)


class Scored(Value):
    """Predictions in the rows' order, with the target where it is known."""

    predictions: TableRef


@task(name="score", timeout_seconds=3600, **RECORDED)
def score(rows: TableRef, model: FolderRef, version: int, threshold: float, ws: Workspace) -> Scored:
    """Score a table as the service would, row for row."""
    loaded = models.load(ws.path(model.uri), model.sha256)
    contract = loaded.contract
    table = ws.read(rows, columns=contract.model_columns)
    predictions = scoring.score(table, loaded, version=version, threshold=threshold)
    log.info("score: %d rows by version %d", len(table), version)
    return Scored(predictions=ws.write("predictions", predictions.assign(target=table[contract.target])))
