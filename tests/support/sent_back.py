"""Orders that are sent back or not: days with a season and shocks, and a change after a champion was made."""

from datetime import date

import numpy as np
import pandas as pd

from evergreen.config.contract.contract import Contract
from evergreen.config.params.features import FeatureParams
from evergreen.learning import features

FEATURES = FeatureParams(rare_category=5, test_days=14, calendar=("weekday",))
CONTRACT = Contract.model_validate(
    {
        "name": "orders",
        "description": "will it be sent back?",
        "source": {"kind": "file", "path": "orders.csv"},
        "timezone": "UTC",
        "key": ["id"],
        "label_delay_days": 0,
        "columns": [
            {"name": "at", "type": "timestamp", "role": "time"},
            {"name": "id", "type": "integer", "role": "key"},
            {"name": "price", "type": "number", "role": "feature"},
            {"name": "size", "type": "number", "role": "feature"},
            {"name": "back", "type": "boolean", "role": "target"},
        ],
    }
)
FIRST, BEFORE, AFTER, A_DAY = date(2024, 1, 1), 74, 45, 100  # days before and after the champion was made, and rows
CHANGE = BEFORE + 5


def stream(seed: int, *, shifted: float = 0.0, flips: bool = False) -> tuple[pd.DataFrame, np.ndarray]:
    """Return rows with a weekly season and shocks of days, the day of each, and what changed on the day CHANGE."""
    rng, n = np.random.default_rng(seed), (BEFORE + AFTER) * A_DAY
    day = np.repeat(np.arange(BEFORE + AFTER), A_DAY)
    price, size = rng.normal(size=(2, n))
    weight = np.where((day >= CHANGE) & flips, -1.2, 1.2)
    shocks = rng.normal(0, 0.3, BEFORE + AFTER)
    odds = -0.6 + weight * price - 0.8 * size + 0.3 * np.sin(2 * np.pi * day / 7) + shocks[day]
    odds += np.where(day >= CHANGE, shifted, 0.0)
    at = (
        pd.Timestamp(FIRST, tz="UTC") + pd.to_timedelta(day, unit="D") + pd.to_timedelta(np.arange(n) % A_DAY, unit="m")
    )
    rows = pd.DataFrame(
        {"at": at, "id": range(n), "price": price, "size": size, "back": rng.random(n) < 1 / (1 + np.exp(-odds))}
    )
    return rows.assign(**features.build(rows, CONTRACT, FEATURES)), day
