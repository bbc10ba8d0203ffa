"""Step: predictions whose targets have arrived -> how well the model did."""

from prefect import task

from evergreen.base.artifacts.refs import TableRef
from evergreen.base.artifacts.workspace import Workspace
from evergreen.config.contract.columns import Task
from evergreen.decisions import performance as domain
from evergreen.decisions.performance import Performance
from evergreen.learning.evaluation.estimates import COMPARED
from tasks.engine import RECORDED


@task(name="performance", timeout_seconds=600, **RECORDED)
def performance(predictions: TableRef, *, task: Task, ws: Workspace, confidence: float) -> Performance:
    """Measure matured predictions; rows without a target are counted, not guessed."""
    table = ws.read(predictions)
    return domain.measure(task, table["target"], table[COMPARED[task]], confidence=confidence)
