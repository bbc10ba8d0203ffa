"""Step: validated rows -> train and test feature tables."""

import logging

from prefect import task

from evergreen import consistency, leakage
from evergreen import features as domain
from evergreen.artifacts import TableRef, Value, Workspace
from evergreen.contract import Contract
from evergreen.features import Split
from evergreen.params import FeatureParams
from tasks.engine import RECORDED

log = logging.getLogger(__name__)


class FeatureSet(Value):
    """Labelled rows with their features: what tuning may read, what only the gate reads, and how they were parted."""

    train: TableRef
    test: TableRef
    split: Split


@task(name="features", timeout_seconds=1800, **RECORDED)
def features(valid: TableRef, ws: Workspace, contract: Contract, params: FeatureParams, seed: int) -> FeatureSet:
    """Derive row-wise features and set the gate's rows apart: by time with a gap, or by hash where there is no time.

    Nothing is fitted here: encoders live inside the model pipeline, so each tuning fold refits them and the served
    model carries them. Columns with the role leakage are not even read; a feature that behaves like one stops the run.
    """
    consistency.check_features(params, contract)
    rows = domain.labelled(ws.read(valid, columns=contract.model_columns), contract)
    built = rows.assign(
        **domain.build(rows, contract, params), **{contract.target: domain.typed_target(rows, contract)}
    )
    train, test = domain.split(built, contract, params, seed=seed)
    for warning in (*leakage.check(train, contract, seed=seed), domain.check_overlap(train, test, contract)):
        if warning:
            log.warning("features: %s", warning)
    split = domain.describe_split(built, contract, params, seed=seed)
    log.info("features: %d train rows, %d test rows", len(train), len(test))
    return FeatureSet(train=ws.write("train", train), test=ws.write("test", test), split=split)
