"""Step: a window's rows against the champion's training rows -> a drift report and its picture."""

import logging

from prefect import task

from evergreen.base.artifacts.refs import TableRef
from evergreen.base.artifacts.workspace import Workspace
from evergreen.base.values import Value
from evergreen.config.contract.contract import Contract
from evergreen.config.params.drift import DriftParams
from evergreen.decisions.drift import decision as domain
from evergreen.decisions.drift.decision import DriftReport
from tasks.engine import RECORDED

log = logging.getLogger(__name__)


class Drifted(Value):
    """The verdict by column and for the table; `picture` is Evidently's HTML, which draws and does not decide."""

    report: DriftReport
    picture: str


@task(name="drift", timeout_seconds=1800, **RECORDED)
def drift(
    current: TableRef,
    *,
    reference: TableRef,
    window: str,
    ws: Workspace,
    contract: Contract,
    params: DriftParams,
    seed: int,
) -> Drifted:
    """Compare a window with the table that the champion was trained on."""
    from evergreen.adapters import drift_report

    columns = [column.name for column in contract.features]
    before, now = ws.read(reference, columns=columns), ws.read(current, columns=columns)
    report = domain.compare(before, now, contract, params)
    picture = ws.path(f"drift-{contract.name}-{window}-{reference.sha256[:8]}.html")
    drift_report.draw(before, now, contract, picture, report=report, seed=seed)
    log.info("drift: %s", report.summary)
    return Drifted(report=report, picture=str(picture.name))
