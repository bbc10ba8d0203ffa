"""Step: validated rows -> train and test feature tables."""

import logging

from prefect import task

from evergreen import features as domain
from evergreen.artifacts import TableRef, Value, Workspace
from evergreen.contract import Contract
from evergreen.params import FeatureParams
from tasks.engine import RECORDED

log = logging.getLogger(__name__)


class FeatureSet(Value):
    """Labelled rows with their features: what tuning may read, and the later rows that only the gate reads."""

    train: TableRef
    test: TableRef


@task(name="features", timeout_seconds=1800, **RECORDED)
def features(valid: TableRef, ws: Workspace, contract: Contract, params: FeatureParams) -> FeatureSet:
    """Derive row-wise features and split by time, leaving a gap before the test period.

    Nothing is fitted here: encoders live inside the model pipeline, so each tuning fold refits them and the served
    model carries them. Columns with the role leakage are not even read.
    """
    rows = domain.labelled(ws.read(valid, columns=contract.model_columns), contract)
    built = rows.assign(**domain.build(rows, contract, params)).astype({contract.target: bool})
    train, test = domain.split_by_time(built, contract, params)
    log.info("features: %d train rows, %d test rows", len(train), len(test))
    return FeatureSet(train=ws.write("train", train), test=ws.write("test", test))
