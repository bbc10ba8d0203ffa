"""A small project with two environments: its own, with a version in it, and another, which nothing is in."""

import shutil
from pathlib import Path

import direct
import pytest

from evergreen.project import Project
from evergreen.record.registry.people import person
from flows import sending
from flows.training import train_and_judge
from flows.transfer import Transferred, transfer

ADA = person("Ada", "a week on staging")
ELSEWHERE = "home: .production\nallow_dirty: true\n"


def two_environments(root: Path, checkout: Path, prepared: Path) -> Path:
    """Write the project, with its first version registered in MLflow and packaged."""
    direct.visits(root)
    (root / "configs" / "env" / "production.yaml").write_text(ELSEWHERE)
    for name in ("bentofile.yaml", "requirements.lock"):
        shutil.copy(checkout / name, root / name)
    for name in ("evergreen", "serving"):
        (root / name).symlink_to(checkout / name)
    for home in (".evergreen", ".production"):
        (root / home / "mlflow").mkdir(parents=True)
        shutil.copy(prepared / "mlflow" / "mlflow.db", root / home / "mlflow" / "mlflow.db")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(root)
        outcome = train_and_judge(Project.open(), reason="first training", do=direct.Whole())
    assert (outcome.verdict, outcome.version) == ("promoted", 1)
    return root


def there(*overrides: str) -> Project:
    """Open the other environment."""
    return Project.open("production", overrides=overrides)


def send(here: Project, target: Project, *, do: direct.Direct | None = None, version: int = 1, by=ADA) -> Transferred:
    return transfer(sending.prepare(here, target, version, by), do or direct.Direct())


def told(project: Project, *kinds: str):
    """Return what a ledger says of the model."""
    return project.ledger().entries("visits", *kinds)


def count(project: Project) -> int:
    """Return the number of entries of a ledger that is whole."""
    return project.ledger().verify()


def refused(kind, code, call, *given, **named):
    with pytest.raises(kind) as caught:
        call(*given, **named)
    assert caught.value.code == code, caught.value
    return caught.value
