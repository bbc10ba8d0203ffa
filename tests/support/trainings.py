"""A training as a tracker gets it: everything that is kept, with a small model."""

import io
from typing import Any

import pandas as pd
import released
from PIL import Image

from evergreen.learning import features
from evergreen.learning.model.skops_file import TRUSTED_TYPES
from evergreen.record.tracker import Dataset, Training, Trial

CANDIDATE = "c" * 64
DATASETS = (
    Dataset(name="parcels-train", context="train", digest="a1" * 32, source="train.parquet", rows=400),
    Dataset(name="parcels-gate", context="gate", digest="b2" * 32, source="test.parquet", rows=100),
)
TRIALS = (
    Trial(
        number=0,
        state="COMPLETE",
        family="logistic",
        params={"C": 0.5},
        score=0.73,
        scores=(0.74, 0.72),
        seconds=1.5,
    ),
    Trial(number=1, state="PRUNED", family="logistic", params={"C": 9.0}, score=0.6, scores=(0.6,), seconds=0.5),
    Trial(number=2, state="FAIL", family="logistic", params={"C": 0.001}, score=None, scores=(), seconds=0.25),
)


def inputs() -> pd.DataFrame:
    """Return 30 rows as the model takes them."""
    names = features.inputs(released.CONTRACT, released.FEATURES).names
    found: pd.DataFrame = features.build(released.table(30, seed=8), released.CONTRACT, released.FEATURES)[names]
    return found


def training(candidate: str = CANDIDATE, **changed: Any) -> Training:
    """Return a training; what is not given is the same every time."""
    given: dict[str, Any] = {
        "experiment": "parcels",
        "params": {"seed": 7, "tune.families.logistic.C.float": [0.001, 10], "best.C": 0.5, "empty": None},
        "metrics": {"roc_auc": 0.75, "baseline_roc_auc": 0.7},
        "series": {"fold_score": (0.74, 0.72)},
        "tags": {"verdict": "promote", "data_digest": "d" * 64},
        "datasets": DATASETS,
        "trials": TRIALS,
        "files": {"figures/roc.png": _picture(), "gate.json": b'{"promote": true}'},
        "pipeline": released.fitted("gradient_boosting", max_iter=20, min_samples_leaf=10),
        "types": TRUSTED_TYPES,
        "example": inputs().head(5),
        "requirements": ("numpy==2.4.6", "scikit-learn==1.9.1", "skops==0.16.0"),
    }
    return Training(candidate=candidate, **{**given, **changed})


def _picture() -> bytes:
    target = io.BytesIO()
    Image.new("RGB", (20, 10), "green").save(target, format="PNG")
    return target.getvalue()
