"""A shop whose visits come at all hours and most in the evening: each monitor has a fault of its own there."""

from pathlib import Path

import direct
import numpy as np
import pandas as pd

from evergreen.project import Project
from flows.training import train_and_judge

DAYS, A_DAY = 121, 60  # January to April 2024
CATEGORY = "  - {name: page, type: category, role: feature}\n"


def shop(folder: Path) -> Path:
    """Write a project of visits with a page that was looked at, and labels that may be late."""
    root = direct.visits(folder)
    contract = root / "configs" / "visits" / "contract.yaml"
    text = contract.read_text().replace("type: boolean, role: target", "type: boolean, role: target, nullable: true")
    contract.write_text(text.replace("  - {name: returned", CATEGORY + "  - {name: returned"))
    orders().to_csv(root / "visits.csv", index=False)
    return root


def orders() -> pd.DataFrame:
    """Return rows in which nothing changes; half of those of a day come within three hours."""
    rng, n = np.random.default_rng(3), DAYS * A_DAY
    hours = np.where(rng.random(n) < 0.5, rng.uniform(18, 21, n), rng.uniform(0, 24, n))
    day = np.repeat(np.arange(DAYS), A_DAY)
    at = pd.Timestamp("2024-01-01", tz="UTC") + pd.to_timedelta(day * 24 + hours, unit="h")
    minutes, pages = 30 + 10 * rng.normal(size=n), rng.normal(size=n)
    page = rng.choice(["shoes", "shirts", "hats"], n, p=[0.5, 0.3, 0.2])
    returned = rng.random(n) < 1 / (1 + np.exp(-2 * pages - 0.1 * (minutes - 30)))
    rows = {"at": at.floor("s"), "visit": range(n), "minutes": minutes, "pages": pages, "page": page}
    return pd.DataFrame({**rows, "returned": returned}).sort_values("at", kind="stable")


def trained() -> Project:
    """Train the first version of the project here, on January and February."""
    outcome = train_and_judge(Project.open(), reason="first training", do=direct.Direct())
    assert outcome.verdict == "promoted", outcome
    return Project.open()
