"""An empty project with a table, for `init` and what follows it."""

import shutil
from pathlib import Path

import parameters
import pytest
from orders import rows

from evergreen.config.settings import Settings


@pytest.fixture
def settings(project: Path, tmp_path: Path) -> Settings:
    """An empty project with a table of 400 rows in `data/`."""
    root = tmp_path / "project"
    shutil.copytree(project / "configs" / "env", root / "configs" / "env")
    shutil.copy(parameters.FILE, root)
    (root / "data").mkdir()
    rows().to_csv(root / "data" / "orders.csv", index=False)
    return Settings.load(start=root)
