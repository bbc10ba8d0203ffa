"""The folds of tuning: by time, by group, by class, or drawn."""

from collections.abc import Iterator
from datetime import timedelta
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd

from evergreen.base.errors import DataError
from evergreen.config.contract.contract import Contract
from evergreen.config.params.features import FeatureParams
from evergreen.learning.evaluation.estimates import Estimates
from evergreen.learning.evaluation.metrics import undefined

Array = np.ndarray[Any, Any]
Fold = tuple[Array, Array]


def draw_evenly(n_rows: int, *, at_most: int, seed: int) -> Array:
    """Return sorted positions of at most `at_most` of `n_rows` rows, each equally likely."""
    if n_rows <= at_most:
        return np.arange(n_rows)
    return np.sort(np.random.default_rng(seed).choice(n_rows, size=at_most, replace=False))


def cut(
    rows: pd.DataFrame,
    target: Array,
    contract: Contract,
    features: FeatureParams,
    *,
    folds: int,
    metric: str,
    seed: int,
) -> list[Fold]:
    """Return (fit rows, validation rows) of each fold, as positions in `rows`.

    By time where the table has it, with the embargo of the split; by group where the contract names one, a row that
    does not tell its group alone; by class, or drawn, otherwise.

    Raises
    ------
    DataError if a fold has one class only, a number that does not vary, or no value of the metric.
    """
    if contract.time is not None:
        embargo = timedelta(days=features.embargo_days)
        cut_folds = list(time_folds(rows[contract.time], folds=folds, embargo=embargo))
    elif contract.group is not None:
        stratified = contract.task != "regression"
        alone = pd.Series([f"\0{row}" for row in range(len(rows))], index=rows.index)
        groups = rows[contract.group].astype("str").fillna(alone).to_numpy()
        cut_folds = list(grouped_folds(target, groups, folds=folds, stratified=stratified, seed=seed))
    else:
        stratified = contract.task != "regression"
        cut_folds = list(shuffled_folds(target, folds=folds, stratified=stratified, seed=seed))
    for number, fold in enumerate(cut_folds, start=1):
        lacking = _lacking(target, fold, contract, metric)
        if lacking:
            raise DataError(
                "DQ009",
                f"fold {number} of {folds} {lacking}",
                where="tune.folds",
                next_step="Lower tune.folds, or bring more rows.",
            )
    return cut_folds


def time_folds(times: pd.Series, *, folds: int, embargo: timedelta) -> Iterator[Fold]:
    """Yield (fit rows, validation rows) as positions: validation blocks of equal size, each after all of its fit rows.

    `times` is sorted. Fit rows end `embargo` before the block begins; the first block is only ever fitted on.
    """
    edges = np.linspace(0, len(times), folds + 2).astype(int)
    for begin, end in pairwise(edges[1:]):
        known = int(times.searchsorted(times.iloc[begin] - embargo))
        yield np.arange(known), np.arange(begin, end)


def shuffled_folds(target: Array, *, folds: int, stratified: bool, seed: int) -> Iterator[Fold]:
    """Yield (fit rows, validation rows) as positions: every row validates once, drawn by the seed.

    Stratified, each class is dealt out over the folds in turn, so a class of two rows is in the fit rows of each.
    """
    order = np.random.default_rng(seed).permutation(len(target))
    if stratified:
        order = order[np.argsort(target[order], kind="stable")]
    fold_of = np.empty(len(target), dtype=int)
    fold_of[order] = np.arange(len(target)) % folds
    for fold in range(folds):
        yield np.flatnonzero(fold_of != fold), np.flatnonzero(fold_of == fold)


def grouped_folds(target: Array, groups: Array, *, folds: int, stratified: bool, seed: int) -> Iterator[Fold]:
    """Yield (fit rows, validation rows) as positions: rows of one group are never on both sides.

    Raises
    ------
    DataError if there are fewer groups than folds.
    """
    from sklearn.model_selection import GroupKFold, StratifiedGroupKFold

    n_groups = len(np.unique(groups))
    if n_groups < folds:
        raise DataError(
            "DQ009",
            f"{n_groups} groups cannot make {folds} folds",
            where="tune.folds",
            next_step="Lower tune.folds, or bring rows of more groups.",
        )
    splitter = (StratifiedGroupKFold if stratified else GroupKFold)(n_splits=folds, shuffle=True, random_state=seed)
    yield from splitter.split(groups, target, groups)


def _lacking(target: Array, fold: Fold, contract: Contract, metric: str) -> str:
    """Return what a fold lacks, as the end of a sentence; empty when it lacks nothing."""
    fit, validate = fold
    # A class that only the validation rows have gets no probability; that costs every trial the same.
    needed = (2, 1) if contract.task == "multiclass" else (2, 2)
    if any(len(np.unique(target[part])) < least for part, least in zip((fit, validate), needed, strict=True)):
        return f"has one {'value' if contract.task == 'regression' else 'class'} only"
    classes = tuple(map(str, np.unique(target))) if contract.task == "multiclass" else ()
    estimates = Estimates(contract.task, np.zeros(len(validate)), classes)
    why = undefined(target[validate], estimates).get(metric)
    return f"cannot be measured by {metric}: {why}" if why else ""
