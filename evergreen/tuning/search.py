"""The search: trials on folds, kept in a relational study that a later process can continue."""

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
from sklearn.metrics import log_loss, r2_score, roc_auc_score
from sklearn.pipeline import Pipeline
from threadpoolctl import threadpool_limits

from evergreen import features as domain
from evergreen.artifacts import Value
from evergreen.contract import Contract, Task
from evergreen.errors import DataError
from evergreen.features import fit_target
from evergreen.params import Distribution, FeatureParams, TuneParams
from evergreen.tuning import families

log = logging.getLogger(__name__)
Fold = tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]


class Best(Value):
    """The winning trial: `score` is the mean over the folds, `scores` those of each fold.

    Scores are ROC AUC (binary), minus the log loss in nats (multiclass), or R² (regression).
    """

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


def shuffled_folds(target: "np.ndarray[Any, Any]", *, folds: int, stratified: bool, seed: int) -> Iterator[Fold]:
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
    train : rows, sorted by time where there is one, with the columns that `features.build` makes and the target.
    storage : URL of a relational database.

    Raises
    ------
    DataError if a fold has one class only, or a number that does not vary; ConfigError if a family does not learn the
    task or take a parameter, before any trial.
    """
    task = contract.task
    inputs = domain.inputs(contract, features)

    def build(family: str, chosen: Mapping[str, Any]) -> Pipeline:
        return families.build(
            family,
            chosen,
            task=task,
            inputs=inputs,
            features=features,
            seed=seed,
        )

    for name, chosen in _ends(params.families):
        build(name, chosen)
    rows = train.iloc[draw_evenly(len(train), at_most=params.max_rows, seed=seed)]
    target = fit_target(rows, contract)
    if contract.time is None:
        folds = list(shuffled_folds(target, folds=params.folds, stratified=task != "regression", seed=seed))
    else:
        embargo = timedelta(days=features.embargo_days)
        folds = list(time_folds(rows[contract.time], folds=params.folds, embargo=embargo))
    for number, (fit, validate) in enumerate(folds, start=1):
        # A class that only the validation rows have gets no probability; that costs every trial the same.
        needed = (2, 1) if task == "multiclass" else (2, 2)
        if any(len(np.unique(target[part])) < least for part, least in zip((fit, validate), needed, strict=True)):
            raise DataError(
                "DQ009",
                f"fold {number} of {params.folds} has one {'value' if task == 'regression' else 'class'} only",
                where="tune.folds",
                next_step="Lower tune.folds, or bring more rows.",
            )
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    found = optuna.create_study(storage=storage, study_name=study, direction="maximize", load_if_exists=True)
    for stale in found.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
        found.tell(stale.number, state=TrialState.FAIL)

    def objective(trial: Trial) -> float:
        family, chosen = suggest(trial, params.families)
        pipeline, columns = build(family, chosen), rows[inputs.names]
        with threadpool_limits(1, user_api="blas"):
            scores = Parallel(n_jobs=2, prefer="threads")(
                delayed(_score)(pipeline, columns, target, fold, task) for fold in folds
            )
        trial.set_user_attr("scores", scores)
        return float(np.mean(scores))

    while (done := len(_finished(found))) < params.trials:
        found.sampler = optuna.samplers.TPESampler(seed=_draw(seed, done), n_startup_trials=5)
        found.optimize(objective, n_trials=1)
    best = found.best_trial
    family, chosen = _read(best.params)
    log.info("tune: %d trials, best %s with score %.4f", done, family, best.value)
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
    """Yield each family as it is, then with each end of each of its parameters, one at a time."""
    for family, parameters in space.items():
        yield family, {}
        for name, where in parameters.items():
            for end in where.values or where.integer or where.real or ():
                yield family, {name: end}


def _read(drawn: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    return drawn["family"], {name.partition(".")[2]: value for name, value in drawn.items() if name != "family"}


def _score(pipeline: Any, columns: pd.DataFrame, target: np.ndarray[Any, Any], fold: Fold, task: Task) -> float:
    from sklearn.base import clone

    fit, validate = fold
    with threadpool_limits(1, user_api="openmp"):  # one thread sums in one order: equal on every machine
        fitted = clone(pipeline).fit(columns.iloc[fit], target[fit])
        truth, unseen = target[validate], columns.iloc[validate]
        if task == "regression":
            return float(r2_score(truth, fitted.predict(unseen)))
        probabilities = fitted.predict_proba(unseen)
    if task == "binary":
        return float(roc_auc_score(truth, probabilities[:, 1]))
    classes = np.unique(target)
    aligned = np.zeros((len(validate), len(classes)))
    aligned[:, np.searchsorted(classes, fitted.classes_)] = probabilities
    return -float(log_loss(truth, aligned, labels=classes))


def _finished(study: optuna.Study) -> list[Any]:
    finished: list[Any] = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE, TrialState.PRUNED))
    return finished


def _draw(seed: int, done: int) -> int:
    return int.from_bytes(hashlib.sha256(f"{seed}:{done}".encode()).digest()[:4], "big")
