"""Step: the models in service, now and before, on the gate rows of a candidate -> the table that the gate reads."""

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
from prefect import task

from evergreen.base.artifacts.refs import FolderRef
from evergreen.base.artifacts.workspace import Workspace
from evergreen.base.errors import EvergreenError
from evergreen.config.contract.contract import Contract
from evergreen.config.params.evaluate import EvaluateParams
from evergreen.config.params.gate import GateParams
from evergreen.decisions.gate import scores
from evergreen.decisions.gate.checks.proper import SCORE
from evergreen.decisions.gate.evidence import Mask
from evergreen.decisions.gate.scores import Compared, Held
from evergreen.learning.analysis.slices import parts
from evergreen.learning.evaluation import score
from evergreen.learning.evaluation.clusters import clusters_of
from evergreen.learning.evaluation.estimates import Estimates
from evergreen.learning.features import Cut, labelled
from evergreen.learning.features.ordering import row_hashes
from evergreen.learning.features.rowwise import local_time
from evergreen.learning.model import model as models
from evergreen.learning.model.beside import as_it_knows_them, gone, same_past, unseen_after
from evergreen.learning.model.model import Model
from evergreen.record.candidate import Candidate
from evergreen.record.outcomes import VersionFacts
from evergreen.record.seen import last_seen
from tasks.engine import RETRIED

Scores = tuple[float, ...]
TIMED = 30  # answers to one row, whose median is the latency


@task(name="compare", timeout_seconds=1800, **RETRIED)
def compare(
    candidate: Candidate,
    *,
    champion: VersionFacts | None,
    former: Sequence[VersionFacts],
    ws: Workspace,
    evaluated: EvaluateParams,
    gate: GateParams,
    seed: int,
) -> Compared:
    """Score the champion, and champions before it, on the gate rows of a candidate, each on rows it has not seen.

    A model's own features of the past are derived from the validated rows. One that cannot be compared says why: it
    learned another target, looks back on a column that is gone, or has seen these rows or may have. A column that it
    needs and that is gone is missing to it, as it would be in service. One before the champion whose folder is gone or
    broken is left out.
    """
    ours = models.load(ws.path(candidate.model.uri), candidate.model.sha256)
    rows = ws.read(candidate.test)
    held: list[Held] = []
    estimates: dict[str, Estimates] = {}
    usable: dict[str, Mask] = {}
    for number, facts in enumerate([*([champion] if champion else []), *former]):
        column = f"held {number}"
        is_champion = champion is not None and number == 0
        about: dict[str, Any] = {
            "role": "champion" if is_champion else "former", "name": f"version {facts.version}", "column": column
        }  # fmt: skip
        try:
            theirs = models.load(ws.path(facts.measured.uri), facts.measured.sha256)
        except EvergreenError:
            if is_champion:
                raise
            continue
        why_not = _why_not(theirs, ours, facts, candidate, ws)
        if not why_not:
            last = last_seen(facts.train, facts.data_end, ours.contract, ws)
            unseen = unseen_after(last, rows, ours.contract, ours.features.embargo_days)
            usable[column] = unseen & _of_known_classes(rows, theirs)
            if usable[column].any():
                estimates[column] = theirs.predict(
                    as_it_knows_them(rows, theirs, ours.contract, ours.features, ws.path(candidate.valid.uri))
                )
            else:
                why_not = f"it has seen rows until {last:%Y-%m-%d}" if last else "it knows none of these classes"
        held.append(Held(**about, classes=theirs.classes, why_not=why_not))
    clusters = clusters_of(rows, ours.contract)
    slices = _slices(rows[list(evaluated.slices)].join(_protected(ours, candidate, ws, seed=seed)), ours.contract)
    columns = {f"slice {number}": name for number, name in enumerate(slices)}
    table = scores.write(
        ws.read(candidate.scores),
        clusters,
        estimates,
        usable=usable,
        slices={column: slices[name] for column, name in columns.items()},
    )
    artifacts = {"model": candidate.model, "baseline": candidate.baseline}
    return Compared(
        table=ws.write("compared", table),
        rows=_digest(rows, ours.contract),
        task=ours.contract.task,
        classes=ours.classes,
        unit=clusters.unit,
        in_time=clusters.in_time,
        held=tuple(held),
        slices=columns,
        folds=_folds(candidate, ours, gate, ws),
        megabytes={name: _megabytes(ws.path(ref.uri)) for name, ref in artifacts.items()},
        milliseconds={name: _milliseconds(ref, rows, ws) for name, ref in artifacts.items()}
        if gate.max_milliseconds is not None
        else {},
    )


