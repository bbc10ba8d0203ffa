"""What would run and why: the identity of every step, known before any engine or heavy library is loaded."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from evergreen.base.artifacts.refs import SourceRef
from evergreen.base.artifacts.workspace import Workspace
from evergreen.config.contract.contract import Contract
from evergreen.config.params.params import Params
from evergreen.record.plan.identity import record_key
from evergreen.record.plan.records import read_record

# The training steps, in order, and the names of their arguments. An artifact is known by one name everywhere:
# the field that a step returns, the argument of the step that takes it, and the file under data/.
STEPS: dict[str, tuple[str, ...]] = {
    "ingest": ("source", "contract", "params"),
    "validate": ("raw", "contract", "expectations", "today", "params"),
    "features": ("valid", "contract", "params", "seed", "lookup_files"),
    "tune": ("train", "start", "contract", "features", "params", "seed"),
    "train": ("train", "best", "lookups", "contract", "features", "params", "seed"),
    "evaluate": ("model", "baseline", "train", "test", "params", "seed"),
}
# Those that `python -m tasks` knows. No decision needs an analysis, so no plan waits for one.
STAGES = {**STEPS, "analyse": ("report", "model", "train", "test", "params", "seed")}


class PlannedStep(BaseModel):
    """One line of a plan. `identity` is None while an earlier step has yet to run."""

    model_config = ConfigDict(frozen=True)

    name: str
    identity: str | None
    cached: bool
    why: str


def plan(
    source: SourceRef,
    contract: Contract,
    params: Params,
    *,
    ws: Workspace,
    records: Path,
    expectations: Sequence[Any] = (),
    lookup_files: Sequence[Any] = (),
    today: date | None = None,
    start: Callable[[str], Any] = lambda _: None,
) -> tuple[list[PlannedStep], dict[str, Any]]:
    """Return the training steps with their identities, and every artifact that is already there.

    A step is a hit when its result is recorded and the files that the result names exist; from the first miss on,
    identities are unknown, because they depend on artifacts that have yet to be made. `start` answers where tuning
    begins, by the digest of its rows.
    """
    artifacts: dict[str, Any] = {}
    steps: list[PlannedStep] = []
    for name in STEPS:
        if steps and not steps[-1].cached:
            steps.append(PlannedStep(name=name, identity=None, cached=False, why=f"after {steps[-1].name}"))
            continue
        arguments = arguments_of(
            name,
            source,
            contract,
            params,
            artifacts,
            expectations=expectations,
            lookup_files=lookup_files,
            today=today,
            start=start(artifacts["train"]["sha256"]) if name == "tune" else None,
        )
        key = record_key(name, arguments)
        found = read_record(records / key)
        here = found is not None and ws.holds(found)
        if here and found is not None:
            artifacts.update(found)
        why = "recorded" if here else "never run with this code, data and configuration"
        steps.append(PlannedStep(name=name, identity=key.rpartition("-")[2], cached=here, why=why))
    return steps, artifacts


def arguments_of(
    step: str,
    source: SourceRef,
    contract: Contract,
    params: Params,
    artifacts: Mapping[str, Any],
    *,
    expectations: Sequence[Any] = (),
    lookup_files: Sequence[Any] = (),
    today: date | None = None,
    start: Any = None,
) -> dict[str, Any]:
    """Return a step's arguments by name, except where it works; artifacts come from `artifacts`."""
    given = {
        "source": source,
        "contract": contract,
        "expectations": expectations,
        "lookup_files": lookup_files,
        "today": today,
        "start": start,
        "params": params.section(step),
        "seed": params.seed,
        "features": params.features,
        **artifacts,
    }
    return {name: given[name] for name in STAGES[step]}
