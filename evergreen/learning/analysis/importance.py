"""Permutation importance: what a model loses when a column is shuffled."""

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
    """
    from sklearn.inspection import permutation_importance

    if len(inputs) > max_rows:
        drawn = np.sort(np.random.default_rng(seed).choice(len(inputs), size=max_rows, replace=False))
        inputs, labels = inputs.iloc[drawn], labels[drawn]

    metric = GATE_METRIC[contract.task]

    def scorer(fitted: Any, shuffled: pd.DataFrame, truth: Array) -> float:
        return score(metric, truth, estimate(fitted, shuffled, task=contract.task, classes=classes))

    permuted = permutation_importance(
        pipeline, inputs, labels, scoring=scorer, n_repeats=repeats, random_state=seed, n_jobs=1
    )
    if not np.isfinite(permuted.importances_mean).all():
        return f"{metric} has no value on the {len(labels)} rows that were drawn"
    order = np.argsort(-permuted.importances_mean, kind="stable")
    return tuple(
        Importance(
            column=str(inputs.columns[at]),
            mean=float(permuted.importances_mean[at]),
            deviation=float(permuted.importances_std[at]),
        )
        for at in order
    )
