"""Walks of the loop over streams whose truth is known: every month is looked at, and acted on, by the real flows."""

import sys
from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import direct
import parameters
import pytest
import yaml
from concepts import FIRST, stream, visits_of

from evergreen.config.params.params import Params
from evergreen.project import Project
from evergreen.record.looks import Look, RetrainingOutcome
from flows import monitoring, retraining
from flows.replay import as_of_end, months
from flows.training import train_and_judge

ROOT = Path(__file__).parents[2]
TRAINED_UNTIL = date(2023, 4, 1)


class Walked(NamedTuple):
    """A window of a walk: what was seen in it, and what was done about it."""

    look: Look
    outcome: RetrainingOutcome


def concept_project(
    folder: Path,
    kind: str,
    *,
    windows: int,
    change: int,
    a_day: int,
    seed: int,
    overrides: Sequence[str] = (),
) -> Path:
    """Write a project of visits whose stream begins with three months to train on; its policies are the committed ones.

    Parameters
    ----------
    change : the window in which it begins, from 0 on.
    overrides : of the committed parameters.
    """
    root = direct.visits(folder)
    ends = [end for _, end in months(TRAINED_UNTIL, date(2024, 12, 1))][:windows]
    starts = [TRAINED_UNTIL, *ends]
    days = (ends[-1] - FIRST).days
    found = stream(kind, days=days, a_day=a_day, change=(starts[change] - FIRST).days, seed=seed)
    visits_of(found).to_csv(root / "visits.csv", index=False)
    params = yaml.safe_load((root / "params.yaml").read_text())
    committed = Params.load(parameters.FILE, overrides)
    params["retrain"] = committed.retrain.model_dump(mode="json")
    params["harm"] = committed.harm.model_dump(mode="json")
    params["gate"] = committed.gate.model_dump(mode="json", exclude_unset=True)
    params["ingest"] = {"end": f"{TRAINED_UNTIL}"}
    params["features"] = {"rare_category": 5, "test_days": committed.features.test_days, "embargo_days": 1}
    (root / "params.yaml").write_text(yaml.safe_dump(params))
    (root / ".evergreen").mkdir()
    return root


def in_this_process(patch: pytest.MonkeyPatch) -> None:
    """Let every flow call its steps as functions, without Prefect, MLflow or BentoML."""
    for name, module in list(sys.modules.items()):
        if name.startswith("flows."):
            for what, instead in (("Recorder", direct.Direct), ("run_opened", direct.at_once)):
                if hasattr(module, what) and name not in ("flows.recorder", "flows.opened"):
                    patch.setattr(module, what, instead)


def walk(project: Project, *, windows: int) -> Iterator[Walked]:
    """Train the first model, then look at each month as of its end and act on what was decided."""
    first = train_and_judge(project, reason="first training")
    assert first.verdict == "promoted", first.reason
    for start, end in list(months(TRAINED_UNTIL, TRAINED_UNTIL + timedelta(days=31 * (windows + 2))))[:windows]:
        look = monitoring.look_at(project, start, end, as_of=as_of_end(end, project))
        yield Walked(look, retraining.act_on_window(project, reason=None))


def kept(project: Project) -> list[dict[str, Any]]:
    """Return what the ledger holds of retrainings, in order."""
    return [entry.payload for entry in project.ledger().entries(project.name, "retraining")]
