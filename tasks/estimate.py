"""Step: a window's answers, and the gate's rows with their labels -> what the performance would be without labels."""

from dataclasses import replace
from datetime import datetime

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
from prefect import task

from evergreen.base.artifacts.refs import FolderRef, TableRef
from evergreen.base.artifacts.workspace import Workspace
from evergreen.config.contract.contract import Contract
from evergreen.config.params.harm import HarmParams
from evergreen.decisions.drift.estimated import decision as estimating
from evergreen.decisions.drift.estimated.decision import METRIC, Estimated
from evergreen.decisions.drift.estimated.rows import Rows
from evergreen.decisions.drift.guarded import guarded
from evergreen.learning.evaluation.clusters import Clusters
from evergreen.record.plan.wholeness import holds
from evergreen.record.predicted import answered, nothing
from evergreen.record.reference import DAY, TARGET, Reference
from tasks.engine import RECORDED

MOST_WITH_FEATURES = 1_000_000  # rows that are read to be weighted


@task(name="estimate", timeout_seconds=1800, **RECORDED)
def estimate(
    answers: TableRef | None,
    *,
    rows: TableRef | None,
    reference: FolderRef,
    ws: Workspace,
    contract: Contract,
    threshold: float,
    harm: HarmParams,
    confidence: float,
    before: datetime,
    seed: int,
) -> Estimated:
    """Estimate the loss and the gate's metric of a window whose labels nobody need know.

    Parameters
    ----------
    rows : those that were answered, in the order of the answers; None where they cannot be told apart.
    before : answers from this time on had not been given yet.
    """
    frozen = Reference.read(ws.path(reference.uri), reference.sha256)
    table = ws.read(answers) if answers else nothing(contract.task)
    happened = (pd.to_datetime(table["event_at"], utc=True) < before).to_numpy()
    promise = frozen.promise(contract.task, threshold=threshold, loss=harm.loss, tolerance=harm.tolerance)
    gate, test = frozen.gate, frozen.test
    if gate is None:
        gate = table.iloc[:0].assign(**{DAY: pd.Series(dtype="datetime64[us]"), TARGET: None})
    features: tuple[pd.DataFrame | None, pd.DataFrame | None] = (None, None)
    names = [column.name for column in contract.features if not column.pii]
    if rows and test and holds(ws, test) and rows.rows <= MOST_WITH_FEATURES:
        features = ws.read(test, columns=names), answered(pq.read_table(ws.verified(rows)), table, names)
    days = pd.to_datetime(table["event_at"], utc=True).dt.tz_convert(contract.timezone).dt.tz_localize(None)
    return guarded(
        lambda: estimating.decide(
            contract.task,
            replace(_rows(gate, gate[DAY], contract, features[0]), labels=gate[TARGET].to_numpy()),
            _rows(table, days.dt.normalize(), contract, features[1]).of(happened),
            loss=promise.loss,
            threshold=threshold,
            scale=promise.scale,
            confidence=confidence,
            seed=seed,
        ),
        lambda why: Estimated(
            verdict="unknown",
            evidence=why,
            metric=METRIC[contract.task],
            loss_name=promise.loss,
            n_reference=len(gate),
            n_window=int(happened.sum()),
            confidence=confidence,
        ),
    )


def _rows(answers: pd.DataFrame, days: pd.Series, contract: Contract, features: pd.DataFrame | None) -> Rows:
    codes = np.unique(days.to_numpy(), return_inverse=True)[1].astype(np.int64)
    return Rows(
        said=answers["value" if contract.task == "regression" else "probability"].to_numpy(),
        clusters=Clusters("day", codes, in_time=True),
        answers=answers["label"].to_numpy() if contract.task == "multiclass" else None,
        features=features,
    )
