"""Step: rows as they were served, and as training reads them -> whether they differ, column by column."""

import pyarrow.parquet as pq
from prefect import task

from evergreen.base.artifacts.refs import TableRef
from evergreen.base.artifacts.workspace import Workspace
from evergreen.config.contract.contract import Contract
from evergreen.decisions.drift.faults import skew as domain
from evergreen.decisions.drift.faults.skew import Skew
from evergreen.decisions.drift.guarded import guarded
from tasks.engine import RECORDED


@task(name="skew", timeout_seconds=1800, **RECORDED)
def skew(rows: TableRef | None, *, source: TableRef | None, ws: Workspace, contract: Contract) -> Skew:
    """Compare what was served with the source's rows of the same keys.

    Parameters
    ----------
    rows : None where nothing was served. `source`: None where the source has no rows of the period that can be trusted.
    """
    if rows is None or source is None:
        lacking = (
            "nothing was served" if rows is None else "the source has no rows of the window that keep the contract"
        )
        return Skew(verdict="not enough data", evidence=f"there is nothing to compare: {lacking}", n_pairs=0)
    if not contract.key:
        return Skew(verdict="unknown", evidence="the contract names no key to pair rows by", n_pairs=0)
    columns = [column.name for column in contract.features if not column.pii]
    served, read = (pq.read_table(ws.verified(table)) for table in (rows, source))
    return guarded(
        lambda: domain.decide(served, read, keys=contract.key, columns=columns),
        lambda why: Skew(verdict="unknown", evidence=why, n_pairs=0),
    )
