"""A candidate, made and measured: searched for, or made of the champion."""

from dataclasses import replace
from typing import Any

from prefect import Task

from evergreen.base.artifacts.refs import TableRef
from evergreen.decisions.gate import decision as gate
from evergreen.learning.tuning.choice import Choice
from evergreen.project import Project
from evergreen.record.candidate import Candidate, Repair
from evergreen.record.plan.steps import STEPS, arguments
from flows.recorder import Recorder
from tasks.evaluate import evaluate
from tasks.features import features
from tasks.ingest import ingest
from tasks.repair import Repaired
from tasks.repair import repair as repair_step
from tasks.train import train
from tasks.tune import tune
from tasks.validate import validate

AS_TASKS: dict[str, Task[..., Any]] = {
    "ingest": ingest,
    "validate": validate,
    "features": features,
    "tune": tune,
    "train": train,
    "evaluate": evaluate,
}
REPLACED = ("tune", "train")  # by a repair that keeps the champion's model


def make_candidate(project: Project, do: Recorder, repair: Repair | None = None) -> Candidate:
    """Run the steps that need no gate: without a repair, those that `dvc repro` runs too.

    Parameters
    ----------
    repair : how the candidate comes of the champion; None for one that is searched for.
    """
    artifacts: dict[str, Any] = {}
    given = replace(project.given, params=repair.asks(project.params)) if repair else project.given

    def start(train: str) -> Choice | None:
        return repair.choice if repair and repair.rung == "refit" else project.keep_warm_start(train)

    for name in STEPS:
        if repair and repair.keeps_model and name in REPLACED:
            if name == REPLACED[0]:
                artifacts |= dict(_repaired(project, repair, artifacts["train"], do))
        else:
            artifacts |= dict(do(AS_TASKS[name], **arguments(name, given, artifacts, warm_start=start)))
    end = artifacts["split"].end
    return Candidate(
        key=gate.candidate_key(artifacts["model"].sha256, artifacts["report"], project.params.gate),
        data_end=end and (project.params.ingest.end or end),
        repair=repair,
        **artifacts,
    )


def _repaired(project: Project, asked: Repair, train: TableRef, do: Recorder) -> Repaired:
    return do(
        repair_step,
        train,
        rung=asked.rung,
        artifact=asked.artifact,
        fitted_on=asked.fitted_on,
        data_end=asked.data_end,
        since=asked.since,
        ws=project.workspace,
        contract=project.contract,
        features=project.params.features,
        params=project.params.tune,
        seed=project.params.seed,
    )
