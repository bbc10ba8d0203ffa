"""A loop that is killed anywhere between a look and the end of what follows trains once for an incident, when it runs
again."""

import shutil
import signal
import time
from pathlib import Path

import looking
import numpy as np
import pytest
import walks

from evergreen.base.failpoints import OF_RETRAINING
from evergreen.project import Project
from flows.training import train_and_judge

PROMOTING = ("promote.registered", "promote.begun", "promote.recorded", "promote.committed")
WINDOW = {"window": "2024-04-01", "until": "2024-05-01", "as_of": "2024-06-01T00:00+00:00"}
RANDOM = 50 - len(OF_RETRAINING) - len(PROMOTING)


@pytest.fixture
def harmed(visited):
    """The project, in which what tells who returns changes in April: harm that a training learns."""
    looking.bring(visited, looking.stays(looking.source(visited), "04-01"))
    return visited


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A project with a champion, of which more visitors return from April on: what recalibration repairs."""
    root = walks.concept_project(
        tmp_path_factory.mktemp("prior") / "visits", "prior", windows=1, change=0, a_day=60, seed=1
    )
    with pytest.MonkeyPatch.context() as patch:
        walks.in_this_process(patch)
        patch.chdir(root)
        assert train_and_judge(Project.open(), reason="first training").verdict == "promoted"
    return root


def done(project: Project) -> dict[str, int]:
    """Return how often the ledger holds what an incident leads to, besides what was there before."""
    ledger = project.ledger()
    ledger.verify()
    kinds = [entry.kind for entry in ledger.entries("visits")]
    return {kind: kinds.count(kind) for kind in ("look", "gate", "judgement", "promotion", "retraining")}


def once(project: Project) -> dict[str, int]:
    """Return what the ledger must hold when all is done: one of everything, besides the first training's."""
    (retraining,) = project.ledger().entries("visits", "retraining")
    promoted = int(retraining.payload["outcome"]["verdict"] == "promoted")
    return {"look": 1, "gate": 2, "judgement": 2, "promotion": 1 + promoted, "retraining": 1}


@pytest.mark.parametrize("point", [OF_RETRAINING[1], OF_RETRAINING[3], PROMOTING[3]])
def test_loop_killed_at_a_point_trains_once_when_it_runs_again(harmed, forks, point):
    assert_once(harmed, forks, point)


@pytest.mark.long
@pytest.mark.parametrize("point", [*OF_RETRAINING, *PROMOTING])
def test_loop_killed_at_any_point_trains_once_when_it_runs_again(harmed, forks, point):
    assert_once(harmed, forks, point)


def assert_once(harmed: Project, forks, point: str) -> None:
    assert forks.run(harmed.settings.project, point=point, **WINDOW) == -signal.SIGKILL
    assert forks.run(harmed.settings.project, **WINDOW) == 0
    assert done(harmed) == once(harmed)
    assert forks.run(harmed.settings.project, **WINDOW) == 0
    assert done(harmed) == once(harmed)


def test_recalibration_killed_after_its_promotion_is_not_made_a_second_time(trained, forks, tmp_path):
    root = Path(shutil.copytree(trained, tmp_path / "visits"))
    window = {"window": "2023-04-01", "until": "2023-05-01", "as_of": "2023-05-01T00:00+00:00"}
    assert forks.run(root, point="promote.committed", **window) == -signal.SIGKILL
    project = at(root)
    (promoted,) = [entry for entry in project.ledger().entries("visits", "promotion") if entry.key == "2"]
    assert forks.run(root, **window) == 0
    assert done(project) == once(project)
    (retraining,) = project.ledger().entries("visits", "retraining")
    assert (retraining.payload["rung"], retraining.payload["training"]) == ("recalibration", False)
    assert retraining.payload["outcome"]["version"] == promoted.payload["version"] == project.champion().version


@pytest.mark.long
def test_loop_killed_at_any_moment_trains_once_when_it_runs_again(harmed, forks, tmp_path):
    whole = Path(shutil.copytree(harmed.settings.project, tmp_path / "whole"))
    begun = time.monotonic()
    assert forks.run(whole, **WINDOW) == 0
    lasts = time.monotonic() - begun
    killed = 0
    for number, share in enumerate(np.random.default_rng(14).uniform(size=RANDOM)):
        root = Path(shutil.copytree(harmed.settings.project, tmp_path / f"{number}"))
        killed += forks.run(root, after=float(share) * lasts, **WINDOW) == -signal.SIGKILL
        assert forks.run(root, **WINDOW) == 0
        project = at(root)
        assert done(project) == once(project), share
    assert killed > RANDOM // 2


def at(root: Path) -> Project:
    """Return the project of a folder."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(root)
        return Project.open()
