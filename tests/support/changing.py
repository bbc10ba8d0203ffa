"""A project of visits whose world changes some weeks ago, with its first version in service: what a loop repairs."""

import shutil
from datetime import UTC, date, datetime, timedelta
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
    """Write the project and train its first version on the days before the world changed; no other day has come yet."""
    direct.visits(root)
    today = datetime.now(UTC).date()
    first = today - timedelta(days=BEFORE + SINCE)
    _come(root, days=BEFORE, first=first)
    text = (root / "params.yaml").read_text()
    assert "2024-03-01" in text
    text = text.replace("2024-03-01", str(today - timedelta(days=SINCE)))
    (root / "params.yaml").write_text(text + "monitor: {window: week}\n")
    settings = ("allow_dirty: true", f"serve_port: {serve_port}", 'monitoring_cron: "* * * * *"')
    (root / "configs" / "env" / "local.yaml").write_text("\n".join(settings) + "\n")
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


def days_since_come(root: Path) -> None:
    """Let the days since the world changed arrive, all at once."""
    _come(root, days=BEFORE + SINCE, first=datetime.now(UTC).date() - timedelta(days=BEFORE + SINCE))


def _come(root: Path, *, days: int, first: date) -> None:
    """Write the rows of so many days.

    Before the change, who reads many pages comes back; since, who stays long. A model fitted on both learns both.
    """
    n = (BEFORE + SINCE) * direct.A_DAY
    rng = np.random.default_rng(7)
    at = pd.date_range(str(first), periods=n, freq=pd.Timedelta(days=1) / direct.A_DAY, tz="UTC").floor("s")
    minutes, pages = rng.normal(size=(2, n))
    is_new = np.arange(n) >= BEFORE * direct.A_DAY
    returned = rng.random(n) < 1 / (1 + np.exp(-3 * np.where(is_new, minutes, pages)))
    rows = {"at": at, "visit": range(n), "minutes": minutes, "pages": pages, "returned": returned}
    arrived = root / "arriving.csv"
    pd.DataFrame(rows)[: days * direct.A_DAY].to_csv(arrived, index=False)
    arrived.replace(root / "visits.csv")
