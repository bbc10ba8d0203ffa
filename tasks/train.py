"""Step: train rows and the winning parameters -> the candidate and the baseline, as verified folders."""

import logging
from collections.abc import Mapping
from typing import Any

from joblib import Parallel, delayed
from prefect import task
from sklearn.pipeline import Pipeline
from threadpoolctl import threadpool_limits

from evergreen import model as models
from evergreen.artifacts import FolderRef, TableRef, Value, Workspace, digest_of
from evergreen.contract import Contract
from evergreen.features import fit_target
from evergreen.features import inputs as inputs_of
from evergreen.params import FeatureParams, TrainParams
from evergreen.plan import code_digest, lock_digest
from evergreen.tuning import families
from evergreen.tuning.search import Best
from tasks.engine import RECORDED

log = logging.getLogger(__name__)


class Trained(Value):
    """The candidate, and the baseline that it has to beat."""

    model: FolderRef
    baseline: FolderRef


@task(name="train", timeout_seconds=7200, **RECORDED)
def train(
    train: TableRef,
    best: Best,
    ws: Workspace,
    contract: Contract,
    features: FeatureParams,
    params: TrainParams,
    seed: int,
) -> Trained:
    """Fit the winner and the next simpler family on all train rows.

    One thread fits, so the same inputs give the same digests on every machine.
    """
    rows = ws.read(train)
    inputs = inputs_of(contract, features)
    about = {
        "data": train.sha256,
        "code": code_digest("tasks.train"),
        "lock": lock_digest(),
        "contract": digest_of(contract),
        "seed": seed,
        "rows": train.rows,
        "inputs": inputs.model_dump(mode="json"),
    }

    def fit(family: str, chosen: Mapping[str, Any]) -> Pipeline:
        pipeline = families.build(
            family,
            chosen,
            task=contract.task,
            inputs=inputs,
            features=features,
            seed=seed,
        )
        with threadpool_limits(1, user_api="openmp"):  # one thread sums in one order
            return pipeline.fit(rows[inputs.names], fit_target(rows, contract))

    simpler = families.BASELINE[contract.task][best.family]
    wanted = {
        "model": (best.family, best.params),
        "baseline": (simpler, next((chosen for name, chosen in params.baseline.items() if name == simpler), {})),
    }
    with threadpool_limits(1, user_api="blas"):
        fitted = Parallel(n_jobs=2, prefer="threads")(delayed(fit)(*choice) for choice in wanted.values())
    saved = {
        name: models.save(ws, name, pipeline, contract, features, {**about, "family": family, "params": chosen})
        for (name, (family, chosen)), pipeline in zip(wanted.items(), fitted, strict=True)
    }
    trained = Trained(**saved)
    log.info("train: %s on %d rows, digest %s", best.family, train.rows, trained.model.sha256[:12])
    return trained
