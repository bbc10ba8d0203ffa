"""Fixtures of the loop: processes that can be killed, and a shop whose faults every monitor has one of."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import drilled
import killing
import pytest

from evergreen.project import Project


@pytest.fixture(scope="session")
def forks() -> Iterator[killing.Killer]:
    """What runs the loop in processes of their own."""
    with killing.killer() as forks:
        yield forks


@pytest.fixture(scope="session")
def shop_trained(once) -> Path:
    """A project of the shop with its first version; copied by `shop`."""

    def train(folder: Path) -> Path:
        root = drilled.shop(folder / "shop")
        with pytest.MonkeyPatch.context() as patch:
            patch.chdir(root)
            (root / ".evergreen").mkdir()
            drilled.trained()
        return root

    return once("shop", train)


@pytest.fixture
def shop(shop_trained, tmp_path, monkeypatch) -> Project:
    monkeypatch.chdir(shutil.copytree(shop_trained, tmp_path / "shop"))
    return Project.open()
