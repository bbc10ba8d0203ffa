"""Step: champion and candidate on the same rows -> the difference and its interval."""

from collections.abc import Collection
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow.parquet as pq
from prefect import task

from evergreen.base.artifacts.workspace import Workspace
from evergreen.learning.evaluation import Comparison, difference, intervals
from evergreen.learning.evaluation.estimates import Estimates
from evergreen.learning.features import fit_target, history, pieces
from evergreen.learning.features.history import PastRows
from evergreen.learning.model import model as models
from evergreen.learning.model.model import Model
from evergreen.record.candidate import Candidate
from evergreen.record.outcomes import ChampionFacts
from tasks.engine import RETRIED


@task(name="compare", timeout_seconds=1800, **RETRIED)
def compare(candidate: Candidate, *, champion: ChampionFacts, ws: Workspace, confidence: float) -> Comparison:
    """Score the champion on the test rows of the candidate.

    The champion's own features of the past are derived from the validated rows. A comparison that is not valid says
    why: the champion learned another target, needs a column that is gone, has seen those rows or may have, or the rows
    are too few for an interval.
    """
    version = champion.version
    theirs, ours = (models.load(ws.path(ref.uri), ref.sha256) for ref in (champion.artifact, candidate.model))
    rows, contract = ws.read(candidate.test), ours.contract
    labels = fit_target(rows, contract)
    other_past = bool(theirs.given) and not same_past(theirs, ours)
    why_not = (
        other_target(theirs, ours)
        or gone(theirs, ours, pq.read_schema(ws.verified(candidate.valid)).names if other_past else None)
        or may_have_seen(champion, candidate.data_end, candidate.split.rule)
        or intervals.too_few(contract.task, labels)
    )
    if why_not:
        return Comparison(champion_version=version, why_not=why_not)
    if other_past:
        rows = rows.assign(**past_of(rows, theirs, ours, ws.path(candidate.valid.uri)))
    said = Estimates.read(ws.read(candidate.scores), "candidate", contract.task, ours.classes)
    measured = difference.difference(
        contract.task, labels, said.compared, theirs.predict(rows).compared, confidence=confidence
    )
    return Comparison(
        champion_version=version,
        champion=measured.second,
        difference=measured.difference,
        low=measured.low,
        high=measured.high,
    )


def other_target(champion: Model, candidate: Model) -> str:
    """Return how the champion's target differs from the candidate's; empty when they are the same."""
    theirs, ours = champion.contract, candidate.contract
    if theirs.task != ours.task:
        return f"its target is {theirs.task}, the candidate's {ours.task}"
    if champion.classes != candidate.classes:
        return f"its classes are {', '.join(champion.classes)}, the candidate's {', '.join(candidate.classes)}"
    return ""


def same_past(champion: Model, candidate: Model) -> bool:
    """Return whether the candidate's rows hold the champion's features of the past as it knows them."""
    theirs, ours = champion.features.history, candidate.features.history
    return champion.contract == candidate.contract and theirs.items() <= ours.items()


def gone(champion: Model, candidate: Model, stored: Collection[str] | None) -> str:
    """Return which column the champion needs and cannot be given any more; empty for none.

    Parameters
    ----------
    stored : the columns of the validated rows, where its features of the past are to be derived from them.
    """
    theirs, ours = champion.contract, candidate.contract
    lacking = [column.name for column in theirs.request_columns if column.name not in ours.model_columns]
    if stored is not None:
        lacking += [name for name in history.needed(theirs, champion.features) if name not in stored]
        if not lacking and theirs.time != ours.time:
            return f"it looks back by '{theirs.time}', the candidate by '{ours.time}'"
    return f"it needs column '{lacking[0]}', which the candidate's rows do not have" if lacking else ""


def past_of(test: pd.DataFrame, champion: Model, candidate: Model, valid: Path) -> dict[str, Any]:
    """Return the champion's features of the past for the candidate's test rows, in their order."""
    time, past = str(champion.contract.time), PastRows(champion.contract, champion.features)
    labelled = pieces.with_past(valid, candidate.contract, past)
    latest = pd.concat([some[some[time] >= test[time].min()] for some in labelled], ignore_index=True)
    return {column.name: latest[column.name].to_numpy() for column in champion.given}


def may_have_seen(champion: ChampionFacts, data_end: date | None, split: str | None) -> str:
    """Return why the champion may have been trained on the candidate's test rows; empty when it was not."""
    if data_end is None:
        drawn_otherwise = split is None or champion.split != split
        return "its train rows were drawn in another way, so they may hold these test rows" if drawn_otherwise else ""
    if champion.data_end is None:
        return "it was trained on rows without a time"
    if champion.data_end > data_end:
        return f"it has seen data until {champion.data_end}, the candidate only until {data_end}"
    return ""
