"""The table that every contestant learns from and is asked for: a thousand parcels a day, 20 mixed columns.

Twelve numbers (two of them with missing values), two whole numbers, three categories, two booleans and the moment, of
which every contestant uses the hour and the weekday. It imports numpy alone, so that each environment can.
"""

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np

NUMBERS = tuple(f"n{k}" for k in range(1, 13))
WITH_MISSING = ("n1", "n2")
WHOLE = ("stops", "floor")
CATEGORIES = {
    "carrier": ("air", "north", "rail", "sea", "south"),
    "size": ("L", "M", "S"),
    "zone": tuple(f"z{k:02d}" for k in range(20)),
}
BOOLEANS = ("insured", "fragile")
TIME, TARGET = "handed_in", "late"
COLUMNS = (TIME, *NUMBERS, *WHOLE, *CATEGORIES, *BOOLEANS)
INPUTS = (*COLUMNS[1:], "hour", "weekday")
ROUNDS, LEAVES, MIN_LEAF = 150, 31, 20
BEGIN = datetime(2024, 1, 1, tzinfo=UTC)
THRESHOLD = 0.5


def table(n: int, *, seed: int = 7) -> dict[str, list[Any]]:
    """Return `n` rows by column, in the order of time, as plain Python values; a missing number is None."""
    rng = np.random.default_rng(seed)
    columns: dict[str, list[Any]] = {TIME: [BEGIN + timedelta(seconds=86.4 * k) for k in range(n)]}
    drawn = {name: np.round(rng.normal(50, 20, n), 3) for name in NUMBERS}
    for name, values in drawn.items():
        gaps = rng.random(n) < (0.1 if name in WITH_MISSING else 0)
        columns[name] = [None if gap else value for gap, value in zip(gaps, values.tolist(), strict=True)]
    for name in WHOLE:
        columns[name] = rng.integers(0, 30, n).tolist()
    for name, values in CATEGORIES.items():
        columns[name] = rng.choice(values, n).tolist()
    for name in BOOLEANS:
        columns[name] = (rng.random(n) < 0.4).tolist()
    hour = np.array([moment.hour for moment in columns[TIME]])
    crossed = [(drawn[one] - 50) * (drawn[other] - 50) for one, other in (("n3", "n4"), ("n5", "n6"))]
    effect = sum(1.5 * np.sign(product) for product in crossed)  # which no linear model can learn
    effect += 0.02 * (drawn["n7"] - 50) + 1.5 * np.where(np.array(columns["insured"]), hour > 12, hour <= 12)
    effect += 0.9 * (np.array(columns["carrier"]) == "sea") - 0.7 * (np.array(columns["size"]) == "S") - 1
    columns[TARGET] = (rng.random(n) < 1 / (1 + np.exp(-effect))).tolist()
    return columns


def requests(n: int) -> list[dict[str, Any]]:
    """Return `n` rows as a caller sends them."""
    columns = table(n, seed=11)
    columns[TIME] = [moment.strftime("%Y-%m-%dT%H:%M:%SZ") for moment in columns[TIME]]
    return [
        dict(zip(COLUMNS, values, strict=True)) for values in zip(*(columns[name] for name in COLUMNS), strict=True)
    ]
