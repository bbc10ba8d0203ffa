"""Step: what a version said of rows that it had not seen -> from which sureness on its answers are automatic."""

import logging

import numpy as np
import pandas as pd
from prefect import task

from evergreen.base.artifacts.refs import FolderRef
from evergreen.base.artifacts.workspace import Workspace
from evergreen.config.contract.contract import Contract
from evergreen.config.contract.decision import DecisionPolicy
from evergreen.decisions.automation.thresholds import Sure, choose, nothing, sureness
from evergreen.learning.evaluation.clusters import clusters_of
from evergreen.learning.evaluation.estimates import Estimates
from evergreen.record.registry import proof as proofs
from tasks.engine import RECORDED

log = logging.getLogger(__name__)
COLUMNS = {"model": "candidate", "baseline": "baseline"}  # of the table of validation rows, by what was taken


@task(name="sure", timeout_seconds=600, **RECORDED)
def sure(
    proof: FolderRef | None, *, threshold: float, ws: Workspace, contract: Contract, policy: DecisionPolicy
) -> Sure:
    """Choose the threshold of automatic answers on the validation rows of tuning, as that of the answer was chosen.

    The folds' models said it of rows that they had not seen; the one that serves learned from all of them, and is no
    worse. Rows of a group, or of a local day, hang together.

    Parameters
    ----------
    proof : of the version; None of one from before there were proofs, whose validation rows nobody knows.
    threshold : from which probability on a binary answer is true.
    """
    if contract.task == "regression":
        return nothing("nothing says how sure a number is", error=policy.error, confidence=policy.confidence)
    found = _validation(proof, ws, contract)
    if isinstance(found, str):
        return nothing(found, error=policy.error, confidence=policy.confidence)
    rows, estimates = found
    known, clusters = sureness(estimates, threshold), clusters_of(rows, contract)
    answers = estimates.answers(threshold)["label"]
    wrong = _texts(answers) != _texts(rows["label"].to_numpy())
    chosen = choose(known, wrong, clusters, error=policy.error, confidence=policy.confidence)
    log.info("sure: %s", chosen.evidence)
    return chosen


def _validation(proof: FolderRef | None, ws: Workspace, contract: Contract) -> "tuple[pd.DataFrame, Estimates] | str":
    """Return the validation rows of a version and what it said of them, or why nobody knows these."""
    if proof is None:
        return "the version has no proof, so nobody knows its validation rows"
    proven, _ = proofs.read(ws.path(proof.uri), proof.sha256)
    table = proven.candidate.out_of_fold
    if not ws.path(table.uri).exists():
        return "the validation rows of the version are not kept any more"
    rows, name = ws.read(table), COLUMNS[proven.taken]
    classes = tuple(str(column).removeprefix(f"{name}_") for column in rows if str(column).startswith(f"{name}_"))
    if rows.empty or (name not in rows and not classes):
        return "tuning left no validation rows of the version"
    return rows, Estimates.read(rows, name, contract.task, classes if contract.task == "multiclass" else ())


def _texts(values: "np.ndarray[tuple[int], np.dtype[np.generic]]") -> "np.ndarray[tuple[int], np.dtype[np.str_]]":
    return np.asarray(values).astype(np.str_)
