"""Fixtures of artifacts: a workspace, and a table with a column of each type."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from evergreen.base.artifacts.workspace import Workspace


@pytest.fixture
def ws(tmp_path: Path) -> Workspace:
    return Workspace(root=tmp_path / "workspace")


@pytest.fixture
def table() -> pd.DataFrame:
    times = pd.to_datetime(["2013-03-10T06:59:00Z", "2013-11-03T05:30:00Z", None])
    return pd.DataFrame(
        {
            "time": times.as_unit("us"),
            "whole": [1, 2, 3],
            "real": [0.1, np.nan, -1e300],
            "text": pd.Series(["a", None, "é 漢"], dtype="str"),
            "yes": [True, False, True],
            "group": pd.Categorical(["x", "y", "x"]),
        }
    )
