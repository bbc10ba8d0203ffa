"""Step: train rows -> the best family and parameters, by folds."""

from prefect import task

from evergreen.artifacts import TableRef, Value, Workspace
from evergreen.contract import Contract
from evergreen.params import FeatureParams, TuneParams
from evergreen.plan import identity
from evergreen.tuning.search import Best, search
from tasks.engine import RECORDED


class Tuned(Value):
    """The winning trial."""

    best: Best


@task(name="tune", timeout_seconds=7200, **RECORDED)
def tune(
    train: TableRef,
    ws: Workspace,
    contract: Contract,
    features: FeatureParams,
    params: TuneParams,
    seed: int,
    storage: str,
) -> Tuned:
    """Search the declared space. The study in `storage` carries the step's identity: a killed search continues."""
    arguments = {"train": train, "contract": contract, "features": features, "params": params, "seed": seed}
    best = search(
        ws.read(train),
        contract,
        features,
        params,
        seed=seed,
        storage=storage,
        study=f"tune-{identity('tune', arguments)[:16]}",
    )
    return Tuned(best=best)
