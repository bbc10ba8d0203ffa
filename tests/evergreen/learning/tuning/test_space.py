"""The search space: every point of one that ends, what is nearest in it, and where a search begins."""

import pytest

from evergreen.base.errors import ConfigError
from evergreen.config.params.tune import Distribution, TuneParams
from evergreen.learning.tuning import portfolio
from evergreen.learning.tuning.choice import Choice
from evergreen.learning.tuning.space import check, every, fit_in, size


def space(**families):
    return {
        family: {name: Distribution.model_validate(where) for name, where in parameters.items()}
        for family, parameters in families.items()
    }


FINITE = space(
    logistic={"C": {"values": [1, 10]}}, gradient_boosting={"max_iter": {"int": [3, 5]}, "l": {"values": [None, 4]}}
)


def test_every_choice_of_a_finite_space_comes_once_in_an_order_of_the_seed():
    found = list(every(FINITE, seed=1, at_most=100))

    assert size(FINITE) == len(found) == 8
    assert {choice.key for choice in found} == {
        Choice(family=family, params=params).key
        for family, params in [
            ("logistic", {"C": 1}),
            ("logistic", {"C": 10}),
            *(("gradient_boosting", {"max_iter": n, "l": leaves}) for n in (3, 4, 5) for leaves in (None, 4)),
        ]
    }
    assert found == list(every(FINITE, seed=1, at_most=100)) != list(every(FINITE, seed=2, at_most=100))
    assert len(list(every(FINITE, seed=1, at_most=3))) == 3


def test_range_of_real_numbers_makes_a_space_endless():
    assert size(space(logistic={"C": {"float": [1, 10]}}, linear={})) is None
    assert size(space(logistic={}, linear={})) == 2


@pytest.mark.parametrize(
    ("where", "wanted", "nearest"),
    [
        ({"float": [0.1, 1.0]}, 5, 1.0),
        ({"float": [0.1, 1.0]}, 0.3, 0.3),
        ({"float": [0.01, 1.0], "log": True}, None, 0.1),
        ({"float": [0.5, 1.0]}, "auto", 0.75),
        ({"int": [8, 32], "log": True}, None, 16),
        ({"int": [2, 12]}, 100, 12),
        ({"int": [2, 12]}, 3.0, 3),
        ({"int": [2, 12]}, True, 7),
        ({"values": [None, 4, 8]}, None, None),
        ({"values": [None, 4, 8]}, 7, 8),
        ({"values": ["a", "b"]}, "c", "a"),
    ],
)
def test_wanted_value_is_taken_as_near_as_the_space_allows(where, wanted, nearest):
    chosen = fit_in("family", {"p": wanted}, space(family={"p": where})).params["p"]

    assert chosen == nearest
    assert type(chosen) is type(nearest)


def test_search_begins_with_the_start_and_then_each_family_near_its_defaults():
    start = Choice(family="gradient_boosting", params={"max_iter": 4, "l": 4, "gone": 3})
    defaults = {"logistic": {"C": 1.0}, "gradient_boosting": {"max_iter": 100, "l": None, "other": 1}}

    first = portfolio.first(FINITE, start, defaults.__getitem__)

    assert [(choice.family, choice.params) for choice in first] == [
        ("gradient_boosting", {"max_iter": 4, "l": 4}),
        ("logistic", {"C": 1}),
        ("gradient_boosting", {"max_iter": 5, "l": None}),
    ]
    other = Choice(family="lightgbm", params={})
    assert portfolio.first(FINITE, other, defaults.__getitem__) == first[1:]


@pytest.mark.parametrize("where", [{"float": [1, 2]}, {"int": [1, 51]}])
def test_grid_takes_only_what_it_can_walk_through(where):
    given = {"sampler": "grid", "trials": 1, "folds": 2, "max_rows": 1_000}

    with pytest.raises(ValueError, match=r"sampler grid takes .* logistic\.C has more"):
        TuneParams.model_validate({**given, "families": {"logistic": {"C": where}}})
    TuneParams.model_validate({**given, "families": {"logistic": {"C": {"int": [1, 50]}}}})


@pytest.mark.parametrize(
    ("families", "code", "what"),
    [
        ({"logistic": {"C": {"float": [-1, 5]}}}, "CFG010", "'C' parameter"),
        ({"logistic": {"C": {"float": [1, 5]}, "CC": {"float": [1, 5]}}}, "CFG010", "no parameter 'CC'"),
        ({"lightgbm": {"num_leaves": {"int": [1, 8]}}}, "CFG010", "num_leaves"),
        ({"sklearn.linear_model.Ridge": {}}, "CFG010", "does not learn a binary target"),
        ({"evergreen.own.nowhere.Model": {}}, "CFG037", "nowhere"),
    ],
    ids=["value", "parameter", "end", "task", "class"],
)
def test_space_that_no_estimator_takes_is_refused_with_its_next_step(families, code, what):
    with pytest.raises(ConfigError, match=what) as caught:
        check(space(**families), "binary")

    assert caught.value.code == code
    assert caught.value.next_step
