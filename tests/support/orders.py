"""A table of orders that nobody has declared yet, in an empty project."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from cli import init
from evergreen.config.settings import Settings


def rows(n: int = 400) -> pd.DataFrame:
    rng = np.random.default_rng(8)
    weight = rng.gamma(3, 2, n).round(2)
    return pd.DataFrame(
        {
            "order": [f"A{k:05d}" for k in range(n)],
            "ordered_at": pd.date_range("2024-01-01", periods=n, freq="6h").strftime("%Y-%m-%dT%H:%M:%SZ"),
            "weight": weight,
            "lane": rng.choice(["north", "south"], n),
            "returned": np.where(weight + rng.normal(0, 2, n) > 6, "yes", "no"),
        }
    )


def made(settings: Settings, data: Path | str | None, **given: Any) -> init.Written:
    known = {
        "target": "returned",
        "time": None,
        "key": (),
        "task": None,
        "name": None,
        "connection": None,
        "query": None,
    }
    return init.init(settings, data=None if data is None else str(data), **{**known, **given})
