"""A bundle for the edge that the tests of this folder share, and copies of it that they may break."""

import shutil
from pathlib import Path

import edges
import pytest


@pytest.fixture(scope="session")
def made(project: Path, tmp_path_factory: pytest.TempPathFactory) -> edges.Made:
    return edges.made(tmp_path_factory.mktemp("edge"), project)


@pytest.fixture
def bundle(made: edges.Made, tmp_path: Path) -> Path:
    """A copy of the bundle's folder."""
    return Path(shutil.copytree(made.bundle.path, tmp_path / "edge"))
