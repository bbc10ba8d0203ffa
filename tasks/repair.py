"""Step: a champion and the labelled rows that came since -> the candidate of a rung, in the place of tune and train."""

import logging
from collections.abc import Mapping
from datetime import date
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from prefect import task

from evergreen.base.artifacts.refs import FolderRef, TableRef
from evergreen.base.artifacts.workspace import Workspace
from evergreen.base.values import Value
from evergreen.config.contract.contract import Contract
from evergreen.config.objectives import tuning_metric
from evergreen.config.params.features import FeatureParams
from evergreen.config.params.tune import TuneParams
from evergreen.decisions.retrain.ladder import Name
from evergreen.learning.evaluation import score
from evergreen.learning.evaluation.estimates import Estimates, estimate
from evergreen.learning.evaluation.metrics import undefined
from evergreen.learning.features import fit_target, inputs
from evergreen.learning.model import model as models
from evergreen.learning.model.model import Model
from evergreen.learning.repair import recalibrating
from evergreen.learning.repair.boosting import continued
from evergreen.learning.repair.newest import Newest, newest, require_recipe
from evergreen.learning.tuning import families
from evergreen.learning.tuning.best import Best
from evergreen.learning.tuning.calibration import Calibration
from evergreen.record.plan.identity import code_digest, lock_digest
from evergreen.record.seen import last_seen
from tasks.engine import RECORDED

log = logging.getLogger(__name__)
NO_TRIALS = {"number": "int64", "state": "str", "family": "str", "params": "str", "score": "float64",
             "scores": "object", "seconds": "float64"}  # fmt: skip


class Repaired(Value):
    """What tune and train would have made: the champion's choice without a trial, and the repaired model.

    `out_of_fold`: estimates of the rows that it was repaired on, each by what the other days' rows make of it.
    `baseline`: the prior; no simpler family stands beside a repair.
    """

    best: Best
    trials: TableRef
    out_of_fold: TableRef
    model: FolderRef
    baseline: FolderRef


@task(name="repair", timeout_seconds=3600, **RECORDED)
def repair(
    train: TableRef,
    *,
    rung: Name,
    artifact: FolderRef,
    fitted_on: TableRef | None,
    data_end: date,
    since: date | None,
    ws: Workspace,
    contract: Contract,
    features: FeatureParams,
    params: TuneParams,
    seed: int,
) -> Repaired:
    """Make the candidate of a rung that begins with the champion: another threshold, another curve, or more rounds.

    Parameters
    ----------
    artifact : the champion in service, which was fitted on the rows `fitted_on`; None for all before `data_end`.
    since : as in `newest`.
    params : of tuning, for the metric that a score is in.

    Raises
    ------
    CannotRepairError if the rows do not do for it.
    """
    champion = models.load(ws.path(artifact.uri), artifact.sha256)
    require_recipe(champion, contract, features)
    rows = ws.read(train)
    last = last_seen(fitted_on, data_end, contract, ws)
    known = newest(champion, rows, last_seen=last, data_end=data_end, since=since)
    made = _MAKES[rung](champion, known)
    about = {
        **{name: fact for name, fact in champion.manifest.items() if name not in ("files", "refit_of")},
        "data": train.sha256,
        "rows": train.rows,
        "code": code_digest("tasks.repair"),
        "lock": lock_digest(),
        "seed": seed,
        "repair": rung,
        "repaired_from": artifact.sha256,
        "repaired_on": len(known.rows),
        "own_calibration": recalibrating.own_calibration(champion.manifest),
    }
    if rung == "recalibration":
        about["calibration"] = made.calibration and made.calibration.model_dump(mode="json")
    asked = inputs(contract, features)
    baseline = families.build("prior", {}, task=contract.task, inputs=asked, features=features, seed=seed)
    families.fit(baseline, rows[asked.names], fit_target(rows, contract))
    prior = {**about, "family": "prior", "params": {}, "calibration": None}
    best = Best(
        family=about["family"],
        params=about["params"],
        **_scored(known, made.out_of_fold, contract, params),
        calibration=made.calibration,
        n_trials=0,
    )
    log.info("repair: %s of %s on %d rows", rung, about["family"], len(known.rows))
    return Repaired(
        best=best,
        trials=ws.write("trials", pd.DataFrame({name: pd.Series(dtype=kind) for name, kind in NO_TRIALS.items()})),
        out_of_fold=ws.write("out_of_fold", _table(known, made.out_of_fold, contract)),
        model=_saved(ws, "model", made.pipeline, rows, champion=champion, about=about),
        baseline=_saved(ws, "baseline", baseline, rows, champion=champion, about=prior),
    )


