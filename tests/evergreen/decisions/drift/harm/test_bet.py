"""The bet against a promise: fair at the promised loss, by enumeration, and no more than what is put down."""

from datetime import date, timedelta
from itertools import product
from math import exp, log

import numpy as np
import pytest
from scipy import stats

from evergreen.decisions.drift.harm.bet import ODDS, Bet, part
from evergreen.decisions.drift.harm.spread import Spread

FIRST = date(2026, 1, 1)


def bet_on(means: list[float], n: int = 1, rate: float = 0.2, learnt: int = 0) -> Bet:
    spread = Spread(rate)
    for _ in range(learnt):
        spread.add(100, rate)
    spread.begin()
    bet = Bet(rate, spread)
    for i, mean in enumerate(means):
        bet.add(FIRST + timedelta(i), n, mean)
    return bet


def test_parts_of_a_champions_life_add_up_to_no_more_than_one():
    assert 0.9 < sum(part(day) for day in range(1, 100_000)) <= 1


def test_expectation_over_every_stream_of_six_labels_is_at_most_one():
    rate = 0.2
    expected = sum(
        np.prod([rate if lost else 1 - rate for lost in stream]) * exp(bet_on(list(stream), rate=rate).evidence)
        for stream in product([0.0, 1.0], repeat=6)
    )

    assert expected <= 1 + 1e-9
    assert expected == pytest.approx(1, abs=1e-3)  # nothing is lost on the way either


@pytest.mark.parametrize("rate", [0.02, 0.1, 0.4, 0.9])
@pytest.mark.parametrize("n", [1, 7, 300])
def test_day_of_independent_labels_multiplies_by_one_at_most_in_expectation(rate, n):
    bet = bet_on([], rate=rate)
    losses = np.arange(n + 1)

    for worth in {1.0, n / 3 if n >= 3 else 1.0, float(n)}:
        factors = np.array([np.exp(bet.growth(worth, k / n)) for k in losses])
        assert (stats.binom.pmf(losses, n, rate) @ factors <= 1 + 1e-9).all()


def test_day_whose_labels_are_all_the_same_multiplies_by_one_at_most_if_it_counts_as_one():
    bet = bet_on([], rate=0.1)

    assert (0.9 * np.exp(bet.growth(1.0, 0.0)) + 0.1 * np.exp(bet.growth(1.0, 1.0)) <= 1 + 1e-9).all()


def test_first_day_puts_down_its_part_on_each_rate():
    bet = bet_on([1.0], rate=0.2)
    against = 1 / (1 + np.exp(-(log(0.2 / 0.8) + ODDS)))

    assert exp(bet.evidence) == pytest.approx(part(1) * np.mean(against / 0.2) + 1 - part(1))


def test_no_day_multiplies_by_more_than_twelve():
    bet = bet_on([1.0], n=100_000, learnt=20)

    assert exp(bet.evidence) == pytest.approx(12 * part(1) + 1 - part(1))


def test_healthy_years_do_not_use_up_what_later_days_bet_with():
    young, old = bet_on([0.5] * 8, n=100, learnt=30), bet_on([0.1] * 700 + [0.5] * 8, n=100, learnt=30)

    assert young.evidence > log(20)
    assert old.evidence > log(20)
    assert old.start.day == FIRST + timedelta(700)
