"""What would run and why: the identity of every step, known before any engine or heavy library is loaded."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from evergreen.base.values import Value
from evergreen.record.plan.identity import record_key
from evergreen.record.plan.records import read_record
from evergreen.record.plan.steps import STEPS, Given, arguments
from evergreen.record.plan.wholeness import holds


class PlannedStep(Value):
    """One line of a plan. `identity` is None while an earlier step has yet to run."""

    name: str
    identity: str | None
    cached: bool
    why: str


def plan(
    given: Given, *, records: Path, warm_start: Callable[[str], Any] = lambda _: None
) -> tuple[list[PlannedStep], dict[str, Any]]:
    """Return the training steps with their identities, and every artifact that is already there.

    A step is a hit when its result is recorded and every byte of what that names is there; from the first miss on,
    identities are unknown, because they depend on artifacts that have yet to be made.

    Parameters
    ----------
    records : the folder of the steps' results.
    warm_start : where tuning begins, by the digest of its rows.
    """
    artifacts: dict[str, Any] = {}
    steps: list[PlannedStep] = []
    for name in STEPS:
        if steps and not steps[-1].cached:
            steps.append(PlannedStep(name=name, identity=None, cached=False, why=f"after {steps[-1].name}"))
            continue
        key = record_key(name, arguments(name, given, artifacts, warm_start=warm_start))
        record = read_record(records / key)
        here = record is not None and holds(given.ws, record)
        if here and record is not None:
            artifacts.update(record)
        why = "recorded" if here else "never run with this code, data and configuration"
        steps.append(PlannedStep(name=name, identity=key.rpartition("-")[2], cached=here, why=why))
    return steps, artifacts
