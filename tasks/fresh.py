"""Step: a window's labelled rows -> whether a model freshly fitted on the first of them does better on the others."""

import logging
from datetime import date

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow.parquet as pq
from prefect import task

from evergreen.base.artifacts.refs import FolderRef, TableRef
from evergreen.base.artifacts.workspace import Workspace
from evergreen.base.errors import EvergreenError
from evergreen.base.values import Value
from evergreen.decisions.drift.harm.days import losses
from evergreen.decisions.drift.harm.promise import Promise
from evergreen.learning import features
from evergreen.learning.evaluation.clusters import Clusters, clustered_error
from evergreen.learning.model import model as models
from evergreen.learning.tuning.recipe import Recipe
from evergreen.record.predicted import answered
from tasks.engine import RECORDED

log = logging.getLogger(__name__)
FEWEST_ROWS, FEWEST_DAYS = 200, 8
MOST_ROWS = 50_000


class Fresh(Value):
    """How much less a fresh model loses on later rows: `gain`, with its 95 % interval; None where nobody can tell."""

    evidence: str
    gain: float | None = None
    low: float | None = None
    high: float | None = None


@task(name="fresh", timeout_seconds=1800, **RECORDED)
def fresh(
    rows: TableRef,
    *,
    answers: TableRef,
    judged: TableRef,
    artifact: FolderRef,
    promise: Promise,
    threshold: float,
    since: date,
    ws: Workspace,
) -> Fresh:
    """Fit the champion's recipe on the first half of the days since a day, and compare the losses on the second.

    Parameters
    ----------
    rows, answers : of the window; `judged`: which of them have labels that count, and the champion's losses.
    since : the day on which the harm began.
    """
    model = models.load(ws.path(artifact.uri), artifact.sha256)
    contract, made = model.contract, model.manifest
    known = ws.read(judged)
    known = known[known["day"] >= pd.Timestamp(since)].reset_index(drop=True)
    days = np.unique(known["day"].to_numpy())
    if len(known) < FEWEST_ROWS or len(days) < FEWEST_DAYS:
        return Fresh(evidence=f"{len(known)} labelled rows of {len(days)} days are too few to fit a fresh model on")
    names = [column.name for column in (*contract.request_columns, *model.given)]
    table = pq.read_table(ws.verified(rows))
    there = [name for name in names if name in table.column_names]
    given = answered(table, ws.read(answers), there).iloc[known["place"]].reset_index(drop=True)
    first = (known["day"] < days[len(days) // 2]).to_numpy()
    fitted_on = np.flatnonzero(first)[-MOST_ROWS:]
    recipe = Recipe(contract, model.features, made["family"], made["params"], made["seed"], made["shrinkage"])
    try:
        built = features.build(given, contract, model.features, model.lookups)
        target = known["label"].rename(contract.target)
        train = built.iloc[fitted_on].assign(**{contract.target: target.iloc[fitted_on]})
        found = recipe.fit_predict(train, built[~first], model.classes)
    except (ValueError, EvergreenError) as error:
        return Fresh(evidence=f"no fresh model could be fitted: {' '.join(str(error).split())[:200]}")
    later = known[~first].reset_index(drop=True)
    ours = losses(
        contract.task, later["label"], found.compared, loss=promise.loss, threshold=threshold, scale=promise.scale
    )
    return _compared(later["loss"].to_numpy() - ours, later["day"])


def _compared(gains: npt.NDArray[np.float64], days: "pd.Series[pd.Timestamp]") -> Fresh:
    """Return the mean gain of rows, with an interval by day."""
    gain = float(gains.mean())
    clusters = Clusters("day", np.unique(days.to_numpy(), return_inverse=True)[1].astype(np.int64), in_time=True)
    half = clustered_error((gains - gain) / len(gains), clusters).half_width(0.025)
    if not np.isfinite(half):
        return Fresh(evidence=f"{clusters.n} days are too few to compare a fresh model on")
    evidence = (
        f"a model fitted on the days before loses {abs(gain):.4f} {'less' if gain > 0 else 'more'} "
        f"[{gain - half:.4f}, {gain + half:.4f}] than the champion on {len(gains):,} later rows of {clusters.n} days"
    )
    return Fresh(evidence=evidence, gain=gain, low=gain - half, high=gain + half)
