"""Estimators: made from a seed on one thread, stopped where they get worse, and refused before a fit."""

import numpy as np
import pytest
from sklearn.base import is_classifier
from sklearn.metrics import log_loss

from evergreen.base.errors import ConfigError
from evergreen.learning.tuning.estimators import (
    MAKERS,
    ROUNDS,
    check_values,
    fit_until_worse,
    own,
    shrink,
    stops_early,
)

TASKS = ("binary", "multiclass", "regression")
RNG = np.random.default_rng(3)
X = RNG.normal(size=(400, 3))
Y = np.where(RNG.random(400) < 1 / (1 + np.exp(-3 * X[:, 0])), "yes", "no")
FIT, VALIDATE = slice(0, 200), slice(200, 400)


@pytest.mark.parametrize("family", MAKERS)
@pytest.mark.parametrize("task", TASKS)
def test_estimator_is_of_the_task_and_of_the_seed(family, task):
    made = MAKERS[family](task, 11)
    known = made.get_params()
    assert is_classifier(made) == (family == "logistic" or (family != "linear" and task != "regression"))
    if family not in ("prior", "logistic", "linear"):
        assert known["random_state"] == 11
    assert known.get("n_jobs") in (None, 1)
    assert known.get("early_stopping", False) is False


@pytest.mark.parametrize("family", ROUNDS)
def test_boosting_keeps_the_rounds_up_to_the_least_loss(family):
    estimator = MAKERS[family]("binary", 7).set_params(**{ROUNDS[family]: 120})
    assert stops_early(estimator)
    kept = fit_until_worse(estimator, X[FIT], Y[FIT], validation=(X[VALIDATE], Y[VALIDATE]), patience=5)
    assert 1 <= kept < 120

    def loss(rounds):
        again = MAKERS[family]("binary", 7).set_params(**{ROUNDS[family]: rounds}).fit(X[FIT], Y[FIT])
        return log_loss(Y[VALIDATE], again.predict_proba(X[VALIDATE])[:, 1], labels=["no", "yes"])

    around = {rounds: loss(rounds) for rounds in range(max(1, kept - 3), kept + 4)}
    assert around[kept] <= min(around.values()) + 1e-6
    assert log_loss(Y[VALIDATE], estimator.predict_proba(X[VALIDATE])[:, 1]) == pytest.approx(around[kept], abs=1e-6)


@pytest.mark.parametrize("family", ROUNDS)
def test_shrinking_takes_more_rounds_at_a_smaller_rate(family):
    estimator = MAKERS[family]("binary", 7)
    before = estimator.get_params()
    shrink(estimator, 4)
    after = estimator.get_params()
    assert after[ROUNDS[family]] == 4 * before[ROUNDS[family]]
    assert after["learning_rate"] == pytest.approx(before["learning_rate"] / 4)


def test_families_that_do_not_boost_do_not_stop_early():
    assert not [name for name in MAKERS.keys() - ROUNDS.keys() if stops_early(MAKERS[name]("binary", 7))]


@pytest.mark.parametrize(
    ("family", "wrong", "right"),
    [
        ("logistic", {"C": -1.0}, {"C": 0.1}),
        ("gradient_boosting", {"max_iter": 0}, {"max_iter": 1}),
        ("lightgbm", {"n_estimators": 0}, {"n_estimators": 1}),
        ("lightgbm", {"num_leaves": 1}, {"num_leaves": 2}),
        ("xgboost", {"max_depth": -1}, {"max_depth": 2}),
    ],
)
def test_value_that_an_estimator_refuses_is_named_before_a_fit(family, wrong, right):
    check_values(family, MAKERS[family]("binary", 7).set_params(**right), "binary")
    with pytest.raises(ConfigError) as caught:
        check_values(family, MAKERS[family]("binary", 7).set_params(**wrong), "binary")
    assert (caught.value.code, caught.value.where) == ("CFG010", f"family '{family}'")


def test_own_estimator_is_seeded_and_on_one_thread_where_it_knows_these():
    made = own("sklearn.ensemble.ExtraTreesClassifier")(11).get_params()
    assert (made["random_state"], made["n_jobs"]) == (11, 1)
    assert "n_jobs" not in own("sklearn.naive_bayes.GaussianNB")(11).get_params()


@pytest.mark.parametrize(
    ("path", "says"),
    [
        ("sklearn.multioutput.MultiOutputClassifier", "cannot be made without arguments"),
        ("collections.Counter", "is no scikit-learn estimator"),
    ],
)
def test_what_is_no_estimator_is_refused(path, says):
    with pytest.raises(ConfigError, match=says) as caught:
        own(path)
    assert caught.value.code == "CFG010"
