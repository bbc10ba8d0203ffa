"""A candidate, made and measured: searched for, or made of the champion."""

from dataclasses import replace
from typing import Any

from prefect import Task

from evergreen.decisions.gate import decision as gate
from evergreen.learning.tuning.choice import Choice
from evergreen.project import Project
from evergreen.record.candidate import Candidate, Repair, steps_of
from evergreen.record.plan.steps import arguments
from flows.recorder import Recorder
from tasks.evaluate import evaluate
from tasks.features import features
from tasks.ingest import ingest
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
REPAIR: Task[..., Any] = repair_step


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

    for name in steps_of(repair):
        if repair and name == "repair":
            step, taken = REPAIR, repair.arguments(given, artifacts["train"])
        else:
            step, taken = AS_TASKS[name], arguments(name, given, artifacts, warm_start=start)
        artifacts |= dict(do(step, **taken))
    end = artifacts["split"].end
    return Candidate(
        key=gate.candidate_key(artifacts["model"].sha256, artifacts["report"], project.params.gate),
        data_end=end and (project.params.ingest.end or end),
        repair=repair,
        **artifacts,
    )
