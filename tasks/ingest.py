"""Step: a source -> its dataset version, and the rows of the period."""

import logging
from pathlib import Path

from prefect import task

from evergreen.base.artifacts.refs import DatasetRef, SourceRef
from evergreen.base.artifacts.workspace import Workspace
from evergreen.base.values import Value
from evergreen.config.contract.contract import Contract
from evergreen.config.params.ingest import IngestParams
from evergreen.data import personal
from evergreen.data.ingest import store
from evergreen.record.plan.identity import code_digest
from tasks.engine import RECORDED

log = logging.getLogger(__name__)


class Ingested(Value):
    """The observations of the period, typed; what could not be read is kept as text beside them."""

    raw: DatasetRef


@task(name="ingest", timeout_seconds=7200, **RECORDED)
def ingest(source: SourceRef, *, ws: Workspace, datasets: Path, contract: Contract, params: IngestParams) -> Ingested:
    """Read what is new in the source, batch by batch; bad rows are kept here, for validation to judge."""
    secret = (
        personal.key(datasets.parent / personal.KEY_FILE)
        if any(column.pii == "hash" for column in contract.columns)
        else b""
    )
    path, manifest = store.sync(
        source, contract, datasets / contract.name, made_with=code_digest("tasks.ingest"), secret=secret
    )
    raw = store.take(path, manifest, ws, contract, params)
    log.info("ingest: %d of %d rows, dataset %s", raw.rows, manifest.rows, manifest.digest[:12])
    return Ingested(raw=raw)
