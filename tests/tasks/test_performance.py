"""The performance step: the column of answers that the gate judges, on the rows whose targets have arrived."""

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import balanced_accuracy_score, r2_score, roc_auc_score

from evergreen.base.artifacts.workspace import Workspace
from tasks.performance import performance

RNG = np.random.default_rng(3)
TRUTH, VALUES = RNG.random(60) < 0.5, RNG.normal(size=60)
SAID = (np.where(TRUTH, 0.2, 0.0) + RNG.random(60)) / 1.2
CLASSES = np.where(TRUTH, "a", "b")
ANSWERED = np.where(RNG.random(60) < 0.8, CLASSES, "a")


@pytest.mark.parametrize(
    ("task", "target", "answers", "expected"),
    [
        ("binary", TRUTH, {"probability": SAID, "label": SAID > 9}, roc_auc_score(TRUTH, SAID)),
        (
            "multiclass",
            CLASSES,
            {"label": ANSWERED, "probability": SAID},
            balanced_accuracy_score(CLASSES, ANSWERED),
        ),
        ("regression", VALUES, {"value": VALUES + SAID}, r2_score(VALUES, VALUES + SAID)),
    ],
)
def test_value_is_scikit_learns_of_what_the_task_judges(tmp_path, task, target, answers, expected):
    ws = Workspace(root=tmp_path)
    rows = pd.DataFrame({"target": target, **answers})
    unknown = rows.head(5).assign(target=None)
    ref = ws.write("predictions", pd.concat([rows, unknown]).astype({"target": kind_of(target)}))
    found = performance.fn(ref, task=task, ws=ws, confidence=0.9)
    assert (found.verdict, found.n_labelled, found.n_unlabelled, found.confidence) == ("measured", 60, 5, 0.9)
    assert found.value == pytest.approx(expected, abs=1e-12)


def kind_of(target):
    return {"b": "boolean", "f": "float64"}.get(target.dtype.kind, "str")
