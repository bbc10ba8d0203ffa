"""Two columns that make a number together are found, whatever was rounded; what merely goes together is not."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from evergreen.data.arithmetic import made_of

Array = np.ndarray[Any, Any]
N = 400
RNG = np.random.default_rng(0)
PRICE, COST = RNG.gamma(2, 50, N).round(2), RNG.gamma(2, 20, N).round(2)
CASUAL, REGISTERED = RNG.poisson(20, N) * 1.0, RNG.poisson(90, N) * 1.0
U, V = RNG.normal(size=N), RNG.normal(size=N)
COLUMNS = {"price": PRICE, "cost": COST, "casual": CASUAL, "registered": REGISTERED, "u": U, "v": V}


@pytest.mark.parametrize(
    ("target", "text", "is_rounded"),
    [
        (CASUAL + REGISTERED, "casual + registered", False),
        (PRICE - COST, "price - cost", False),
        (COST - PRICE, "cost - price", False),
        (PRICE * CASUAL, "price * casual", False),
        (COST / PRICE, "cost / price", False),
        (U + V, "u + v", False),
        ((PRICE + COST).round(1), "price + cost", True),
        ((PRICE * CASUAL).round(0), "price * casual", True),
        ((PRICE / COST).round(3), "price / cost", True),
        ((U - V).round(2), "u - v", True),
        ((U * V).round(2), "u * v", True),
    ],
)
def test_pair_that_makes_a_number_is_found(target: Array, text: str, is_rounded: bool):
    (made,) = made_of(COLUMNS, target)
    assert (made.text, made.is_rounded) == (text, is_rounded)


def test_sum_is_found_when_the_parts_were_rounded_too():
    one, other = RNG.normal(50, 12, N), RNG.normal(80, 20, N)
    (made,) = made_of({"one": one.round(0), "other": other.round(0), "u": U}, (one + other).round(0))
    assert (made.text, made.is_rounded) == ("one + other", True)


def test_parts_of_which_a_row_has_one_only_make_a_sum():
    is_car = RNG.random(N) < 0.4
    car, truck = np.where(is_car, PRICE, 0.0), np.where(is_car, 0.0, COST)
    assert [made.text for made in made_of({"car": car, "truck": truck, "u": U}, car + truck)] == ["car + truck"]


def test_missing_values_and_one_wrong_row_in_a_hundred_do_not_hide_a_sum():
    target = CASUAL + REGISTERED
    target[[7, 200, 333]] += 40
    target[50:60] = np.nan
    gappy = np.where(RNG.random(N) < 0.3, np.nan, CASUAL)
    assert [made.text for made in made_of(COLUMNS | {"casual": gappy}, target)] == ["casual + registered"]


@pytest.mark.parametrize("op", [np.add, np.subtract, np.multiply])
def test_small_counts_make_a_number_only_if_they_do(op: Callable[[Array, Array], Array]):
    few, more = RNG.poisson(2, N) * 1.0, RNG.poisson(3, N) * 1.0
    assert len(made_of({"few": few, "more": more, "u": U}, op(few, more))) == 1
    off = op(few, more) + (RNG.random(N) < 0.05)
    assert made_of({"few": few, "more": more, "u": U}, off) == ()


@pytest.mark.parametrize(
    "target",
    [
        U + V + 0.05 * RNG.normal(size=N),  # almost
        PRICE,  # a copy makes no pair
        PRICE + 3.0,
        RNG.poisson(2, N) * 1.0,
        np.zeros(N),
        np.full(N, np.nan),
        np.where(RNG.random(N) < 0.98, 0.0, PRICE),
    ],
)
def test_what_is_not_made_of_two_columns_is_not_said_to_be(target: Array):
    zeros = np.where(RNG.random(N) < 0.98, 0.0, 1.0)
    assert made_of(COLUMNS | {"zeros": zeros, "ones": 1.0 + zeros}, target) == ()


def test_few_rows_say_nothing():
    assert made_of({"a": CASUAL[:49], "b": REGISTERED[:49]}, (CASUAL + REGISTERED)[:49]) == ()


def test_pair_among_many_columns_is_found():
    many = {f"c{n}": RNG.normal(size=N).round(2) for n in range(900)}
    assert [made.text for made in made_of(many, many["c31"] + many["c700"])] == ["c31 + c700"]
