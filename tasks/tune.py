"""Step: train rows -> the best family and parameters, by folds, and what it says of their validation rows."""

from collections.abc import Mapping

from prefect import task

from evergreen.base import memory
from evergreen.base.artifacts.refs import TableRef
from evergreen.base.artifacts.workspace import Workspace
from evergreen.base.values import Value
from evergreen.config.contract.contract import Contract
from evergreen.config.params.features import FeatureParams
from evergreen.config.params.tune import TuneParams
from evergreen.learning.tuning.best import Best
from evergreen.learning.tuning.choice import Choice
from evergreen.learning.tuning.search import search
from evergreen.record.plan.identity import identity
from tasks.engine import RECORDED

COPIES = 4  # of the train rows in a worker: as they are read, cut into folds, encoded, and as estimators keep them


class Tuned(Value):
    """The winner, and every trial: number, state, family, params (JSON), score, scores of its folds, seconds.

    `out_of_fold`: label, fold, time and group of each validation row, and the calibrated estimates of the winner,
    ``candidate``, and of the simpler finalist, ``baseline``, where there is one.
    """

    best: Best
    trials: TableRef
    out_of_fold: TableRef


@task(name="tune", timeout_seconds=7200, **RECORDED)
def tune(
    train: TableRef,
    *,
    warm_start: Choice | None,
    ws: Workspace,
    contract: Contract,
    features: FeatureParams,
    params: TuneParams,
    seed: int,
    storage: str,
    declared: Mapping[str, Mapping[str, float]] | None = None,
) -> Tuned:
    """Search the space. The study in `storage` carries the step's identity: a killed search continues.

    Parameters
    ----------
    declared : parameters of the simpler family where the search does not try it, by family; its defaults unless given.
    """
    arguments = {
        "train": train,
        "warm_start": warm_start,
        "declared": declared,
        "contract": contract,
        "features": features,
        "params": params,
        "seed": seed,
    }
    memory.require(
        COPIES * params.workers * memory.of_table(ws.path(train.uri)),
        f"tuning on {train.rows} rows",
        next_step="Free memory, lower tune.workers, or read a shorter period.",
    )
    searched = search(
        ws.read(train),
        contract,
        features,
        params,
        seed=seed,
        storage=storage,
        study=f"tune-{identity('tune', arguments)[:16]}",
        warm_start=warm_start,
        declared=declared,
    )
    return Tuned(
        best=searched.best,
        trials=ws.write("trials", searched.trials),
        out_of_fold=ws.write("out_of_fold", searched.out_of_fold),
    )
