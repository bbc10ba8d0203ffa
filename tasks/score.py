"""Step: a model and rows that keep the contract -> one prediction a row."""

import logging
from collections.abc import Sequence

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from prefect import task

from evergreen.base.artifacts.refs import DatasetRef, FolderRef, TableRef
from evergreen.base.artifacts.workspace import Workspace
from evergreen.base.values import Value
from evergreen.config.contract.contract import Contract
from evergreen.data import datasets, validation
from evergreen.data.typed.schema import to_pandas
from evergreen.learning.features import history
from evergreen.learning.model import model as models
from evergreen.learning.model import scoring
from evergreen.learning.model.model import Model
from tasks.engine import RECORDED

log = logging.getLogger(__name__)
EVENT = "event_at"  # the row's time, as the prediction log calls it


class Scored(Value):
    """Predictions in the rows' order, with the row's time, and the target where it is known."""

    predictions: TableRef


@task(name="score", timeout_seconds=3600, **RECORDED)
def score(
    rows: TableRef, *, model: FolderRef, version: int, threshold: float, ws: Workspace, past: DatasetRef | None = None
) -> Scored:
    """Score a table as the service would, row for row.

    Parameters
    ----------
    past : where the model has features of the past, the rows that they look back on; others may be among them.
    """
    loaded = models.load(ws.path(model.uri), model.sha256)
    contract = loaded.contract
    looked_back_on = history.needed(contract, loaded.features)
    columns = dict.fromkeys((*contract.model_columns, *looked_back_on))
    table = to_pandas(pq.read_table(ws.verified(rows), columns=list(columns)))
    if past is not None:
        table = with_history(table, _kept(past, ws, contract, looked_back_on), loaded)
    predictions = scoring.score(table, loaded, version=version, threshold=threshold)
    log.info("score: %d rows by version %d", len(table), version)
    known = {"target": table[contract.target], **({EVENT: table[contract.time]} if contract.time else {})}
    return Scored(predictions=ws.write("predictions", predictions.assign(**known)))


def with_history(rows: pd.DataFrame, past: pd.DataFrame, model: Model) -> pd.DataFrame:
    """Return rows with the model's features of the past, computed from those of `past` that lie before all of them."""
    time = model.contract.time
    assert time is not None
    known = history.PastRows(model.contract, model.features)
    known.derive(past[past[time] < rows[time].min()])
    return known.derive(rows)


def _kept(ref: DatasetRef, ws: Workspace, contract: Contract, columns: Sequence[str]) -> pd.DataFrame:
    """Return columns of a dataset version's rows that break no rule on rows: those training would have learnt from."""
    path = ws.path(ref.uri)
    stream = validation.Stream.of_dataset(contract, path, ref, today=None)
    batches = datasets.batches(path, ref, max_rows=validation.BATCH_ROWS)
    kept = (stream.take(fragment.item, batch).kept.select(list(columns)) for fragment, batch in batches)
    return to_pandas(pa.Table.from_batches(kept))
