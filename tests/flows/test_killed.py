"""A promotion that is killed anywhere leaves the old champion or the new one, and the same command finishes it."""

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import direct
import pytest

from evergreen.adapters import tracking
from evergreen.base.failpoints import POINTS
from evergreen.project import Project
from evergreen.record.outcomes import champion_facts, version_facts
from evergreen.record.plan.wholeness import holds

CHILD = """
import os, sys
from evergreen.base import failpoints
from evergreen.project import Project
import direct
from flows.training import train_and_judge
project = Project.open(overrides=[f"ingest.end={sys.argv[1]}"])
os.environ.update(project.settings.environment())
if sys.argv[2]:
    failpoints.arm(sys.argv[2])
print(train_and_judge(project, reason="because", do=direct.Whole()).version)
"""
ROOT = Path(__file__).parents[2]
FIRST, SECOND = "2024-02-20", "2024-03-05"


def train(root: Path, end: str, point: str = "") -> subprocess.CompletedProcess[str]:
    argv = [sys.executable, "-c", CHILD, end, point]
    env = {**os.environ, "PYTHONPATH": os.pathsep.join([str(Path(direct.__file__).parent), str(ROOT)])}
    return subprocess.run(argv, cwd=root, env=env, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def promoted_once(project, prepared_state, tmp_path_factory):
    """A project of visits with one version, made by every step, in MLflow and as a bento."""
    root = direct.visits(tmp_path_factory.mktemp("killed") / "visits")
    for name in ("bentofile.yaml", "requirements.lock"):
        shutil.copy(project / name, root / name)
    for name in ("evergreen", "serving"):
        (root / name).symlink_to(project / name)
    shutil.copytree(prepared_state / "mlflow", root / ".evergreen" / "mlflow")
    done = train(root, FIRST)
    assert done.stdout.splitlines()[-1:] == ["1"], done.stderr
    return root


def known(project: Project) -> dict[int, str]:
    """Return the versions in MLflow, by number, with their candidates."""
    client = tracking.client(project.settings.tracking_uri())
    return {
        int(version.version): version.tags.get("candidate", "")
        for version in client.search_model_versions("name = 'visits'")
    }


@pytest.mark.long
@pytest.mark.parametrize("point", POINTS)
def test_promotion_killed_at_a_point_is_not_begun_or_done_and_finished_by_the_same_command(
    promoted_once, tmp_path, monkeypatch, point
):
    root = Path(shutil.copytree(promoted_once, tmp_path / "visits", symlinks=True))
    monkeypatch.chdir(root)
    project = Project.open()
    old = champion_facts(project.ledger(), "visits")

    killed = train(root, SECOND, point)
    assert killed.returncode == -signal.SIGKILL, killed.stderr

    left = champion_facts(project.ledger(), "visits")
    assert left == old or (left.version == 2 and left == version_facts(project.ledger(), "visits", 2))
    assert left == old or point in ("promote.committed", "mirror.done")
    assert holds(project.workspace, left)
    project.ledger().verify()

    done = train(root, SECOND)
    assert done.stdout.splitlines()[-1:] == ["2"], done.stderr
    new = champion_facts(project.ledger(), "visits")
    assert (new.version, sorted(known(project))) == (2, [1, 2])
    assert known(project)[2] == new.candidate
    alias = tracking.client(project.settings.tracking_uri()).get_model_version_by_alias("visits", "champion")
    assert int(alias.version) == 2
    entries = project.ledger().entries("visits")
    assert [entry.key for entry in entries if entry.kind == "promotion"] == ["1", "2"]

    again = train(root, SECOND)
    assert again.stdout.splitlines()[-1:] == ["2"], again.stderr
    assert project.ledger().entries("visits") == entries
