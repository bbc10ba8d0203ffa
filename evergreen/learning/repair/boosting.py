"""Boosting that goes on: more rounds of a champion's own ensemble, on the rows that came since."""

from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import clone
from sklearn.pipeline import Pipeline

from evergreen.learning.repair.recalibrating import cannot
from evergreen.learning.tuning import families
from evergreen.learning.tuning.calibration import put_together, taken_apart

Array = np.ndarray[Any, Any]
ROUNDS = 0.2  # of the ensemble's, more of which begin to forget what it knows
BOOSTER = {"lightgbm": "init_model", "xgboost": "xgb_model"}


def continued(pipeline: Any, family: str, rows: pd.DataFrame, labels: Array) -> Any:
    """Return a fitted pipeline with more rounds, whose encoders and calibration stay as they are.

    Parameters
    ----------
    rows : inputs of the pipeline, shape (n, inputs), with `labels`, shape (n,).

    Raises
    ------
    CannotRepairError if the family does not go on, or the rows lack a class that it knows.
    """
    if family not in BOOSTER:
        raise cannot(f"a model of the family {family} cannot be continued")
    fitted, curve = taken_apart(pipeline)
    columns, known = fitted["columns"], fitted["estimator"]
    if hasattr(known, "classes_") and not np.array_equal(np.unique(labels), known.classes_):
        raise cannot("a class that the champion knows did not come since")
    before = known.booster_ if family == "lightgbm" else known.get_booster()
    rounds = before.current_iteration() if family == "lightgbm" else before.num_boosted_rounds()
    more = clone(known).set_params(n_estimators=max(1, round(ROUNDS * rounds)))
    with families.limit_threads():
        more.fit(columns.transform(rows), labels, **{BOOSTER[family]: before})
    if family == "lightgbm":  # else it keeps what it went on from beside itself, which no model file of ours may hold
        more._Booster = type(before)(model_str=more.booster_.model_to_string())
    return put_together(Pipeline([("columns", columns), ("estimator", more)]), curve)
