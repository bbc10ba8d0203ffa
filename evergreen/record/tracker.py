"""What is kept of a training, and what a tracker is: plain values, whoever keeps them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Protocol

from pydantic import Field

from evergreen.base.errors import ConfigError
from evergreen.base.values import Value

if TYPE_CHECKING:
    import pandas as pd
    from sklearn.pipeline import Pipeline


class Run(Value):
    """A finished run. `uri`: of its model in MLflow, which a version is registered from; elsewhere of its folder.

    `metrics`: the numbers that MLflow keeps of it, by name; those of the first time where it was logged before.
    """

    run_id: str
    uri: str
    metrics: dict[str, float] = Field(default_factory=dict)


class Dataset(Value):
    """A table that a training used. `context`: what for; `digest`: its sha256; `source`: where it lies or came from."""

    name: str
    context: str
    digest: str
    source: str
    rows: int


class Trial(Value):
    """One trial of the search; `scores` are those of its folds, `score` is None where it did not finish."""

    number: int
    state: str
    family: str
    params: dict[str, Any]
    score: float | None
    scores: tuple[float, ...]
    seconds: float


@dataclass(frozen=True)
class Training:
    """A finished training.

    `series`: metrics by step, such as the score of each fold. `files`: texts and pictures by path inside the run.
    `types`: those that the model holds beyond skops' defaults. `example`: a few rows of the model's inputs.
    `requirements`: what loading the model needs, pinned.
    """

    experiment: str
    candidate: str
    params: Mapping[str, object]
    metrics: Mapping[str, float]
    series: Mapping[str, Sequence[float]]
    tags: Mapping[str, str]
    datasets: Sequence[Dataset]
    trials: Sequence[Trial]
    files: Mapping[str, bytes]
    pipeline: "Pipeline"
    types: Sequence[str]
    example: "pd.DataFrame"
    requirements: Sequence[str]

    @property
    def name(self) -> str:
        """What people see in a list of runs."""
        return f"training-{self.candidate[:8]}"


class Tracker(Protocol):
    """Keeps trainings."""

    def log(self, training: Training) -> Run:
        """Log a training once and return its run; a candidate that was logged before keeps its first run."""
        ...

    def attach(self, files: Mapping[str, bytes], *, experiment: str, candidate: str) -> None:
        """Add texts and pictures, by path, to the run of a candidate; those that it has already stay as they are."""
        ...


def require(trackers: Sequence[str]) -> None:
    """Raise ConfigError unless the package of each tracker is installed."""
    for name in trackers:
        if find_spec(name) is None:
            raise ConfigError(
                "TRK001",
                f"tracker '{name}' is wanted, but its package is not installed",
                where="settings.trackers",
                next_step=f"Install it: pip install 'evergreen[{name}]', or leave it out of trackers.",
            )
