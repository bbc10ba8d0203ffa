"""The model families: each an unfitted scikit-learn pipeline whose encoders are fitted with the model."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from sklearn.compose import ColumnTransformer
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler

from evergreen.consistency import check_families
from evergreen.contract import Task
from evergreen.errors import ConfigError
from evergreen.features import Inputs
from evergreen.params import FeatureParams

# The simpler family that each has to beat: a rung of the ladder that does not pay is not climbed.
_OF_CLASSES = {"gradient_boosting": "logistic", "logistic": "prior"}
BASELINE: Mapping[Task, Mapping[str, str]] = {
    "binary": _OF_CLASSES,
    "multiclass": _OF_CLASSES,
    "regression": {"gradient_boosting": "linear", "linear": "prior"},
}


def build(
    family: str,
    params: Mapping[str, Any],
    *,
    task: Task,
    inputs: Inputs,
    features: FeatureParams,
    seed: int,
) -> Pipeline:
    """Return an unfitted pipeline of a family; ``prior`` answers every row with the classes' shares, or the mean.

    Categories that are missing, unseen, or rarer than `features.rare_category` rows share one code each; missing
    numbers are imputed with the median of the rows it is fitted on, or with 0 where none of these has one.

    Raises
    ------
    ConfigError if the family does not learn the task, or the estimator does not know a parameter or not its value.
    """
    if family != "prior":
        check_families([family], task)
    if family == "prior":
        encoder: Any = "drop"
        scaler: Any = SimpleImputer(strategy="median", keep_empty_features=True)
        estimator: Any = DummyRegressor() if task == "regression" else DummyClassifier(strategy="prior")
    elif family in ("logistic", "linear"):
        encoder = OneHotEncoder(handle_unknown="infrequent_if_exist", min_frequency=features.rare_category)
        scaler = make_pipeline(SimpleImputer(strategy="median", keep_empty_features=True), StandardScaler())
        estimator = Ridge() if family == "linear" else LogisticRegression(max_iter=500)
    else:
        # Codes, not native categories: those convert to ONNX silently wrong. No scaling before trees: likewise.
        encoder = OrdinalEncoder(
            handle_unknown="use_encoded_value",
            unknown_value=-1,
            encoded_missing_value=-2,
            min_frequency=features.rare_category,
            dtype=np.float64,
        )
        scaler = SimpleImputer(strategy="median", keep_empty_features=True)
        boosting = HistGradientBoostingRegressor if task == "regression" else HistGradientBoostingClassifier
        estimator = boosting(early_stopping=False, random_state=seed)
    unknown = sorted(set(params) - set(estimator.get_params()))
    if unknown:
        raise ConfigError(
            "CFG010",
            f"family '{family}' has no parameter '{unknown[0]}'",
            where="tune.families",
            next_step=f"It knows: {', '.join(sorted(estimator.get_params()))}.",
        )
    try:
        estimator.set_params(**params)._validate_params()
    except ValueError as error:
        raise ConfigError("CFG010", str(error), where=f"family '{family}'", next_step="Correct the value.") from error
    columns = ColumnTransformer(
        [("categorical", encoder, list(inputs.categorical)), ("numeric", scaler, list(inputs.numeric))]
    )
    return Pipeline([("columns", columns), ("estimator", estimator)])
