"""Step: predictions whose targets have arrived -> how well the model did."""

from prefect import task

from evergreen import performance as domain
from evergreen.artifacts import TableRef, Workspace
from evergreen.performance import Performance
from tasks.engine import RECORDED


@task(name="performance", timeout_seconds=600, **RECORDED)
def performance(predictions: TableRef, ws: Workspace, confidence: float) -> Performance:
    """Measure matured predictions; rows without a target are counted, not guessed."""
    table = ws.read(predictions)
    return domain.measure(table["target"], table["probability"].to_numpy(), confidence=confidence)
