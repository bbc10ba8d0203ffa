"""The default policy on streams whose truth is known: it trains where what the rows mean has changed, and not else."""

from collections.abc import Callable
from typing import NamedTuple

import pytest
import walks

from evergreen.decisions.retrain.ladder import TRAININGS
from evergreen.project import Project


class Promised(NamedTuple):
    """How many trainings a stream may cost, and how many of these within three windows of the change."""

    least: int
    most: int
    soon: int = 0


PROMISED = {
    "none": Promised(0, 0),
    "inputs": Promised(0, 1),
    "harder": Promised(0, 1),
    "sudden": Promised(1, 2, 1),
    "gradual": Promised(2, 4),
    "prior": Promised(0, 0),
}
SEEDS = 6
Walk = Callable[..., list[walks.Walked]]


@pytest.fixture
def walked(tmp_path, monkeypatch) -> Walk:
    """Return the walk over a stream, by the flows, with the committed policy."""
    walks.in_this_process(monkeypatch)

    def walked(kind: str, *, windows: int, change: int, seed: int) -> list[walks.Walked]:
        root = walks.concept_project(
            tmp_path / f"{kind}-{seed}", kind, windows=windows, change=change, a_day=60, seed=seed
        )
        monkeypatch.chdir(root)
        return list(walks.walk(Project.open(), windows=windows))

    return walked


def repairs(found: list[walks.Walked]) -> list[str | None]:
    """Return what was made in each window, promoted or not; None where nothing was."""
    return [outcome.training and (look.decision.rung or "search") for look, outcome in found]


def trainings(made: list[str | None]) -> int:
    return sum(name in TRAININGS for name in made)


@pytest.mark.parametrize(("kind", "windows"), [("none", 4), ("sudden", 4), ("gradual", 8), ("prior", 5)])
def test_default_policy_trains_as_often_as_the_truth_asks(walked, kind, windows):
    made = repairs(walked(kind, windows=windows, change=1, seed=1))
    assert_promised(kind, made, change=1)


@pytest.mark.long
@pytest.mark.parametrize("seed", range(SEEDS))
@pytest.mark.parametrize("kind", PROMISED)
def test_default_policy_trains_as_often_as_the_truth_asks_over_a_year(walked, kind, seed):
    made = repairs(walked(kind, windows=12, change=3, seed=seed))
    assert_promised(kind, made, change=3)


def assert_promised(kind: str, made: list[str | None], *, change: int) -> None:
    least, most, soon = PROMISED[kind]
    assert least <= trainings(made) <= most, made
    assert trainings(made[:change]) == 0, made
    assert trainings(made[change : change + 3]) >= soon, made
    assert kind != "prior" or "recalibration" in made, made
