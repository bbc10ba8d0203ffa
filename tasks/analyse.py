"""Step: a judged candidate -> an analysis: where it fails, how sure it is, and what would help it."""

import logging

from prefect import task
from threadpoolctl import threadpool_limits

from evergreen.base.artifacts.refs import FolderRef, TableRef
from evergreen.base.artifacts.workspace import Workspace
from evergreen.base.values import Value
from evergreen.config.params.evaluate import EvaluateParams
from evergreen.learning.analysis import assemble as parts
from evergreen.learning.analysis.values import Analysis
from evergreen.learning.evaluation import Report, unseen
from evergreen.learning.model import model as models
from evergreen.learning.tuning.recipe import Recipe
from tasks.engine import RECORDED

log = logging.getLogger(__name__)


class Analysed(Value):
    """Everything beyond the gate's numbers."""

    analysis: Analysis


@task(name="analyse", timeout_seconds=1800, **RECORDED)
def analyse(
    test: TableRef,
    *,
    train: TableRef,
    model: FolderRef,
    report: Report,
    ws: Workspace,
    params: EvaluateParams,
    seed: int,
) -> Analysed:
    """Look at the saved candidate and at refits of it. Nothing waits for this: no decision reads an analysis.

    Raises
    ------
    IntegrityError if the model was not trained on `train`.
    """
    loaded = models.load(ws.path(model.uri), model.sha256)
    made = loaded.manifest
    unseen.check_trained_on(str(made.get("data", "")), train.sha256, where=str(ws.path(model.uri)))
    seen, rows = ws.read(train), ws.read(test)
    recipe = Recipe(loaded.contract, loaded.features, made["family"], made["params"], seed, made["shrinkage"])
    with threadpool_limits(1):  # one thread sums in one order: equal on every machine
        analysis = parts.analyse(
            report, recipe, loaded.pipeline, train=seen, test=rows, estimates=loaded.predict(rows), params=params
        )
    log.info(
        "analyse: %d parts, %d do not apply", len(Analysis.model_fields) - len(analysis.why_not), len(analysis.why_not)
    )
    return Analysed(analysis=analysis)
