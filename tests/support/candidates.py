"""Whole candidates: what a training's steps made of a small table, and what no test asks of stands in for the rest."""

from typing import Any

import pandas as pd
import tables

from evergreen.base.artifacts.refs import DatasetRef, FolderRef, TableRef
from evergreen.base.artifacts.workspace import Workspace
from evergreen.data.validation import Validation
from evergreen.learning.evaluation import Report
from evergreen.learning.tuning.best import Best
from evergreen.record.candidate import Candidate
from tasks.features import FeatureSet

RAW = DatasetRef(uri="raw", rows=9, facts="f", sha256="d" * 64)
VALIDATION = Validation(rows=9, kept=7, quarantined=2, rules=())
BEST = Best(family="logistic", params={}, score=0.0, scores=(0.0,), n_trials=1, metric="roc_auc")
REPORT = Report(family="logistic", baseline_family="prior", candidate={}, baseline={}, train={}, n_train=0, n_test=0)


def made(
    ws: Workspace, *, valid: TableRef, tables: FeatureSet, model: FolderRef, scores: TableRef, **changed: Any
) -> Candidate:
    """Return the candidate of a model, its tables and its scores."""
    given: dict[str, Any] = {
        "key": "c" * 64,
        "data_end": None,
        "raw": RAW,
        "valid": valid,
        "quarantine": ws.write("quarantine", pd.DataFrame({"codes": ["DQ004", "DQ003"]})),
        "validation": VALIDATION,
        "docs": ws.write_folder("docs", {"index.html": b"<p>rules"}, {}),
        **dict(tables),
        "best": BEST,
        "trials": ws.write("trials", pd.DataFrame({"number": []})),
        "out_of_fold": ws.write("out_of_fold", pd.DataFrame({"label": []})),
        "model": model,
        "baseline": model,
        "report": REPORT,
        "scores": scores,
    }
    return Candidate(**{**given, **changed})


def held(candidate: Candidate, champion: ChampionFacts, ws: Workspace, **changed: Any) -> Rival | Paired:
    """Return how a candidate compares with a champion on its gate rows, or the champion that it cannot be held against."""
    evaluated, gate = (
        changed.pop("evaluated", EvaluateParams()),
        changed.pop("gate", POLICIES[candidate_task(candidate, ws)]),
    )
    compared = compare.fn(candidate, champion=champion, former=(), ws=ws, evaluated=evaluated, gate=gate)
    table = ws.read(compared.table)
    (rival,) = scores.rivals(table, compared, "champion")
    ours = scores.estimates(table, "candidate", compared)
    if rival.estimates is None:
        return rival
    assert ours is not None
    return paired.compare(
        GATE_METRIC[compared.task], scores.gate_rows(table, compared), ours, rival.estimates, on=rival.usable
    )


def of(chain: tables.Chain, **changed: Any) -> Candidate:
    """Return the candidate of a chain."""
    given: dict[str, Any] = {
        "best": chain.best,
        "trials": chain.trials,
        "out_of_fold": chain.out_of_fold,
        "model": chain.trained.model,
        "baseline": chain.trained.baseline,
        "report": chain.evaluated.report,
        "scores": chain.evaluated.scores,
    }
    return made(chain.ws, valid=chain.valid, tables=chain.tables, **{**given, **changed})
