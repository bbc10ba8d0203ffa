"""Ordinary tables: correlated columns, values missing more often in one class, a target that is a noisy sum of two."""

import numpy as np
import pandas as pd


def clean_table(seed: int, *, task: str) -> pd.DataFrame:
    """Return a table of which no column is a consequence of the target, a part of the time, or an id.

    60 to 2,500 rows; normal, skewed and counted columns that share two factors, rounded to 0 to 2 decimals; `target`
    explained to between 20 % and 90 %; a third of the columns with gaps that go with the target (odds up to 1 to 4).
    """
    rng = np.random.default_rng(seed)
    n = int(rng.integers(60, 2_500))
    factors = rng.normal(size=(2, n))
    shared = [float(rng.uniform(0.2, 0.9)) for _ in range(8)]
    raw = [s * factors[i % 2] + (1 - s**2) ** 0.5 * rng.normal(size=n) for i, s in enumerate(shared)]
    columns = {
        "width": (50 + 10 * raw[0]).round(1),
        "height": (30 + 5 * raw[1]).round(2),
        "income": np.exp(7 + 0.8 * raw[2]).round(int(rng.integers(0, 3))),
        "spent": np.exp(5 + 0.6 * raw[3]),
        "visits": np.floor(np.exp(0.7 + 0.6 * raw[4])),
        "items": 1 + (raw[5] > 0.8) + (raw[5] > 1.6).astype(int),
        "share": 1 / (1 + np.exp(-raw[6])),
        "age": np.clip(45 + 14 * raw[7], 18, 95).round(),
    }
    names = list(columns)
    one, other = rng.choice(len(names), 2, replace=False)
    both = raw[one] + raw[other]
    signal = both / both.std()
    explained = rng.uniform(0.2, 0.9)
    score = explained**0.5 * signal + (1 - explained) ** 0.5 * rng.normal(size=n)
    if task == "regression":
        target = (100 + 20 * score).round(int(rng.integers(0, 3)))
    elif task == "binary":
        target = np.where(score > rng.uniform(-1, 1.3), "yes", "no")
    else:
        target = np.digitize(score, [-0.6, 0.6]).astype(str)
        target = np.char.add("kind ", target)
    rows = pd.DataFrame(columns)
    for name in rng.choice(names, 3, replace=False):
        odds = np.exp(rng.uniform(0, 1.4) * np.sign(score) + rng.uniform(-3, 1))
        rows.loc[rng.random(n) < odds / (1 + odds), name] = np.nan
    begin, days = pd.Timestamp("2024-01-01", tz="UTC"), float(rng.choice([20, 80, 400]))
    rows.insert(0, "at", (begin + pd.to_timedelta(np.sort(rng.uniform(0, days, n)), "D")).floor("s"))
    rows["at"] = rows["at"].dt.strftime("%Y-%m-%dT%H:%M:%SZ")
    return rows.assign(target=target)
