"""XGBoost's classifier under any names of the classes."""

import numpy as np
from sklearn.base import clone
from sklearn.utils.class_weight import compute_sample_weight
from xgboost import XGBClassifier

from evergreen.learning.tuning.boosting import NamedXGBClassifier

X = np.random.default_rng(3).normal(size=(120, 2))
CODES = np.digitize(X[:, 0], [-0.9, 0.3])
NAMES = np.array(["zebra", "ape", "mole"])[CODES]
FEW = {"n_estimators": 5, "n_jobs": 1, "random_state": 7}


def test_named_classes_are_those_of_xgboost_by_their_sorted_number():
    ordered, numbers = np.unique(NAMES, return_inverse=True)
    ours, theirs = NamedXGBClassifier(**FEW).fit(X, NAMES), XGBClassifier(**FEW).fit(X, numbers)
    assert ours.classes_.tolist() == ["ape", "mole", "zebra"]
    assert (ours.predict_proba(X) == theirs.predict_proba(X)).all()
    assert (ours.predict(X) == ordered[theirs.predict(X)]).all()


def test_class_weight_is_scikit_learns_and_no_parameter_of_the_library():
    weighted = NamedXGBClassifier(class_weight="balanced", **FEW).fit(X, NAMES)
    by_row = NamedXGBClassifier(**FEW).fit(X, NAMES, sample_weight=compute_sample_weight("balanced", NAMES))
    assert (weighted.predict_proba(X) == by_row.predict_proba(X)).all()
    assert "class_weight" not in weighted.get_xgb_params()
    assert clone(weighted).get_params()["class_weight"] == "balanced"


def test_rows_to_stop_by_are_numbered_alike():
    model = NamedXGBClassifier(**{**FEW, "n_estimators": 50}, early_stopping_rounds=2)
    model.fit(X, NAMES, eval_set=[(X[:40], NAMES[:40])], verbose=False)
    assert model.evals_result()["validation_0"]["mlogloss"][-1] < 0.5


def test_second_fit_knows_only_its_own_classes():
    model = NamedXGBClassifier(**FEW).fit(X, NAMES)
    model.fit(X, np.array(["x", "y", "z"])[CODES])
    assert model.classes_.tolist() == ["x", "y", "z"]
    assert set(model.predict(X)) == {"x", "y", "z"}
