"""Which days a version has seen."""

from datetime import date, timedelta

import pandas as pd

from evergreen.base.artifacts.refs import TableRef
from evergreen.base.artifacts.workspace import Workspace
from evergreen.config.contract.contract import Contract
from evergreen.learning.model.beside import local_days


def last_seen(
    fitted_on: TableRef | None, data_end: date | None, contract: Contract, ws: Workspace
) -> pd.Timestamp | None:
    """Return the last local day of the rows that a model was fitted on; None for rows without time.

    Parameters
    ----------
    fitted_on : the rows; None for all before `data_end`, as those are taken to be whose table is not kept any more.
    """
    if data_end is None or contract.time is None:
        return None
    if fitted_on is None or not ws.path(fitted_on.uri).exists():
        return pd.Timestamp(data_end - timedelta(days=1))
    last: pd.Timestamp = local_days(ws.read(fitted_on, columns=[contract.time]), contract).max()
    return last
