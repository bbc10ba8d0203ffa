"""Whole candidates: what a training's steps made of a small table, and what no test asks of stands in for the rest."""

from typing import Any

import pandas as pd
import tables

from evergreen.base.artifacts.refs import DatasetRef, FolderRef, TableRef
from evergreen.base.artifacts.workspace import Workspace
from evergreen.config.objectives import GATE_METRIC
from evergreen.config.params.evaluate import EvaluateParams
from evergreen.config.params.gate import GateParams
from evergreen.data.validation import Validation
from evergreen.decisions.gate import paired, scores
from evergreen.decisions.gate.evidence import Rival
from evergreen.decisions.gate.paired import Paired
from evergreen.learning.evaluation import Report
from evergreen.learning.model import model as models
from evergreen.learning.tuning.best import Best
from evergreen.record.candidate import Candidate
from evergreen.record.outcomes import VersionFacts
from tasks.compare import compare
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
        "out_of_fold": ws.write("out_of_fold", pd.DataFrame({"label": [], "fold": []})),
        "model": model,
        "baseline": model,
        "report": REPORT,
        "scores": scores,
    }
    return Candidate(**{**given, **changed})


def held(candidate: Candidate, champion: VersionFacts, ws: Workspace) -> Rival | Paired:
    """Return how a candidate compares with a champion on its gate rows, or the champion if it cannot be compared."""
    task = models.load(ws.path(candidate.model.uri), candidate.model.sha256).contract.task
    gate = GateParams(metric=GATE_METRIC[task], floor=0.0, champion_margin=0.01, confidence=0.95)
    compared = compare.fn(candidate, champion=champion, former=(), ws=ws, evaluated=EvaluateParams(), gate=gate, seed=7)
    table = ws.read(compared.table)
    (rival,) = scores.rivals(table, compared, "champion")
    ours = scores.estimates(table, "candidate", compared)
    if rival.estimates is None or ours is None:
        return rival
    return paired.compare(gate.metric, scores.gate_rows(table, compared), ours, rival.estimates, on=rival.usable)


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
    return made(chain.ws, tables=chain.tables, **{**given, "valid": chain.valid, **changed})
