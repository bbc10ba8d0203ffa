"""How many times as dense a window is as the reference, where each row of the reference lies.

A classifier that tells the window's rows from the reference's has, where both weigh the same, odds that are the ratio
of the two densities (Bickel, Brückner and Scheffer, 2009). It is boosted, and as long as helps on clusters that it was
not fitted on: rows of one day share what no other day has, and a classifier that has seen some of them knows the rest.
Where it tells nothing apart all weights are 1.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.ensemble import HistGradientBoostingClassifier
from threadpoolctl import threadpool_limits

from evergreen.decisions.drift.estimated.rows import Rows
from evergreen.learning.evaluation.clusters import Clusters

Array = npt.NDArray[np.float64]

FOLDS = 4
ROUNDS = (5, 10, 20, 40, 80)  # of boosting, besides none
MOST_CATEGORIES = 200
MOST_RATIO = 30.0
LARGEST = 1e30
MISSING = -2 * LARGEST  # a column without any value cannot be cut into bins


class Density(NamedTuple):
    """`weights` of the reference's rows, shape (n,), with a mean of 1; `n_effective`: how many rows they are worth.

    `outside`: the share of the window where it is more than MOST_RATIO times as dense, in [0, 1].
    """

    weights: Array
    n_effective: float
    outside: float


def ratio(reference: Rows, window: Rows, *, seed: int) -> Density:
    """Return the weights with which the reference looks like the window, in estimates and features.

    Of the two measures of how many rows are left the smaller counts: (sum of w)² / sum of w² (Kish, 1965), and n over
    the mean of w over the window, which is the same for true ratios and sees rows of the window where the reference has
    none. Points in time are no features here: they tell any window from any reference.
    """
    values, categorical = _matrix(reference, window)
    n = len(reference.said)
    is_window = np.arange(len(values)) >= n
    folds = np.concatenate([_folds(rows.clusters, seed) for rows in (reference, window)])
    odds = _odds(values, categorical, is_window, folds, seed)
    mine, theirs = odds[~is_window], odds[is_window]
    kish = float(mine.sum() ** 2 / (mine**2).sum())
    capped = np.minimum(mine, MOST_RATIO)
    return Density(
        weights=capped / capped.mean(),
        n_effective=min(kish, n / float(theirs.mean()), float(n)),
        outside=float((theirs > MOST_RATIO).mean()),
    )


def _odds(
    values: Array,
    categorical: npt.NDArray[np.bool_],
    is_window: npt.NDArray[np.bool_],
    folds: npt.NDArray[np.int64],
    seed: int,
) -> Array:
    shares = np.where(is_window, 0.5 / is_window.sum(), 0.5 / (~is_window).sum())
    odds = np.ones((len(ROUNDS), len(values)))
    with threadpool_limits(1, user_api="openmp"):  # idle threads spin, and take longer than the work
        for fold in range(FOLDS):
            fitted_on, asked = folds != fold, folds == fold
            boosted = HistGradientBoostingClassifier(
                max_iter=ROUNDS[-1],
                max_leaf_nodes=8,
                min_samples_leaf=30,
                l2_regularization=1.0,
                categorical_features=categorical,
                early_stopping=False,
                random_state=seed,
            ).fit(values[fitted_on], is_window[fitted_on])
            before = (~is_window[fitted_on]).sum() / is_window[fitted_on].sum()
            for rounds, (no, yes) in enumerate(_staged(boosted, values[asked]), start=1):
                if rounds in ROUNDS:
                    odds[ROUNDS.index(rounds), asked] = before * yes / no
    gains = np.log(2 / (1 + np.where(is_window, 1 / odds, odds))) @ shares
    best = int(gains.argmax())
    # No rounds gain 0.
    return odds[best] if gains[best] > 0 else np.ones(len(values))


def _staged(boosted: HistGradientBoostingClassifier, values: Array) -> Iterator[Array]:
    return (stage.T for stage in boosted.staged_predict_proba(values))


def _folds(clusters: Clusters, seed: int) -> npt.NDArray[np.int64]:
    """Return a fold for each row: neighbouring days have one, and of other clusters as chance will have it."""
    order = np.arange(clusters.n) if clusters.in_time else np.random.default_rng(seed).permutation(clusters.n)
    return (order * FOLDS // clusters.n)[clusters.codes]


def _matrix(reference: Rows, window: Rows) -> tuple[Array, npt.NDArray[np.bool_]]:
    """Return the rows of both as numbers, shape (n + m, d), and which columns are of categories."""
    columns: list[Array] = [np.concatenate([rows.said for rows in (reference, window)]).astype(np.float64)]
    categorical = [False]
    pairs: list[tuple[Any, Any]] = []
    if reference.answers is not None and window.answers is not None:
        pairs.append((pd.Series(reference.answers), pd.Series(window.answers)))
    if reference.features is not None and window.features is not None:
        shared = [name for name in reference.features.columns if name in window.features.columns]
        pairs += [(reference.features[name], window.features[name]) for name in shared]
    for before, after in pairs:
        if any(pd.api.types.is_datetime64_any_dtype(values.dtype) for values in (before, after)):
            continue
        is_number = all(map(_is_number, (before, after)))
        columns.append((_numbers if is_number else _codes)(before, after))
        categorical.append(not is_number)
    return np.column_stack(columns), np.array(categorical)


def _is_number(values: pd.Series) -> bool:
    return pd.api.types.is_numeric_dtype(values.dtype) or bool(values.isna().all())


def _numbers(before: pd.Series, after: pd.Series) -> Array:
    values = np.concatenate([each.to_numpy(dtype=np.float64, na_value=np.nan) for each in (before, after)])
    return np.where(np.abs(values) <= LARGEST, values, MISSING)


def _codes(before: pd.Series, after: pd.Series) -> Array:
    """Return the place of each value among the commonest of the reference; all others have one place."""
    names = [each.astype(object).where(each.notna(), None).map(str) for each in (before, after)]
    known = {name: code for code, name in enumerate(names[0].value_counts().index[:MOST_CATEGORIES])}
    return np.concatenate([each.map(known).fillna(len(known)).to_numpy(dtype=np.float64) for each in names])
