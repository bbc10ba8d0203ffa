"""The search: trials on time-ordered folds, kept in a relational study that a later process can continue."""

import hashlib
import logging
from collections.abc import Iterator, Mapping
from datetime import timedelta
from itertools import pairwise
from typing import Any

import numpy as np
import optuna
import pandas as pd
from joblib import Parallel, delayed
from optuna.trial import Trial, TrialState
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import Pipeline
from threadpoolctl import threadpool_limits

from evergreen.artifacts import Value
from evergreen.contract import Contract
from evergreen.errors import DataError
from evergreen.features import columns_by_kind
from evergreen.params import Distribution, FeatureParams, TuneParams
from evergreen.tuning import families

log = logging.getLogger(__name__)
Fold = tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]


class Best(Value):
    """The winning trial: `score` is the mean ROC AUC over the folds, `scores` those of each fold."""

    family: str
    params: dict[str, Any]
    score: float
    scores: tuple[float, ...]
    n_trials: int


def time_folds(times: pd.Series, *, folds: int, embargo: timedelta) -> Iterator[Fold]:
    """Yield (fit rows, validation rows) as positions: validation blocks of equal size, each after all of its fit rows.

    `times` is sorted. Fit rows end `embargo` before the block begins; the first block is only ever fitted on.
    """
    edges = np.linspace(0, len(times), folds + 2).astype(int)
    for begin, end in pairwise(edges[1:]):
        known = int(times.searchsorted(times.iloc[begin] - embargo))
        yield np.arange(known), np.arange(begin, end)


def draw_evenly(n_rows: int, *, at_most: int, seed: int) -> np.ndarray[Any, Any]:
    """Return sorted positions of at most `at_most` of `n_rows` rows, each equally likely."""
    if n_rows <= at_most:
        return np.arange(n_rows)
    return np.sort(np.random.default_rng(seed).choice(n_rows, size=at_most, replace=False))


def search(
    train: pd.DataFrame,
    contract: Contract,
    features: FeatureParams,
    params: TuneParams,
    *,
    seed: int,
    storage: str,
    study: str,
) -> Best:
    """Return the best of `params.trials` trials, continuing the study of that name if it exists.

    A trial's draw depends on the seed and on how many trials are finished, so a search that was killed and continued
    ends where an uninterrupted one does.

    Parameters
    ----------
    train : rows sorted by time, with the columns that `features.build` makes and the target.
    storage : URL of a relational database.

    Raises
    ------
    DataError if a fold has one class only; ConfigError if a family does not take a parameter, before any trial.
    """
    categorical, numeric = columns_by_kind(contract, features)

    def build(family: str, chosen: Mapping[str, Any]) -> Pipeline:
        return families.build(
            family, chosen, categorical=categorical, numeric=numeric, rare_category=features.rare_category, seed=seed
        )

    for name, chosen in _ends(params.families):
        build(name, chosen)
    rows = train.iloc[draw_evenly(len(train), at_most=params.max_rows, seed=seed)]
    target = rows[contract.target].astype(bool).to_numpy()
    folds = list(time_folds(rows[contract.time], folds=params.folds, embargo=timedelta(days=features.embargo_days)))
    for number, (fit, validate) in enumerate(folds, start=1):
        if any(len(np.unique(target[part])) < 2 for part in (fit, validate)):
            raise DataError(
                "DQ009",
                f"fold {number} of {params.folds} has one class only",
                where="tune.folds",
                next_step="Lower tune.folds, or ingest a longer period.",
            )
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    found = optuna.create_study(storage=storage, study_name=study, direction="maximize", load_if_exists=True)
    for stale in found.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
        found.tell(stale.number, state=TrialState.FAIL)

    def objective(trial: Trial) -> float:
        family, chosen = suggest(trial, params.families)
        pipeline, columns = build(family, chosen), rows[categorical + numeric]
        with threadpool_limits(1, user_api="blas"):
            scores = Parallel(n_jobs=2, prefer="threads")(
                delayed(_score)(pipeline, columns, target, fold) for fold in folds
            )
        trial.set_user_attr("scores", scores)
        return float(np.mean(scores))

    while (done := len(_finished(found))) < params.trials:
        found.sampler = optuna.samplers.TPESampler(seed=_draw(seed, done), n_startup_trials=5)
        found.optimize(objective, n_trials=1)
    best = found.best_trial
    family, chosen = _read(best.params)
    log.info("tune: %d trials, best %s with AUC %.4f", done, family, best.value)
    return Best(family=family, params=chosen, score=best.value, scores=best.user_attrs["scores"], n_trials=done)


def suggest(trial: Trial, space: Mapping[Any, Mapping[str, Distribution]]) -> tuple[str, dict[str, Any]]:
    """Draw a family and its parameters."""
    family = trial.suggest_categorical("family", list(space))
    return family, {name: _suggest(trial, f"{family}.{name}", where) for name, where in space[family].items()}


def _suggest(trial: Trial, name: str, where: Distribution) -> Any:
    if where.values is not None:
        return trial.suggest_categorical(name, list(where.values))
    if where.integer is not None:
        return trial.suggest_int(name, *where.integer, log=where.log)
    if where.real is not None:
        return trial.suggest_float(name, *where.real, log=where.log)
    raise AssertionError(name)


def _ends(space: Mapping[Any, Mapping[str, Distribution]]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield each family with each end of each of its parameters, one at a time."""
    for family, parameters in space.items():
        for name, where in parameters.items():
            for end in where.values or where.integer or where.real or ():
                yield family, {name: end}


def _read(drawn: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    return drawn["family"], {name.partition(".")[2]: value for name, value in drawn.items() if name != "family"}


def _score(pipeline: Any, columns: pd.DataFrame, target: np.ndarray[Any, Any], fold: Fold) -> float:
    from sklearn.base import clone

    fit, validate = fold
    with threadpool_limits(1, user_api="openmp"):  # one thread sums in one order: equal on every machine
        fitted = clone(pipeline).fit(columns.iloc[fit], target[fit])
        return float(roc_auc_score(target[validate], fitted.predict_proba(columns.iloc[validate])[:, 1]))


def _finished(study: optuna.Study) -> list[Any]:
    finished: list[Any] = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE, TrialState.PRUNED))
    return finished


def _draw(seed: int, done: int) -> int:
    return int.from_bytes(hashlib.sha256(f"{seed}:{done}".encode()).digest()[:4], "big")
