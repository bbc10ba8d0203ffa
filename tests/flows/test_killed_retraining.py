"""A loop that is killed anywhere between a look and the end of what follows makes one candidate, when it runs again."""

import shutil
import signal
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import walks

from evergreen.base.failpoints import OF_RETRAINING
from evergreen.project import Project
from flows.training import train_and_judge

PROMOTING = ("promote.registered", "promote.begun", "promote.recorded", "promote.committed")
WINDOW = {"window": "2023-04-01", "until": "2023-05-01", "as_of": "2023-05-01T00:00+00:00"}
KILLS = 50
MADE = {"sudden": ("refit", True), "prior": ("recalibration", False)}  # by what changed: the rung, whether it trains


@pytest.fixture(scope="module")
def trained(tmp_path_factory) -> Callable[[str], Path]:
    """Return a copy of a project with a champion, in whose first window something has changed."""
    made: dict[str, Path] = {}

    def trained(kind: str) -> Path:
        if kind not in made:
            folder = tmp_path_factory.mktemp(kind)
            made[kind] = walks.concept_project(folder / "visits", kind, windows=1, change=0, a_day=60, seed=1)
            with pytest.MonkeyPatch.context() as patch:
                walks.in_this_process(patch)
                patch.chdir(made[kind])
                assert train_and_judge(Project.open(), reason="first training").verdict == "promoted"
        return Path(shutil.copytree(made[kind], tmp_path_factory.mktemp(f"{kind}-killed") / "visits"))

    return trained


def assert_once(root: Path, kind: str) -> None:
    """Assert that the ledger holds one of all that an incident leads to, besides the first training's."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(root)
        ledger = Project.open().ledger()
    ledger.verify()
    kinds = [entry.kind for entry in ledger.entries("visits")]
    found = {each: kinds.count(each) for each in ("look", "gate", "judgement", "promotion", "retraining")}
    assert found == {"look": 1, "gate": 2, "judgement": 2, "promotion": 2, "retraining": 1}
    (retraining,) = ledger.entries("visits", "retraining")
    assert (retraining.payload["rung"], retraining.payload["training"]) == MADE[kind]
    assert retraining.payload["outcome"]["version"] == ledger.champion("visits").version == 2


def assert_once_after_a_kill_at(point: str, root: Path, kind: str, forks) -> None:
    assert forks.run(root, point=point, **WINDOW) == -signal.SIGKILL
    assert forks.run(root, **WINDOW) == 0
    assert_once(root, kind)
    assert forks.run(root, **WINDOW) == 0
    assert_once(root, kind)


@pytest.mark.parametrize(
    ("point", "kind"), [("look.recorded", "sudden"), ("training.made", "sudden"), ("promote.committed", "prior")]
)
def test_loop_killed_at_a_point_makes_one_candidate_when_it_runs_again(trained, forks, point, kind):
    assert_once_after_a_kill_at(point, trained(kind), kind, forks)


@pytest.mark.long
@pytest.mark.parametrize("kind", MADE)
@pytest.mark.parametrize("point", [*OF_RETRAINING, *PROMOTING])
def test_loop_killed_at_any_point_makes_one_candidate_when_it_runs_again(trained, forks, point, kind):
    assert_once_after_a_kill_at(point, trained(kind), kind, forks)


@pytest.mark.long
def test_loop_killed_fifty_times_at_any_moment_makes_one_candidate_each_time(trained, forks):
    begun = time.monotonic()
    assert forks.run(trained("sudden"), **WINDOW) == 0
    lasts = time.monotonic() - begun
    killed = 0
    for share in np.random.default_rng(14).uniform(size=2 * KILLS):
        root = trained("sudden")
        killed += forks.run(root, after=float(share) * lasts, **WINDOW) == -signal.SIGKILL
        assert forks.run(root, **WINDOW) == 0
        assert_once(root, "sudden")
        shutil.rmtree(root)
        if killed == KILLS:
            break
    assert killed == KILLS