def other_target(theirs: Model, ours: Model) -> str:
    """Return how a model's target differs from the candidate's; empty when they are the same, or share classes."""
    if theirs.contract.task != ours.contract.task:
        return f"its target is {theirs.contract.task}, the candidate's {ours.contract.task}"
    if theirs.classes and not set(theirs.classes) & set(ours.classes):
        return f"its classes are {', '.join(theirs.classes)}, the candidate's {', '.join(ours.classes)}"
    return ""


def _why_not(theirs: Model, ours: Model, facts: VersionFacts, candidate: Candidate, ws: Workspace) -> str:
    other_past = bool(theirs.given) and not same_past(theirs, ours.contract, ours.features)
    drawn_otherwise = candidate.data_end is None and (
        candidate.split.rule is None or facts.split != candidate.split.rule
    )
    if drawn_otherwise:
        return "its train rows were drawn in another way, so they may hold these test rows"
    if candidate.data_end is not None and facts.data_end is None:
        return "it was trained on rows without a time"
    if theirs.contract.time != ours.contract.time:
        return f"its rows lie by '{theirs.contract.time}', the candidate's by '{ours.contract.time}'"
    stored = pq.read_schema(ws.verified(candidate.valid)).names if other_past else ()
    return other_target(theirs, ours) or (gone(theirs, stored) if other_past else "")


def _of_known_classes(rows: pd.DataFrame, theirs: Model) -> Mask:
    """Return the rows of classes that a model knows: what is common is compared."""
    if not theirs.classes:
        return np.ones(len(rows), dtype=np.bool_)
    known: Mask = rows[theirs.contract.target].astype("str").isin(theirs.classes).to_numpy()
    return known


def _protected(ours: Model, candidate: Candidate, ws: Workspace, *, seed: int) -> pd.DataFrame:
    """Return the protected columns of the test rows, in their order: the validated table alone holds them."""
    contract = ours.contract
    names = [column.name for column in contract.with_role("protected")]
    if not names:
        return pd.DataFrame(index=pd.RangeIndex(candidate.test.rows))
    valid = labelled(ws.read(candidate.valid), contract)
    last = local_time(valid, contract).max() if contract.time else None
    _, is_test = Cut(contract, ours.features, seed, last).sides(valid)
    return valid.loc[is_test, names].reset_index(drop=True)


def _slices(columns: pd.DataFrame, contract: Contract) -> Mapping[str, Mask]:
    """Return the rows of each value of declared and protected columns, by ``column value``; a personal one is counted.

    What a slice is called is kept with the verdict for ever, and leaves the machine with it.
    """
    personal = {column.name for column in contract.columns if column.pii}
    slices: dict[str, Mask] = {}
    for column in columns:
        for number, (value, inside) in enumerate(parts(columns[column]), 1):
            mask = np.zeros(len(columns), dtype=np.bool_)
            mask[inside] = True
            slices[f"{column} group {number}" if column in personal else f"{column} {value}"] = mask
    return slices


def _folds(candidate: Candidate, ours: Model, gate: GateParams, ws: Workspace) -> dict[str, dict[str, Scores]]:
    """Return, by artifact and metric, the scores of every fold of tuning, in order, where tuning has any."""
    best, task = candidate.best, ours.contract.task
    known = {"model": best.score is not None and "candidate", "baseline": best.simpler is not None and "baseline"}
    folds = [fold for _, fold in ws.read(candidate.out_of_fold).groupby("fold")]

    def scored(metric: str, column: str) -> Scores:
        said = ((fold, Estimates.read(fold, column, task, ours.classes)) for fold in folds)
        return tuple(score(metric, fold["label"].to_numpy(), estimates) for fold, estimates in said)

    metrics = dict.fromkeys([gate.metric, SCORE.get(task, gate.metric)])
    return {
        artifact: {metric: scored(metric, column) for metric in metrics} for artifact, column in known.items() if column
    }


def _digest(rows: pd.DataFrame, contract: Contract) -> str:
    """Return what tells gate rows from others, whatever is made of them: key, time and target, or all columns."""
    telling = [
        column for column in contract.columns if column.name in contract.key or column.role in ("time", "target")
    ]
    columns = telling if len(telling) > 1 else [c for c in contract.columns if c.name in contract.model_columns]
    return hashlib.sha256(row_hashes(rows, columns).tobytes()).hexdigest()


def _megabytes(folder: Path) -> float:
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file()) / 1e6


def _milliseconds(ref: FolderRef, rows: pd.DataFrame, ws: Workspace) -> float:
    """Return how long a row takes as the service would answer it, in the median of many; reading it included."""
    model = models.load(ws.path(ref.uri), ref.sha256)
    golden, taken = model.golden, []
    for number in range(TIMED + 1):
        row, began = rows.iloc[[number % len(rows)]], perf_counter()
        if golden:
            model.estimate_raw([golden.rows[number % len(golden.rows)]])
        else:
            model.predict(row)
        taken.append(perf_counter() - began)
    return median(taken[1:]) * 1_000
