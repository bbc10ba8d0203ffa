"""How far a model's estimates move when one column says something else: what a shift of it can do."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from evergreen.learning.model.model import Model

MOST_ROWS, FEWEST_ROWS = 2_000, 20
MOST_WORK = 20_000_000  # values that the model is asked with: columns of a row, rows, and columns that are exchanged
STACKED_VALUES = 2_000_000  # in memory at a time


def sensitivity(model: Model, rows: pd.DataFrame, columns: Sequence[str], *, seed: int) -> dict[str, float]:
    """Return, by column, the mean absolute change of the estimates when the column's values are exchanged among rows.

    In [0, 1], or in the target's unit; of several classes, half the sum over them. It needs no labels. A column that
    says what another says too moves little, because the model still has the other one.

    Parameters
    ----------
    rows : typed, with what the model is asked with. At most 2,000 of them are drawn, fewer of more than 100 columns, so
        that the work grows no further, and at least 20.
    """
    rng = np.random.default_rng(seed)
    width = max(1, rows.shape[1])
    n_rows = min(len(rows), MOST_ROWS, max(FEWEST_ROWS, MOST_WORK // (width * max(1, len(columns)))))
    drawn = rows.iloc[np.sort(rng.choice(len(rows), n_rows, replace=False))].reset_index(drop=True)
    order = rng.permutation(n_rows)
    usual = model.predict(drawn).values
    per_row = 2 if usual.ndim > 1 else 1
    at_once = max(1, STACKED_VALUES // (n_rows * width))
    found: dict[str, float] = {}
    for begin in range(0, len(columns), at_once):
        some = columns[begin : begin + at_once]
        copies = [drawn.assign(**{name: drawn[name].to_numpy()[order]}) for name in some]
        said = model.predict(pd.concat(copies, ignore_index=True)).values.reshape(len(some), *usual.shape)
        found |= {name: float(np.abs(by - usual).sum() / per_row / n_rows) for name, by in zip(some, said, strict=True)}
    return found
