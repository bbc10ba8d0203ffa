"""Step: predictions whose targets have arrived -> how well the model did."""

from prefect import task

from evergreen import performance as domain
from evergreen.artifacts import TableRef, Workspace
from evergreen.contract import Task
from evergreen.estimates import JUDGED
from evergreen.performance import Performance
from tasks.engine import RECORDED


@task(name="performance", timeout_seconds=600, **RECORDED)
def performance(predictions: TableRef, task: Task, ws: Workspace, confidence: float) -> Performance:
    """Measure matured predictions; rows without a target are counted, not guessed."""
    table = ws.read(predictions)
    return domain.measure(task, table["target"], table[JUDGED[task]], confidence=confidence)
