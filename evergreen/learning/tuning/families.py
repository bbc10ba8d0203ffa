"""The model families: each an unfitted scikit-learn pipeline whose encoders are fitted with the model."""

import functools
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from sklearn.base import is_classifier, is_regressor
from sklearn.pipeline import Pipeline
from threadpoolctl import ThreadpoolController

from evergreen.base.errors import ConfigError
from evergreen.config.contract.columns import Task
from evergreen.config.objectives import FAMILIES, check_families
from evergreen.config.params.features import FeatureParams
from evergreen.learning.features import Inputs
from evergreen.learning.tuning import encoders, estimators

Array = np.ndarray[Any, Any]
_TREES = ("random_forest", "gradient_boosting", "lightgbm", "xgboost")

# The simpler family that each has to beat: a rung of the ladder that does not pay is not climbed.
_OF_CLASSES = {**dict.fromkeys(_TREES, "logistic"), "logistic": "prior"}
BASELINE: Mapping[Task, Mapping[str, str]] = {
    "binary": _OF_CLASSES,
    "multiclass": _OF_CLASSES,
    "regression": {**dict.fromkeys(_TREES, "linear"), "linear": "prior"},
}


@dataclass(frozen=True)
class Family:
    """A kind of model.

    `tasks`: what it learns. `make`: its unfitted estimator for a task and a seed. `rounds`: the parameter that counts
    boosting rounds, where it boosts. `is_linear`: it wants one-hot codes and columns of one scale.
    """

    name: str
    tasks: tuple[Task, ...]
    make: Callable[[Task, int], Any]
    rounds: str | None = None
    is_linear: bool = False


def find(name: str) -> Family:
    """Return the family of a name, ``prior`` included; a name with a dot is an estimator class of your own.

    Raises
    ------
    ConfigError if there is none, or the class is no scikit-learn estimator that can be made without arguments.
    """
    if "." in name:
        make = estimators.own(name)
        estimator = make(0)
        rounds = "max_iter" if "max_iter" in estimator.get_params() else "n_estimators"
        boosts = estimators.stops_early(estimator)
        return Family(name, _learns(estimator), lambda _, seed: make(seed), rounds if boosts else None, is_linear=True)
    if name == "prior":
        return Family(name, tuple(FAMILIES), estimators.MAKERS[name])
    tasks = tuple(task for task, names in FAMILIES.items() if name in names)
    if not tasks:
        raise ConfigError(
            "CFG010",
            f"no such family: '{name}'",
            where="tune.families",
            next_step=f"Known are: {', '.join(estimators.MAKERS)}.",
        )
    is_linear = name in ("logistic", "linear")
    return Family(name, tasks, estimators.MAKERS[name], estimators.ROUNDS.get(name), is_linear)


def _learns(estimator: Any) -> tuple[Task, ...]:
    if is_classifier(estimator):
        return ("binary", "multiclass")
    return ("regression",) if is_regressor(estimator) else ()


def simpler(family: str, task: Task) -> str:
    """Return the family that this one has to beat; of an estimator of your own, the linear one."""
    return BASELINE[task].get(family, "linear" if task == "regression" else "logistic")


def check(family: str, params: Mapping[str, Any], task: Task) -> None:
    """Raise ConfigError if a family does not learn the task, or does not know a parameter or take its value."""
    if family != "prior":
        check_families([family], task)
    kind = find(family)
    if task not in kind.tasks:
        raise ConfigError(
            "CFG010",
            f"family '{family}' does not learn a {task} target",
            where="tune.families",
            next_step="Name a classifier." if task != "regression" else "Name a regressor.",
        )
    estimator = kind.make(task, 0)
    unknown = sorted(set(params) - set(estimator.get_params()))
    if unknown:
        raise ConfigError(
            "CFG010",
            f"family '{family}' has no parameter '{unknown[0]}'",
            where="tune.families",
            next_step=f"It knows: {', '.join(sorted(estimator.get_params()))}.",
        )
    estimators.check_values(family, estimator.set_params(**params), task)


def build(
    family: str,
    params: Mapping[str, Any],
    *,
    task: Task,
    inputs: Inputs,
    features: FeatureParams,
    seed: int,
    shrinkage: int = 1,
) -> Pipeline:
    """Return an unfitted pipeline of a family; ``prior`` answers every row with the classes' shares, or the mean.

    Parameters
    ----------
    params : what `check` takes.
    shrinkage : what the boosting rounds are multiplied and the learning rate is divided by.
    """
    kind = find(family)
    estimator = kind.make(task, seed).set_params(**params)
    if shrinkage > 1 and estimators.stops_early(estimator):
        estimators.shrink(estimator, shrinkage)
    columns = encoders.columns(
        inputs if family != "prior" else Inputs(categorical=(), numeric=inputs.numeric),
        features,
        task=task,
        seed=seed,
        categories="onehot" if kind.is_linear else "ordinal",
        scaled=kind.is_linear,
    )
    return Pipeline([("columns", columns), ("estimator", estimator)])


def fit(
    pipeline: Pipeline,
    x: Any,
    y: Array,
    *,
    validation: tuple[Any, Array] | None = None,
    patience: int | None = None,
) -> int | None:
    """Fit in place and return the number of boosting rounds kept, or None where nothing was stopped early.

    One thread fits, for it sums in one order: equal on every machine. Who fits several at a time in threads holds
    ``limit_threads("blas")`` around them, because that limit is the process's and not the thread's.

    Parameters
    ----------
    validation : rows and target on which boosting stops, after `patience` rounds without a lower loss. The model then
        answers as one does that was fitted with the rounds kept.
    """
    with limit_threads():
        if validation is not None and patience is not None:
            kept = _stop_early(pipeline, x, y, validation, patience)
            if kept is not None:
                return kept
        pipeline.fit(x, y)
    return None


def limit_threads(of: Literal["blas", "openmp"] | None = None) -> Any:
    """Return a context in which the libraries compute on one thread; `of`: only those of a kind."""
    return _threads(len(sys.modules)).limit(limits=1, user_api=of)


@functools.lru_cache(maxsize=1)
def _threads(n_modules: int) -> ThreadpoolController:  # noqa: ARG001  an import may load a library with threads
    """Return who limits threads; to look for the loaded libraries takes longer than a small fit."""
    return ThreadpoolController()


def _stop_early(pipeline: Pipeline, x: Any, y: Array, validation: tuple[Any, Array], patience: int) -> int | None:
    if not estimators.stops_early(pipeline["estimator"]):
        return None
    encoded = pipeline["columns"].fit_transform(x, y)
    unseen, truth = validation
    if is_classifier(pipeline["estimator"]):  # of a class that was not fitted there is no loss
        known = np.isin(truth, np.unique(y))
        unseen, truth = unseen[known], truth[known]
    unseen = pipeline["columns"].transform(unseen)
    return estimators.fit_until_worse(pipeline["estimator"], encoded, y, validation=(unseen, truth), patience=patience)