class _Made(NamedTuple):
    """A repaired pipeline, what it says of each row when its own day has no part in it, and its calibration."""

    pipeline: Any
    out_of_fold: Estimates
    calibration: Calibration | None


def _with_threshold(champion: Model, known: Newest) -> _Made:
    kept = champion.manifest["calibration"]
    return _Made(
        pipeline=champion.pipeline,
        out_of_fold=known.estimates,
        calibration=Calibration.model_validate(kept) if kept else None,
    )


def _recalibrated(champion: Model, known: Newest) -> _Made:
    task = champion.contract.task
    said = recalibrating.out_of_fold(task, known.labels, known.estimates, known.blocks)
    then = recalibrating.fit_map(task, known.labels, known.estimates)
    pipeline, curve = recalibrating.recalibrated(champion.pipeline, then)
    described = recalibrating.described(task, known.labels, known.estimates, said, curve)
    return _Made(pipeline=pipeline, out_of_fold=said, calibration=described)


def _boosted(champion: Model, known: Newest) -> _Made:
    names, family = inputs(champion.contract, champion.features).names, champion.manifest["family"]
    given = known.rows[names]
    values = np.array(known.estimates.values, dtype=np.float64)
    for block in known.blocks:
        others = np.setdiff1d(np.arange(len(given)), block)
        made = continued(champion.pipeline, family, given.iloc[others], known.labels[others])
        said = estimate(made, given.iloc[block], task=champion.contract.task, classes=champion.classes)
        values[block] = said.values
    return _Made(
        pipeline=continued(champion.pipeline, family, given, known.labels),
        out_of_fold=Estimates(known.estimates.task, values, known.estimates.classes),
        calibration=_with_threshold(champion, known).calibration,
    )


_MAKES = {"threshold": _with_threshold, "recalibration": _recalibrated, "boosting": _boosted}


def _scored(known: Newest, said: Estimates, contract: Contract, params: TuneParams) -> Mapping[str, Any]:
    """Return the metric of tuning on each block, where all have one."""
    metric = tuning_metric(params.metric, contract)
    parts = [(known.labels[block], Estimates(said.task, said.values[block], said.classes)) for block in known.blocks]
    if any(metric in undefined(labels, part) for labels, part in parts):
        return {"metric": metric, "score": None, "scores": ()}
    scores = tuple(score(metric, labels, part) for labels, part in parts)
    return {"metric": metric, "score": float(np.mean(scores)), "scores": scores}


def _table(known: Newest, said: Estimates, contract: Contract) -> pd.DataFrame:
    """Return what `out_of_fold.table` makes of a search."""
    folds = np.zeros(len(known.rows), dtype=np.int64)
    for number, block in enumerate(known.blocks, 1):
        folds[block] = number
    by = [name for name in (contract.time, contract.group) if name is not None]
    return known.rows[by].assign(label=known.labels, fold=folds, **said.columns("candidate"))


def _saved(
    ws: Workspace, name: str, pipeline: Any, rows: pd.DataFrame, *, champion: Model, about: Mapping[str, Any]
) -> FolderRef:
    from evergreen.adapters.onnx_export.compiling import compiled

    form: dict[str, Any] = {"contract": champion.contract, "features": champion.features, "lookups": champion.lookups}
    served = compiled(pipeline, rows, seed=about["seed"], **form)
    return models.save(ws, name, pipeline, about={**about, "compiled": served.about}, compiled=served.files, **form)
