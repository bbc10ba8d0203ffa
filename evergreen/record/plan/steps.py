"""The steps of a training: their order, and what each is given, through whichever door it is called.

`evergreen run` and `plan`, the training flow, `python -m tasks` and dvc.yaml all follow what stands here.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evergreen.base.artifacts.refs import SourceRef
from evergreen.base.artifacts.workspace import Workspace
from evergreen.config.contract.contract import Contract
from evergreen.config.params.params import Params

if TYPE_CHECKING:
    from evergreen.data.validation.own import Expectation
    from evergreen.learning.features.lookups import LookupRef

# In order, each with the names of its arguments. An artifact is known by one name everywhere: the field that a step
# returns, the argument of the step that takes it, and the file under data/.
STEPS: Mapping[str, tuple[str, ...]] = {
    "ingest": ("source", "contract", "params", "ws", "datasets"),
    "validate": ("raw", "contract", "expectations", "today", "params", "ws"),
    "features": ("valid", "contract", "lookup_files", "params", "seed", "ws"),
    "tune": ("train", "warm_start", "declared", "contract", "features", "params", "seed", "ws", "storage"),
    "train": ("train", "best", "lookups", "contract", "features", "params", "seed", "ws"),
    "evaluate": ("test", "train", "model", "baseline", "out_of_fold", "params", "seed", "ws"),
}
# Those that `python -m tasks` knows. No decision needs an analysis, so no plan waits for one.
STAGES: Mapping[str, tuple[str, ...]] = {
    **STEPS,
    "analyse": ("test", "train", "model", "report", "params", "seed", "ws"),
}
# What a step takes that no earlier one made.
GIVEN = frozenset(
    {
        "source", "contract", "expectations", "today", "lookup_files", "warm_start", "declared", "params", "features",
        "seed", "ws", "datasets", "storage",
    }
)  # fmt: skip
ARTIFACTS = frozenset(name for taken in STAGES.values() for name in taken) - GIVEN


@dataclass(frozen=True)
class Given:
    """What a project hands to its steps; every door takes it from `Project.given`.

    `locate` and `locate_lookups`: find the source and the files of `features.lookups`, when a step asks for them; a
    window is watched without the latter, which its model holds. `today`: the day that rows are late or early against.
    `ws`, `datasets`, `storage`: where steps work, which decides no result.
    """

    contract: Contract
    params: Params
    locate: Callable[[], SourceRef]
    expectations: "tuple[Expectation, ...]"
    locate_lookups: "Callable[[], tuple[LookupRef, ...]]"
    today: date | None
    ws: Workspace
    datasets: Path
    storage: str

    @cached_property
    def source(self) -> SourceRef:
        """The items of the source and of those that it is joined with."""
        return self.locate()

    @cached_property
    def declared(self) -> Mapping[str, Mapping[str, float]]:
        """The parameters of the simpler family, where tuning does not try it."""
        return {str(family): chosen for family, chosen in self.params.train.baseline.items()}

    @cached_property
    def lookup_files(self) -> "tuple[LookupRef, ...]":
        """The files of `features.lookups`, hashed."""
        return self.locate_lookups()


def arguments(
    step: str, given: Given, artifacts: Mapping[str, Any], *, warm_start: Callable[[str], Any] = lambda _: None
) -> dict[str, Any]:
    """Return a step's arguments by name.

    Parameters
    ----------
    artifacts : what earlier steps returned, by name: references and values, or both as plain JSON.
    warm_start : where tuning begins, by the digest of its rows.
    """
    taken: dict[str, Any] = {}
    for name in STAGES[step]:
        if name == "params":
            taken[name] = given.params.section(step)
        elif name in ("features", "seed"):
            taken[name] = getattr(given.params, name)
        elif name == "warm_start":
            train = artifacts["train"]
            taken[name] = warm_start(train["sha256"] if isinstance(train, Mapping) else train.sha256)
        else:
            taken[name] = artifacts[name] if name in artifacts else getattr(given, name)
    return taken
