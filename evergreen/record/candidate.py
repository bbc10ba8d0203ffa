"""A candidate: what the steps of a training made, by the names of their artifacts."""

from datetime import date
from typing import Any

from evergreen.base.artifacts.refs import DatasetRef, FolderRef, TableRef
from evergreen.base.values import Value
from evergreen.config.params.params import Params
from evergreen.data.validation import Validation
from evergreen.decisions.retrain.ladder import TRAININGS, Name
from evergreen.learning.evaluation import Report
from evergreen.learning.features import Split
from evergreen.learning.tuning.best import Best
from evergreen.learning.tuning.choice import Choice
from evergreen.record.plan.steps import STEPS, Given


class Repair(Value):
    """How a candidate comes of the champion.

    `rung`: of the repair ladder; `since`: the first day of the rows that the champion is repaired or refitted on, None
    for all. `artifact`: the champion's model, which was fitted on the rows `fitted_on`; None for all before `data_end`.
    `choice`: its family and parameters.
    """

    rung: Name
    since: date | None
    artifact: FolderRef
    fitted_on: TableRef | None
    data_end: date
    choice: Choice

    @property
    def is_training(self) -> bool:
        """Whether a model is fitted."""
        return self.rung in TRAININGS

    @property
    def keeps_model(self) -> bool:
        """Whether the candidate begins with the champion's model, so that tuning and the final fit have no part."""
        return self.rung not in ("refit", "search")

    def asks(self, params: Params) -> Params:
        """Return the parameters with which the steps run: a refit is a search of one trial, the champion's choice."""
        if self.rung != "refit":
            return params
        tune = params.tune.model_copy(update={"trials": 1, "warm_start": True, "sampler": "tpe", "seconds": None})
        return params.model_copy(update={"tune": tune})

    def arguments(self, given: Given, train: TableRef) -> dict[str, Any]:
        """Return the arguments of the step `repair` by name, as `plan.steps.arguments` does of the others."""
        return {
            "train": train,
            "rung": self.rung,
            "artifact": self.artifact,
            "fitted_on": self.fitted_on,
            "data_end": self.data_end,
            "since": self.since,
            "ws": given.ws,
            "contract": given.contract,
            "features": given.params.features,
            "params": given.params.tune,
            "seed": given.params.seed,
        }


REPLACED = ("tune", "train")  # by a repair that keeps the champion's model


def steps_of(repair: Repair | None) -> tuple[str, ...]:
    """Return the names of the steps that make a candidate, in order."""
    if repair is None or not repair.keeps_model:
        return tuple(STEPS)
    kept = [name for name in STEPS if name not in REPLACED]
    kept.insert(list(STEPS).index(REPLACED[0]), "repair")
    return tuple(kept)


class Candidate(Value):
    """A trained and measured model, before the gate, and everything that it was made from.

    `key`: the digest of what is judged and how, under which the ledger keeps the judgement. `data_end`: the day before
    which all of its rows lie; None for a table without time. `repair`: how it comes of the champion; None where it was
    searched for.
    """

    key: str
    data_end: date | None
    raw: DatasetRef
    valid: TableRef
    quarantine: TableRef
    validation: Validation
    docs: FolderRef
    train: TableRef
    test: TableRef
    split: Split
    lookups: FolderRef
    best: Best
    trials: TableRef
    out_of_fold: TableRef
    model: FolderRef
    baseline: FolderRef
    report: Report
    scores: TableRef
    repair: Repair | None = None

    def taking(self, artifact: str) -> "Candidate":
        """Return the candidate with the model that is promoted: itself, or its baseline in its place."""
        if artifact == "model":
            return self
        report = self.report
        swapped = Report(
            family=report.baseline_family,
            baseline_family="prior",
            candidate=report.baseline,
            baseline=report.baselines.get("prior", {}),
            train={},
            n_train=report.n_train,
            n_test=report.n_test,
            threshold=report.baseline_threshold,
            baseline_threshold=report.baseline_threshold,
            baselines=report.baselines,
        )
        promoted = {
            "model": self.baseline,
            "baseline": self.model,
            "report": swapped,
            "best": self.best.taking_simpler(),
        }
        return self.model_copy(update=promoted)
