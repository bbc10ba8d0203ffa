"""Flows without an engine: their steps as plain functions, on a table of which a model is fitted in a moment."""

from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from evergreen.adapters import drift_report
from evergreen.config.settings import Settings
from evergreen.project import Project
from evergreen.record.ledger.ledger import Ledger
from evergreen.record.outcomes import StepRun
from evergreen.record.registry.card.parts import measured_parts
from evergreen.record.registry.numbers import numbers_of
from evergreen.record.tracker import Run
from flows.recorder import Recorder
from tasks.drift import Drifted, drift
from tasks.package import Packaged

CONTRACT = """\
name: visits
description: will a visitor come back?
source: {kind: file, path: visits.csv}
timezone: UTC
key: [visit]
label_delay_days: 1
columns:
  - {name: at, type: timestamp, role: time}
  - {name: visit, type: integer, role: key}
  - {name: minutes, type: number, role: feature}
  - {name: pages, type: number, role: feature}
  - {name: returned, type: boolean, role: target}
"""
PARAMS = """\
seed: 7
dataset: visits
ingest: {end: "2024-03-01"}
validate: {max_bad_share: 0.05}
features: {rare_category: 5, test_days: 14, embargo_days: 1}
tune: {trials: 1, folds: 2, max_rows: 1000, calibrate: false, families: {logistic: {C: {float: [0.1, 10], log: true}}}}
train: {baseline: {logistic: {C: 0.0001}}}
evaluate: {resamples: 100, repeats: 1, curve_points: 0}
gate: {metric: roc_auc, floor: 0.6, baseline_gain: -0.1, champion_margin: 0.05, confidence: 0.95}
rollout: {direct: true}
retrain: {cooldown_days: 25}
"""
A_DAY = 15  # rows
PACKAGED = Packaged(tag="visits:1", digest="a" * 64)


def visits(folder: Path) -> Path:
    """Write a project whose model is fitted in a moment, with the rows of January to April 2024."""
    (folder / "configs" / "env").mkdir(parents=True)
    (folder / "configs" / "env" / "local.yaml").write_text("allow_dirty: true\n")
    (folder / "configs" / "visits").mkdir()
    (folder / "configs" / "visits" / "contract.yaml").write_text(CONTRACT)
    (folder / "params.yaml").write_text(PARAMS)
    rng, n = np.random.default_rng(7), 121 * A_DAY
    at = pd.date_range("2024-01-01", periods=n, freq=pd.Timedelta(days=1) / A_DAY, tz="UTC").floor("s")
    minutes, pages = rng.normal(size=(2, n))
    minutes += np.where(at >= "2024-04-01", 3.0, 0.0)  # in April everybody stays longer
    returned = rng.random(n) < 1 / (1 + np.exp(-2 * pages))
    rows = {"at": at, "visit": range(n), "minutes": minutes, "pages": pages, "returned": returned}
    pd.DataFrame(rows).to_csv(folder / "visits.csv", index=False)
    return folder


class Direct(Recorder):
    """Calls the functions of steps; those in `instead` are called in their place, by the name of the step.

    What a vendor would keep is not kept: what it would answer is answered.
    """

    def __init__(self, **instead: Callable[..., Any]) -> None:
        super().__init__()
        usual: dict[str, Callable[..., Any]] = {
            "track": tracked,
            "register": numbered,
            "package": lambda *_, **__: PACKAGED,
            "describe": lambda *_, **__: "what it is",
            "mirror": lambda *_, **__: None,
            "attach": lambda *_, **__: None,
            "drift": undrawn,
        }
        self._instead = {**usual, **instead}

    @property
    def names(self) -> list[str]:
        return [step.name for step in self.steps]

    def __call__(self, step: Any, *args: Any, **kwargs: Any) -> Any:
        answer = self._instead.get(step.name, step.fn)(*args, **kwargs)
        self.steps.append(StepRun(name=step.name, cached=False, seconds=0.0))
        return answer

    def beside(self, step: Any, *args: Any, **kwargs: Any) -> Future[Any]:
        answer = Future[Any]()
        try:
            answer.set_result(self(step, *args, **kwargs))
        except Exception as error:
            answer.set_exception(error)
        return answer


def tracked(candidate: Any, *, verdict: Any, compared: Any, steps: Any, ws: Any, params: Any, **_: Any) -> Run:
    """Return the run that a tracker would keep, with its numbers."""
    metric, threshold = params.gate.metric, candidate.report.threshold
    parts = measured_parts(
        ws.read(compared.table), compared, taken=verdict.artifact, metric=metric, threshold=threshold
    )
    return Run(run_id="run", uri="uri", metrics=numbers_of(candidate, metric, steps) | parts)


def numbered(run: Run, *, name: str, candidate: str, settings: Settings, **_: Any) -> int:
    """Return the number that the ledger gives to a candidate's version."""
    return Ledger.open(settings).number(name, candidate)


def undrawn(*args: Any, **given: Any) -> Drifted:
    """Return what the drift step finds, without drawing its picture."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(drift_report, "draw", lambda *_, **__: ())
        return drift.fn(*args, **given)


def at_once(name: str, project: Project, body: Callable[[], Any], **asked: Any) -> Any:
    """Do what `run_opened` runs as a flow."""
    return body()


class Whole(Direct):
    """Calls the functions of all steps; nothing is replaced."""

    def __init__(self) -> None:
        super().__init__()
        self._instead = {}
