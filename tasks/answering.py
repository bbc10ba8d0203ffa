"""Step: what several versions say of a window's rows, and from when on each answers -> the losses of its days."""

from collections.abc import Sequence
from datetime import datetime

import numpy as np
import pandas as pd
from prefect import task

from evergreen.base.artifacts.refs import FolderRef, TableRef
from evergreen.base.artifacts.workspace import Workspace
from evergreen.base.values import Value
from evergreen.config.contract.contract import Contract
from evergreen.config.params.harm import HarmParams
from evergreen.decisions import performance as domain
from evergreen.decisions.drift.harm.days import Day, days_of, losses
from evergreen.learning.evaluation.difference import PerformanceError
from evergreen.learning.evaluation.estimates import COMPARED
from evergreen.record.reference import Reference
from tasks.engine import RECORDED

EVENT = "event_at"


class Turn(Value):
    """A version's answers to all rows of a window, of which those count whose event lies at `begins` or later.

    `threshold`: from which probability on it says true. `begins`: None where it answers from the first row on.
    """

    answers: TableRef
    threshold: float
    begins: datetime | None = None


class Answered(Value):
    """The losses of a window's days by whoever answered, and the gate's metric; None where it cannot be measured."""

    days: tuple[Day, ...]
    value: float | None


@task(name="answering", timeout_seconds=1800, **RECORDED)
def answering(
    turns: Sequence[Turn],
    *,
    reference: FolderRef,
    threshold: float,
    ws: Workspace,
    contract: Contract,
    harm: HarmParams,
) -> Answered:
    """Add up by local day what was lost, each row answered by the last version whose turn had begun.

    Parameters
    ----------
    turns : at least one, of answers to the same rows in the same order, by when they begin.
    reference, threshold : of the version whose kind and scale of loss hold for all.
    """
    promise = Reference.read(ws.path(reference.uri), reference.sha256).promise(
        contract.task, threshold=threshold, loss=harm.loss, tolerance=harm.tolerance
    )
    tables = [ws.read(turn.answers) for turn in turns]
    events = pd.to_datetime(tables[0][EVENT], utc=True)
    target, column = tables[0]["target"], COMPARED[contract.task]
    given, lost = tables[0][column].copy(), np.full(len(target), np.nan)
    for turn, table in zip(turns, tables, strict=True):
        its = (events >= turn.begins).to_numpy() if turn.begins else np.ones(len(target), dtype=bool)
        given[its] = table.loc[its, column]
        lost[its] = losses(
            contract.task,
            target[its].reset_index(drop=True),
            given[its].reset_index(drop=True),
            loss=promise.loss,
            threshold=turn.threshold,
            scale=promise.scale,
        )
    known = ~np.isnan(lost)
    days = events[known].dt.tz_convert(contract.timezone).dt.date
    return Answered(days=days_of(list(days), lost[known]) if known.any() else (), value=_value(target, given, contract))


def _value(target: pd.Series, given: pd.Series, contract: Contract) -> float | None:
    try:
        return domain.measure(contract.task, target, given).value
    except PerformanceError:
        return None
