"""A project of visits whose world changes some weeks ago, with its first version in service: what a loop repairs."""

import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import direct
import numpy as np
import pandas as pd
import projects
import pytest

from evergreen.project import Project
from flows.training import train_and_judge

BEFORE, SINCE = 32, 52  # days that the first version was made of, and days since then, until yesterday


def changed_world(root: Path, checkout: Path, prepared: Path, *, serve_port: int) -> projects.Small:
    """Write the project and train its first version on the days before the world changed.

    Before, who reads many pages comes back; since, who stays long. A model that is fitted on both learns both.
    """
    direct.visits(root)
    today = datetime.now(UTC).date()
    first = today - timedelta(days=BEFORE + SINCE)
    n = (BEFORE + SINCE) * direct.A_DAY
    rng = np.random.default_rng(7)
    at = pd.date_range(str(first), periods=n, freq=pd.Timedelta(days=1) / direct.A_DAY, tz="UTC").floor("s")
    minutes, pages = rng.normal(size=(2, n))
    is_new = np.arange(n) >= BEFORE * direct.A_DAY
    returned = rng.random(n) < 1 / (1 + np.exp(-3 * np.where(is_new, minutes, pages)))
    rows = {"at": at, "visit": range(n), "minutes": minutes, "pages": pages, "returned": returned}
    pd.DataFrame(rows).to_csv(root / "visits.csv", index=False)
    text = (root / "params.yaml").read_text()
    assert "2024-03-01" in text
    text = text.replace("2024-03-01", str(today - timedelta(days=SINCE)))
    (root / "params.yaml").write_text(text + "monitor: {window: week}\n")
    (root / "configs" / "env" / "local.yaml").write_text(f"allow_dirty: true\nserve_port: {serve_port}\n")
    for name in ("bentofile.yaml", "requirements.lock"):
        shutil.copy(checkout / name, root / name)
    for name in ("evergreen", "serving"):
        (root / name).symlink_to(checkout / name)
    small = projects.Small(root)
    projects.copy_state(prepared, small)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(root)
        outcome = train_and_judge(Project.open(), reason="first training", do=direct.Whole())
    assert (outcome.verdict, outcome.version) == ("promoted", 1)
    return small
