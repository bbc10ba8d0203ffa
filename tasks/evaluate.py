"""Step: candidate and baselines on rows that tuning never saw -> a report, and the scores behind it."""

import logging
import math

import pandas as pd
from prefect import task
from threadpoolctl import threadpool_limits

from evergreen.base.artifacts.refs import FolderRef, TableRef
from evergreen.base.artifacts.workspace import Workspace
from evergreen.base.values import Value
from evergreen.config.objectives import GATE_METRIC, check_costs
from evergreen.config.params.evaluate import EvaluateParams
from evergreen.learning import evaluation, features
from evergreen.learning.evaluation import Report, thresholds, unseen
from evergreen.learning.evaluation.bootstrap import resampled_intervals
from evergreen.learning.evaluation.clusters import clusters_of
from evergreen.learning.evaluation.estimates import Estimates
from evergreen.learning.model import model as models
from evergreen.learning.tuning.recipe import LINEAR, Recipe
from tasks.engine import RECORDED

log = logging.getLogger(__name__)


class Evaluated(Value):
    """Metrics, and per test row the label and what both models make of it."""

    report: Report
    scores: TableRef


@task(name="evaluate", timeout_seconds=1800, **RECORDED)
def evaluate(
    test: TableRef,
    *,
    train: TableRef,
    model: FolderRef,
    baseline: FolderRef,
    out_of_fold: TableRef,
    ws: Workspace,
    params: EvaluateParams,
    seed: int,
) -> Evaluated:
    """Measure the saved artifacts, not the objects in memory: what is judged is what would be served.

    Each at its own threshold, chosen on the validation rows of tuning; the prior, which has none, at the candidate's.

    Raises
    ------
    IntegrityError if a model was not trained on `train`, or rows of `test` are among those of `train`. ConfigError if
    no threshold reaches the rule in `params`.
    """
    loaded = models.load(ws.path(model.uri), model.sha256)
    simple = models.load(ws.path(baseline.uri), baseline.sha256)
    for ref, manifest in ((model, loaded.manifest), (baseline, simple.manifest)):
        unseen.check_trained_on(str(manifest.get("data", "")), train.sha256, where=str(ws.path(ref.uri)))
    seen, rows = ws.read(train), ws.read(test)
    contract = loaded.contract
    unseen.check(seen, rows, contract, loaded.features)
    check_costs(params.costs, loaded.classes or ("true", "false"), contract)

    known = features.fit_target(seen, contract)
    chosen = thresholds.of_models(ws.read(out_of_fold), known, params, task=contract.task)

    def measured(table: pd.DataFrame, of: Estimates, threshold: float = chosen.candidate) -> dict[str, float]:
        labels = features.fit_target(table, contract)
        return evaluation.measure(labels, of, threshold=threshold, costs=params.costs)

    made = loaded.manifest
    recipe = Recipe(contract, loaded.features, made["family"], made["params"], seed, made["shrinkage"])
    with threadpool_limits(1):  # one thread sums in one order: equal on every machine
        estimates, simpler = loaded.predict(rows), simple.predict(rows)
        said = {loaded.manifest["family"]: estimates, simple.manifest["family"]: simpler}
        always = ("prior", LINEAR[contract.task])
        for family in always:
            if family not in said:
                said[family] = recipe.of(family).fit_predict(seen, rows, estimates.classes)
        at = {simple.manifest["family"]: chosen.baseline}
        clusters = clusters_of(rows, contract)
        intervals = resampled_intervals(
            features.fit_target(rows, contract),
            estimates,
            simpler,
            threshold=chosen.candidate,
            others_threshold=chosen.baseline,
            clusters=clusters,
            costs=params.costs,
            resamples=params.resamples,
            confidence=params.confidence,
            seed=seed,
        )
        report = Report(
            family=recipe.family,
            baseline_family=simple.manifest["family"],
            candidate=measured(rows, estimates),
            baseline=measured(rows, simpler, chosen.baseline),
            train=measured(seen, loaded.predict(seen)),
            n_train=train.rows,
            n_test=test.rows,
            threshold=chosen.candidate,
            baseline_threshold=chosen.baseline,
            baselines={family: measured(rows, said[family], at.get(family, chosen.candidate)) for family in always},
            intervals=intervals.own,
            gains=intervals.gain,
            unit=clusters.unit,
            n_clusters=clusters.n,
        )
    scores = pd.DataFrame(
        {
            "label": rows[contract.target],
            **estimates.columns("candidate"),
            **simpler.columns("baseline"),
            **said["prior"].columns("prior"),
        }
    )
    metric = GATE_METRIC[contract.task]
    log.info(
        "evaluate: %s %.4f, baseline %.4f, threshold %.4f, %d rows, drawn by %s (%d)",
        metric,
        report.candidate.get(metric, math.nan),
        report.baseline.get(metric, math.nan),
        report.threshold,
        test.rows,
        clusters.unit,
        clusters.n,
    )
    return Evaluated(report=report, scores=ws.write("scores", scores))
