"""Step: a raw source -> one table of observations."""

import logging

from prefect import task

from evergreen import ingest as sources
from evergreen.artifacts import SourceRef, TableRef, Value, Workspace
from evergreen.contract import Contract
from evergreen.params import IngestParams
from tasks.engine import RECORDED

log = logging.getLogger(__name__)


class Ingested(Value):
    """The observations of the period, as they came."""

    raw: TableRef


@task(name="ingest", timeout_seconds=1800, **RECORDED)
def ingest(source: SourceRef, ws: Workspace, contract: Contract, params: IngestParams) -> Ingested:
    """Read the observations of a period; bad rows are kept here, for validation to judge."""
    rows = sources.read(source, contract, params.start, params.end)
    log.info("ingest: %d rows from %s to %s", len(rows), params.start, params.end)
    return Ingested(raw=ws.write("raw", rows))
