"""Step: train rows and the winning parameters -> the candidate and the baseline, as verified folders."""

import logging
from typing import Any

from joblib import Parallel, delayed
from prefect import task

from evergreen.base import memory
from evergreen.base.artifacts.folders import read_folder
from evergreen.base.artifacts.refs import FolderRef, TableRef
from evergreen.base.artifacts.workspace import Workspace
from evergreen.base.values import Value, digest_of
from evergreen.config.contract.columns import Task
from evergreen.config.contract.contract import Contract
from evergreen.config.params.features import FeatureParams
from evergreen.config.params.train import TrainParams
from evergreen.learning.features import fit_target
from evergreen.learning.features import inputs as inputs_of
from evergreen.learning.features import lookups as tables
from evergreen.learning.model import model as models
from evergreen.learning.tuning import families
from evergreen.learning.tuning.best import Best, Finalist
from evergreen.learning.tuning.calibration import calibrated
from evergreen.record.plan.identity import code_digest, lock_digest
from tasks.engine import RECORDED

log = logging.getLogger(__name__)

COPIES = 4  # of the train rows: as they are read, encoded, and as the estimators keep them


class Trained(Value):
    """The candidate, and the baseline that it has to beat."""

    model: FolderRef
    baseline: FolderRef


@task(name="train", timeout_seconds=7200, **RECORDED)
def train(
    train: TableRef,
    *,
    best: Best,
    lookups: FolderRef,
    ws: Workspace,
    contract: Contract,
    features: FeatureParams,
    params: TrainParams,
    seed: int,
) -> Trained:
    """Fit the winner and the next simpler family on all train rows, and compile the winner for serving.

    One thread fits, so the same inputs give the same digests on every machine.
    """
    memory.require(
        COPIES * memory.of_table(ws.verified(train)),
        f"fitting on {train.rows} rows",
        next_step="Free memory, give the process more of it, or read a shorter period.",
    )
    from evergreen.adapters.onnx_export.compiling import compiled

    rows = ws.read(train)
    looked_up = tables.from_files(read_folder(ws.path(lookups.uri), lookups.sha256)[1])
    inputs = inputs_of(contract, features)
    about = {
        "data": train.sha256,
        "code": code_digest("tasks.train"),
        "lock": lock_digest(),
        "contract": digest_of(contract),
        "seed": seed,
        "rows": train.rows,
        "inputs": inputs.model_dump(mode="json"),
        "shrinkage": params.shrinkage,
        "warm_start": best.warm_start and best.warm_start.model_dump(mode="json"),
    }
    target = fit_target(rows, contract)

    def fit(finalist: Finalist) -> Any:
        families.check(finalist.family, finalist.params, contract.task)
        pipeline = families.build(
            finalist.family,
            finalist.params,
            task=contract.task,
            inputs=inputs,
            features=features,
            seed=seed,
            shrinkage=params.shrinkage,
        )
        families.fit(pipeline, rows[inputs.names], target)
        return calibrated(pipeline, finalist.calibration)

    wanted = {"model": best, "baseline": baseline_of(best, params, contract.task)}
    with families.limit_threads("blas"):
        fitted = Parallel(n_jobs=2, prefer="threads")(delayed(fit)(finalist) for finalist in wanted.values())
    saved = {}
    for (name, finalist), pipeline in zip(wanted.items(), fitted, strict=True):
        served = compiled(pipeline, rows, contract=contract, features=features, lookups=looked_up, seed=seed)
        saved[name] = models.save(
            ws,
            name,
            pipeline,
            contract=contract,
            features=features,
            about={**about, **_facts(finalist), "compiled": served.about},
            lookups=looked_up,
            compiled=served.files,
        )
    trained = Trained(**saved)
    log.info("train: %s on %d rows, digest %s", best.family, train.rows, trained.model.sha256[:12])
    return trained


def baseline_of(best: Best, params: TrainParams, task: Task) -> Finalist:
    """Return what the winner has to beat: the simpler finalist of the search, or the next simpler family unscored."""
    family = families.simpler(best.family, task)
    declared = dict(next((chosen for name, chosen in params.baseline.items() if name == family), {}))
    return best.simpler or Finalist(family=family, params=declared, score=None, scores=())


def _facts(finalist: Finalist) -> dict[str, Any]:
    """Return what a manifest says of a finalist; `calibration` only where it is applied."""
    calibration = finalist.calibration
    applied = calibration.model_dump(mode="json") if calibration and calibration.is_applied else None
    return {"family": finalist.family, "params": finalist.params, "calibration": applied}
