"""Pumps by the hour: a signal that tells whether one fails, and noise that does not."""

import numpy as np
import pandas as pd

from evergreen.config.contract.contract import Contract
from evergreen.config.params.features import FeatureParams

FEATURES = FeatureParams(rare_category=5, test_days=7)


CONTRACT = Contract.model_validate(
    {
        "name": "pumps",
        "description": "made up",
        "source": {"kind": "file", "path": "pumps.csv"},
        "timezone": "UTC",
        "label_delay_days": 0,
        "columns": [
            {"name": "at", "type": "timestamp", "role": "time"},
            {"name": "signal", "type": "number", "role": "feature"},
            {"name": "noise", "type": "number", "role": "feature"},
            {"name": "fails", "type": "boolean", "role": "target"},
        ],
    }
)


def pumps(n, *, seed=1, turns=False, wave=False):
    """Return rows by the hour. `turns`: what the signal means turns round in the course of time."""
    rng = np.random.default_rng(seed)
    signal = rng.normal(size=n)
    meaning = np.linspace(3, -1, n) if turns else 2.0
    logit = 3 * np.sin(6 * signal) if wave else meaning * signal
    return pd.DataFrame(
        {
            "at": pd.date_range("2024-01-01", periods=n, freq="h", tz="UTC"),
            "signal": signal,
            "noise": rng.normal(size=n),
            "fails": rng.random(n) < 1 / (1 + np.exp(-logit)),
        }
    )
