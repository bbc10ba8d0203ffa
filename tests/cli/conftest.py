"""An empty project with a table, for `init` and what follows it."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from unittest.mock import patch

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


@pytest.fixture
def own_environment() -> Iterator[None]:
    """What a command sets in the environment ends with the test that calls it in this process."""
    with patch.dict(os.environ):
        yield
