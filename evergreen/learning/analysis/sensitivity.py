"""How far a model's estimates move when one column says something else: what a shift of it can do."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from evergreen.learning.model.model import Model

MOST_ROWS = 2_000


def sensitivity(model: Model, rows: pd.DataFrame, columns: Sequence[str], *, seed: int) -> dict[str, float]:
    """Return, by column, the mean absolute change of the estimates when the column's values are exchanged among rows.

    In [0, 1], or in the target's unit; of several classes, half the sum over them. It needs no labels. A column that
    says what another says too moves little, because the model still has the other one.

    Parameters
    ----------
    rows : typed, with what the model is asked with; at most 2,000 of them are drawn.
    """
    rng = np.random.default_rng(seed)
    drawn = rows.iloc[np.sort(rng.choice(len(rows), min(len(rows), MOST_ROWS), replace=False))].reset_index(drop=True)
    order = rng.permutation(len(drawn))
    usual = model.predict(drawn).values
    moved = {
        name: model.predict(drawn.assign(**{name: drawn[name].to_numpy()[order]})).values - usual for name in columns
    }
    several = usual.ndim > 1
    return {name: float(np.abs(by).sum() / (2 if several else 1) / len(drawn)) for name, by in moved.items()}
