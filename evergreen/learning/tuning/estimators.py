"""Estimators: how each is made, how its boosting stops early, and which of its values are refused before a fit."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, clone, is_classifier
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.ensemble import (
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.linear_model import LogisticRegression, Ridge

from evergreen import own_code
from evergreen.base.errors import ConfigError
from evergreen.config.contract.columns import Task

Array = np.ndarray[Any, Any]


def _lightgbm(task: Task, seed: int) -> Any:
    from lightgbm import LGBMClassifier, LGBMRegressor

    kind = LGBMRegressor if task == "regression" else LGBMClassifier
    return kind(random_state=seed, n_jobs=1, subsample_freq=1, deterministic=True, force_row_wise=True, verbose=-1)


def _xgboost(task: Task, seed: int) -> Any:
    from xgboost import XGBRegressor

    from evergreen.learning.tuning.boosting import NamedXGBClassifier

    kind = XGBRegressor if task == "regression" else NamedXGBClassifier
    return kind(random_state=seed, n_jobs=1, tree_method="hist", n_estimators=100, learning_rate=0.3)


def _histogram(task: Task, seed: int) -> Any:
    kind = HistGradientBoostingRegressor if task == "regression" else HistGradientBoostingClassifier
    return kind(early_stopping=False, random_state=seed)


def _forest(task: Task, seed: int) -> Any:
    kind = RandomForestRegressor if task == "regression" else RandomForestClassifier
    return kind(random_state=seed)


MAKERS: Mapping[str, Callable[[Task, int], Any]] = {
    "prior": lambda task, _: DummyRegressor() if task == "regression" else DummyClassifier(strategy="prior"),
    "logistic": lambda *_: LogisticRegression(max_iter=500),
    "linear": lambda *_: Ridge(),
    "random_forest": _forest,
    "gradient_boosting": _histogram,
    "lightgbm": _lightgbm,
    "xgboost": _xgboost,
}
# The parameter that counts the boosting rounds of a family.
ROUNDS = {"gradient_boosting": "max_iter", "lightgbm": "n_estimators", "xgboost": "n_estimators"}


def own(path: str) -> Callable[[int], Any]:
    """Return what makes an estimator of your own from a seed, on one thread where it takes a number of them.

    Raises
    ------
    ConfigError if there is no such class, or it is no scikit-learn estimator that can be made without arguments.
    """
    kind = own_code.load(path, "tune.families")
    try:
        estimator = kind()
    except TypeError as error:
        raise _not_an_estimator(path, f"cannot be made without arguments: {error}") from error
    if not isinstance(estimator, BaseEstimator):
        raise _not_an_estimator(path, "is no scikit-learn estimator")
    known = estimator.get_params()

    def make(seed: int) -> Any:
        fixed = {"random_state": seed, "n_jobs": 1}
        return kind().set_params(**{name: value for name, value in fixed.items() if name in known})

    return make


def _not_an_estimator(path: str, why: str) -> ConfigError:
    return ConfigError(
        "CFG010",
        f"'{path}' {why}",
        where="tune.families",
        next_step="Name a class that derives from sklearn.base.BaseEstimator, every argument of which has a default.",
    )


def check_values(family: str, estimator: Any, task: Task) -> None:
    """Raise ConfigError for a value that the estimator refuses; LightGBM and XGBoost only do so when they fit."""
    try:
        if hasattr(estimator, "_parameter_constraints"):
            estimator._validate_params()
        if family in ("lightgbm", "xgboost"):
            _fit_one_round(ROUNDS[family], clone(estimator), task)
    except Exception as error:  # whatever they raise for a value; LightGBM's own is no ValueError
        what = str(error).partition("\n")[0].partition(" at /")[0]
        raise ConfigError("CFG010", what, where=f"family '{family}'", next_step="Correct the value.") from error


def _fit_one_round(rounds: str, estimator: Any, task: Task) -> None:
    wanted = estimator.get_params()[rounds]
    if isinstance(wanted, int):
        if wanted < 1:
            raise ValueError(f"{rounds} must be at least 1, got {wanted}")
        estimator.set_params(**{rounds: 1})
    numbers = np.arange(24.0)
    target = numbers if task == "regression" else (numbers % (2 if task == "binary" else 3)).astype(int)
    estimator.fit(numbers[:, np.newaxis], target)


def stops_early(estimator: Any) -> bool:
    """Whether `fit_until_worse` takes this estimator: one that boosts, of ours."""
    return type(estimator).__name__ in _STOPS


def shrink(estimator: Any, by: int) -> None:
    """Give one that boosts `by` times the rounds, each at so small a part of its learning rate."""
    known = estimator.get_params()
    rounds = "max_iter" if "max_iter" in known else "n_estimators"
    estimator.set_params(**{rounds: known[rounds] * by, "learning_rate": known["learning_rate"] / by})


def fit_until_worse(estimator: Any, x: Any, y: Array, *, validation: tuple[Any, Array], patience: int) -> int:
    """Fit until `patience` rounds lower the loss of the validation rows no more, and return the rounds kept."""
    return _STOPS[type(estimator).__name__](estimator, x, y, validation, patience)


def _stop_histogram(estimator: Any, x: Any, y: Array, validation: tuple[Any, Array], patience: int) -> int:
    estimator.set_params(early_stopping=True, n_iter_no_change=patience)
    estimator.fit(x, y, X_val=validation[0], y_val=validation[1])
    kept = max(1, int(np.argmax(estimator.validation_score_)))  # the first score is that of no round
    del estimator._predictors[kept:]  # it keeps those of its patience too
    return kept


def _stop_lightgbm(estimator: Any, x: Any, y: Array, validation: tuple[Any, Array], patience: int) -> int:
    from lightgbm import early_stopping

    x_val, y_val = validation
    if is_classifier(estimator):  # which numbers the classes of its own target, and not these
        y_val = np.searchsorted(np.unique(y), y_val)
    estimator.fit(x, y, eval_X=x_val, eval_y=y_val, callbacks=[early_stopping(patience, verbose=False)])
    return int(estimator.best_iteration_)


def _stop_xgboost(estimator: Any, x: Any, y: Array, validation: tuple[Any, Array], patience: int) -> int:
    estimator.set_params(early_stopping_rounds=patience)
    estimator.fit(x, y, eval_set=[validation], verbose=False)
    return int(estimator.best_iteration) + 1


_STOPS: Mapping[str, Callable[..., int]] = {
    "HistGradientBoostingClassifier": _stop_histogram,
    "HistGradientBoostingRegressor": _stop_histogram,
    "LGBMClassifier": _stop_lightgbm,
    "LGBMRegressor": _stop_lightgbm,
    "NamedXGBClassifier": _stop_xgboost,
    "XGBRegressor": _stop_xgboost,
}
