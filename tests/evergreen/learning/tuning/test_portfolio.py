"""Where a search begins: the warm start first, then every family near its defaults, all inside the space."""

from evergreen.config.params.tune import TuneParams
from evergreen.learning.tuning.choice import Choice
from evergreen.learning.tuning.portfolio import first

SPACE = TuneParams.model_validate(
    {
        "trials": 1,
        "folds": 2,
        "max_rows": 1_000,
        "families": {"logistic": {"C": {"float": [2, 10]}}, "random_forest": {"n_estimators": {"int": [10, 50]}}},
    }
).families
DEFAULTS = {"logistic": {"C": 1.0, "tol": 1}, "random_forest": {"n_estimators": 30}}


def began(warm_start):
    return [(choice.family, choice.params) for choice in first(SPACE, warm_start, DEFAULTS.__getitem__)]


def test_families_begin_at_their_defaults_clipped_into_the_space():
    assert began(None) == [("logistic", {"C": 2.0}), ("random_forest", {"n_estimators": 30})]


def test_warm_start_comes_first_with_defaults_where_it_is_silent():
    warm = Choice(family="random_forest", params={"n_estimators": 99, "gone": 1})
    assert began(warm) == [("random_forest", {"n_estimators": 50}), *began(None)]
    assert began(Choice(family="random_forest", params={}))[0] == ("random_forest", {"n_estimators": 30})


def test_warm_start_of_a_family_that_is_gone_is_left_out():
    assert began(Choice(family="lightgbm", params={})) == began(None)
