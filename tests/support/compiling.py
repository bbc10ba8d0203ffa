"""Tables of every kind of feature, models of them, and their compiled forms."""

import functools

import numpy as np
import pandas as pd

from evergreen.adapters.onnx_export.compiling import compiled
from evergreen.config import derived
from evergreen.config.contract.contract import Contract
from evergreen.config.params.features import FeatureParams
from evergreen.data.typed.schema import conform, from_pandas
from evergreen.learning import features
from evergreen.learning.model.compiled.scorer import Scorer
from evergreen.learning.tuning import families
from evergreen.learning.tuning.calibration import CalibrationMap, put_together

TARGETS = {"binary": "boolean", "multiclass": "category", "regression": "number"}
SMALL = {
    "random_forest": {"n_estimators": 7},
    "gradient_boosting": {"max_iter": 9},
    "lightgbm": {"n_estimators": 9},
    "xgboost": {"n_estimators": 9},
}
CALIBRATIONS = {
    "sigmoid": ("binary", [1.4, -0.3]),
    "isotonic": ("binary", [0.1, 0.3, 0.31, 0.8, 0.05, 0.2, 0.6, 0.7]),
    "temperature": ("multiclass", [1.7]),
    "offsets": ("multiclass", [1.7, 0.4, -0.9, 0.1]),
    "offset": ("regression", [-2.5]),
}
EVERYTHING = {
    "calendar": ["hour", "weekday", "month", "day_of_year"],
    "cyclic": ["hour", "month", "day_of_year"],
    "ratios": {"fare_per_seat": ["fare", "seats"]},
    "differences": {"notice": ["start", "booked"], "margin": ["fare", "seats"]},
    "buckets": {"fare_band": {"of": "fare", "edges": [5, 10, 15]}},
    "lookups": {
        "zone": {"file": "zones.csv", "by": "zone", "numeric": ["area"], "categorical": ["side"]},
        "places": {"file": "seats.csv", "by": "seats", "numeric": ["rows"]},
    },
    "history": {"last_fare": {"of": "fare", "lag": 1}},
    "rare_category": 5,
    "test_days": 1,
}
LOOKUPS = {
    "zone": pd.DataFrame(
        {"area": [1.5, np.nan, 7.25], "side": pd.array(["left", None, "right"], dtype="str")},
        index=pd.Index(pd.Series(["moon", "north", "south"], dtype="str"), name="zone"),
    ),
    "places": pd.DataFrame({"rows": [9.0, 1.5]}, index=pd.Index([1.0, 3.0], name="seats")),
}


def contract(task="binary"):
    return Contract.model_validate(
        {
            "name": "trips",
            "description": "Does a passenger tip?",
            "source": {"kind": "file", "path": "trips.csv"},
            "timezone": "America/New_York",
            "label_delay_days": 1,
            "columns": [
                {"name": "start", "type": "timestamp", "role": "time"},
                {"name": "booked", "type": "timestamp", "role": "feature", "nullable": True},
                {"name": "zone", "type": "category", "role": "feature", "nullable": True},
                {"name": "shop", "type": "category", "role": "feature", "nullable": True},
                {"name": "fare", "type": "number", "role": "feature", "nullable": True, "max": 1e300},
                {"name": "seats", "type": "integer", "role": "feature", "nullable": True},
                {"name": "member", "type": "boolean", "role": "feature", "nullable": True},
                {"name": "passport", "type": "category", "role": "feature", "nullable": True, "pii": "keep"},
                {"name": "tip", "type": TARGETS[task], "role": "target", "nullable": True},
            ],
        }
    )


@functools.cache
def rows(n=900):
    """Return typed rows of two years, summer time, missing values and unusual numbers among them."""
    rng = np.random.default_rng(7)
    start = pd.date_range("2023-03-01", periods=n, freq="19h17min41s", tz="UTC").as_unit("us")
    booked = start - pd.to_timedelta(rng.integers(0, 9_000_000_000_000, n), unit="us")
    return pd.DataFrame(
        {
            "start": start,
            "booked": booked.where(rng.random(n) > 0.1),
            "zone": pd.Series(rng.choice(np.array(["north", "south", "moon", "nan", None], dtype=object), n)).astype(
                "str"
            ),
            "shop": pd.Series(rng.integers(0, 40, n)).astype("str").where(rng.random(n) > 0.03),
            "fare": np.where(rng.random(n) < 0.1, np.nan, rng.choice([0.0, -0.0, 5.0, 25.0, 3.3, 17.2, 8.1], n)),
            "seats": pd.array(rng.integers(-1, 5, n), dtype="Int64"),
            "member": pd.array(np.where(rng.random(n) < 0.1, None, rng.random(n) < 0.5), dtype="boolean"),
            "passport": pd.Series(rng.choice(np.array(["Ada", "Bob"], dtype=object), n)).astype("str"),
            "last_fare": np.where(rng.random(n) < 0.3, np.nan, rng.uniform(0, 9, n)),
        }
    )


@functools.cache
def target(task):
    table, rng = rows(), np.random.default_rng(6)
    noisy = 3 * (table["zone"] == "north") + table["start"].dt.hour / 8 + rng.normal(0, 1, len(table))
    if task == "regression":
        return np.asarray(noisy)
    return np.asarray(noisy > 2) if task == "binary" else np.array(["a", "b", "c"])[np.digitize(noisy, [1, 3])]


def made(task, family, *, params=None, chosen=None, calibration=None):
    """Return a fitted pipeline, the built rows that it was fitted on, and its compiled form."""
    asked, wanted = contract(task), FeatureParams.model_validate({**EVERYTHING, **(params or {})})
    built = features.build(rows(), asked, wanted, LOOKUPS)
    inputs = features.inputs(asked, wanted)
    chosen = SMALL.get(family, {}) if chosen is None else chosen
    pipeline = families.build(family, chosen, task=task, inputs=inputs, features=wanted, seed=7)
    families.fit(pipeline, built[inputs.names], target(task))
    if calibration:
        pipeline = put_together(pipeline, CalibrationMap(method=calibration, numbers=CALIBRATIONS[calibration][1]))
    form = compiled(pipeline, rows().assign(**built), contract=asked, features=wanted, lookups=LOOKUPS, seed=7)
    return pipeline, built, form


def batch(table, task="binary"):
    """Return rows as `conform` types them."""
    asked = contract(task)
    columns = [*asked.request_columns, *derived.history(FeatureParams.model_validate(EVERYTHING))]
    return conform(from_pandas(table, columns), columns, zone=asked.timezone)


def scorer(form):
    assert "why_not" not in form.about, form.about
    return Scorer.from_files(form.files)


def said(pipeline, built, task):
    """Return the pipeline's estimates, shaped as a scorer's."""
    if task == "regression":
        return pipeline.predict(built)
    probabilities = pipeline.predict_proba(built)
    return probabilities[:, 1] if task == "binary" else probabilities
