"""Permutation importance: what a model loses when a column is shuffled."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from evergreen.config.contract.contract import Contract
from evergreen.config.objectives import GATE_METRIC
from evergreen.learning.analysis.values import Importance
from evergreen.learning.evaluation.estimates import estimate
from evergreen.learning.evaluation.metrics import score

Array = npt.NDArray[Any]

MOST_WORK = 20_000_000  # values that the model is asked with: columns of a row, rows, and shuffles of all columns
FEWEST_ROWS, FEWEST_COLUMNS = 1_000, 20
SCREENING_ROWS = 8, 200
STACKED_VALUES = 2_000_000  # in memory at a time


def importance(
    pipeline: Any,
    inputs: pd.DataFrame,
    labels: Array,
    contract: Contract,
    *,
    classes: tuple[str, ...],
    repeats: int,
    max_rows: int,
    seed: int,
) -> tuple[Importance, ...] | str:
    """Return how far the gate's metric falls when a column of `inputs` is shuffled, largest first (Breiman, 2001).

    A column that says what another says too falls little, because the model still has the other one. A text says why
    there is none: a rare class may be missing among the rows that were drawn.

    The work is bounded, by numbers alone, so that equal inputs give equal results: of a wide table fewer rows are
    drawn, at least 1,000, and then only those columns are shuffled that move the estimates most, at least 20. The
    others are not measured, and not in what is returned.
    """
    from sklearn.inspection import permutation_importance

    n_rows, n_columns = affordable(min(len(inputs), max_rows), inputs.shape[1], repeats)
    if len(inputs) > n_rows:
        drawn = np.sort(np.random.default_rng(seed).choice(len(inputs), size=n_rows, replace=False))
        inputs, labels = inputs.iloc[drawn], labels[drawn]

    metric = GATE_METRIC[contract.task]

    def said(rows: pd.DataFrame) -> Any:
        return estimate(pipeline, rows, task=contract.task, classes=classes)

    names = list(map(str, inputs.columns))
    if n_columns < len(names):
        moved = _moved(inputs, lambda rows: said(rows).values, seed=seed)
        names = [names[at] for at in np.sort(np.argsort(-moved, kind="stable")[:n_columns])]

    def scorer(_: Any, shuffled: pd.DataFrame, truth: Array) -> float:
        return score(metric, truth, said(inputs.assign(**{str(name): values for name, values in shuffled.items()})))

    permuted = permutation_importance(
        pipeline, inputs[names], labels, scoring=scorer, n_repeats=repeats, random_state=seed, n_jobs=1
    )
    if not np.isfinite(permuted.importances_mean).all():
        return f"{metric} has no value on the {len(labels)} rows that were drawn"
    order = np.argsort(-permuted.importances_mean, kind="stable")
    return tuple(
        Importance(
            column=names[at],
            mean=float(permuted.importances_mean[at]),
            deviation=float(permuted.importances_std[at]),
        )
        for at in order
    )


def affordable(rows: int, columns: int, repeats: int) -> tuple[int, int]:
    """Return on how many rows how many columns are shuffled: all, as far as `MOST_WORK` goes.

    Examples
    --------
    >>> affordable(5_000, 12, 3), affordable(5_000, 80, 3), affordable(150, 2_000, 3), affordable(5_000, 2_000, 3)
    ((5000, 12), (1041, 80), (150, 22), (1000, 20))
    """
    n_rows = min(rows, max(FEWEST_ROWS, MOST_WORK // (columns**2 * repeats)))
    n_columns = max(FEWEST_COLUMNS, MOST_WORK // (max(n_rows, 1) * columns * repeats))
    return n_rows, min(columns, n_columns)


def _moved(inputs: pd.DataFrame, said: Callable[[pd.DataFrame], Array], *, seed: int) -> Array:
    """Return how far the estimates of a few rows move, in all, when a column's values go to the row beside; by column.

    The copies of the rows, one for each column, are asked together as far as memory allows: asking a model of
    thousands of columns costs little more for many rows than for a few.
    """
    width = inputs.shape[1]
    fewest, most = SCREENING_ROWS
    n_rows = min(len(inputs), max(fewest, min(most, MOST_WORK // width**2)))
    drawn = inputs.iloc[np.random.default_rng(seed).choice(len(inputs), size=n_rows, replace=False)]
    usual = said(drawn)
    at_once = max(1, STACKED_VALUES // (n_rows * width))
    parts = [range(begin, min(begin + at_once, width)) for begin in range(0, width, at_once)]
    return np.concatenate(
        [np.abs(said(_stacked(drawn, part)).reshape(len(part), -1) - usual.ravel()).sum(axis=1) for part in parts]
    )


def _stacked(drawn: pd.DataFrame, changed: Sequence[int]) -> pd.DataFrame:
    """Return a copy of the rows for each of `changed` columns, whose values go to the row beside."""
    rows = np.arange(len(drawn))
    usual = np.tile(rows, len(changed))
    taken: dict[str, Any] = {}
    for at, name in enumerate(drawn.columns):
        order = usual
        if at in changed:
            order = usual.copy()
            begin = (at - changed[0]) * len(rows)
            order[begin : begin + len(rows)] = np.roll(rows, 1)
        taken[name] = drawn[name].array.take(order)
    return pd.DataFrame(taken)
