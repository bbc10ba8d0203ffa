"""Who fits: folds of a job on this process's threads, each measured on rows that it was not fitted on."""

import numpy as np
import pandas as pd
import pytest
import tables
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from evergreen.learning.features import Inputs
from evergreen.learning.tuning import families, workers
from evergreen.learning.tuning.workers import Job, hire

RNG = np.random.default_rng(3)
X = pd.DataFrame({"x": RNG.normal(size=120)})
Y = RNG.random(120) < 1 / (1 + np.exp(-2 * X["x"].to_numpy()))
FOLDS = [(np.arange(0, 60), np.arange(60, 90)), (np.arange(30, 90), np.arange(90, 120))]


def pipeline(family="logistic", task="binary", **params):
    return families.build(
        family, params, task=task, inputs=Inputs(categorical=(), numeric=("x",)), features=tables.FEATURES, seed=7
    )


def job(**about):
    given = {"task": "binary", "metric": "roc_auc", "patience": None, "columns": X, "target": Y, "folds": FOLDS}
    return Job(**{**given, **about})


@pytest.mark.parametrize("number", [0, 1])
def test_fold_is_scored_as_scikit_learn_scores_it(number):
    fit, validate = FOLDS[number]
    found = job().fit_fold(pipeline(C=0.5), number)
    scaled = (X - X.iloc[fit].mean()) / X.iloc[fit].std(ddof=0)
    said = LogisticRegression(C=0.5, max_iter=500).fit(scaled.iloc[fit], Y[fit]).predict_proba(scaled.iloc[validate])
    assert found.estimates == pytest.approx(said[:, 1], rel=1e-6)
    assert found.score == pytest.approx(roc_auc_score(Y[validate], said[:, 1]), abs=1e-9)
    assert found.rounds is None
    assert found.seconds > 0


def test_pipeline_that_is_given_is_not_fitted_itself():
    given = pipeline()
    job().fit_fold(given, 0)
    assert not hasattr(given["estimator"], "coef_")


def test_boosting_stops_by_the_validation_rows_of_its_fold():
    found = job(patience=3).fit_fold(pipeline("gradient_boosting", max_iter=60, min_samples_leaf=2), 0)
    assert 1 <= found.rounds < 60


def test_encoders_are_fitted_once_for_a_fold_and_anew_for_other_encoders(monkeypatch):
    shared, fits = job(), []
    fit_transform = workers.ColumnTransformer.fit_transform
    monkeypatch.setattr(
        workers.ColumnTransformer,
        "fit_transform",
        lambda *given, **more: fits.append(1) or fit_transform(*given, **more),
    )
    for c in (0.1, 1.0):
        shared.fit_fold(pipeline(C=c), 0)
    assert len(fits) == 1
    shared.fit_fold(pipeline(), 1)
    shared.fit_fold(pipeline("gradient_boosting", max_iter=2), 0)
    assert len(fits) == 3


def test_classes_of_the_job_are_in_order_and_those_of_a_number_are_none():
    names = np.array(["b", "a", "c"] * 40)
    of_names = job(task="multiclass", metric="balanced_accuracy", target=names)
    assert of_names.classes == ("a", "b", "c")
    assert of_names.fit_fold(pipeline(task="multiclass"), 0).estimates.shape == (30, 3)
    assert job().classes == ()


def test_crew_of_one_answers_every_fold_on_threads_of_this_process(monkeypatch):
    monkeypatch.setattr(workers.joblib, "cpu_count", lambda: 8)
    with hire(job(), 1) as crew:
        assert crew.lanes == workers.LANES
        asked = [crew.submit(pipeline(), number) for number in (0, 1)]
        scores = [each.result().score for each in asked]
    assert scores == [job().fit_fold(pipeline(), number).score for number in (0, 1)]
    monkeypatch.setattr(workers.joblib, "cpu_count", lambda: 1)
    with hire(job(), 1) as crew:
        assert crew.lanes == 1
