"""How days differ beyond chance, and how long they hang together, against what they were made with."""

import numpy as np
import pytest
from streams import Shock, errors

from evergreen.decisions.drift.harm.spread import Spread

NEVER = Spread(0.1).mark()  # a change before the first day


def learnt(sizes: np.ndarray, shock: Shock, seed: int = 1, rate: float = 0.1) -> Spread:
    spread = Spread(rate)
    for n, wrong in zip(sizes, errors(sizes, rate, shock, np.random.default_rng(seed)), strict=True):
        spread.add(int(n), wrong / n)
    return spread


@pytest.mark.parametrize("share", [0.01, 0.05, 0.2])
def test_share_is_somewhat_above_what_days_have_in_common(share):
    sizes = np.random.default_rng(2).integers(20, 2_000, size=400)
    spread = learnt(sizes, Shock(share))

    assert share * 0.9 <= spread.share(spread.mark()) <= share * 1.8


def test_share_of_independent_labels_is_next_to_nothing():
    spread = learnt(np.full(400, 100), Shock())

    assert spread.share(spread.mark()) <= 0.003


def test_share_of_four_days_excuses_more_than_that_of_many():
    few, many = (learnt(np.full(n, 100), Shock(0.02)) for n in (4, 400))

    assert few.share(few.mark()) > many.share(many.mark())


def test_labels_of_a_day_count_as_one_before_there_are_days_enough():
    spread = learnt(np.full(3, 100), Shock())

    assert spread.share(spread.mark()) == 1.0


def test_days_that_differ_more_than_any_share_allows_count_as_one_label():
    spread = Spread(0.1)
    for i in range(20):
        spread.add(100, float(i % 2))

    assert spread.share(spread.mark()) == 1.0


def test_days_with_a_memory_are_judged_together():
    assert learnt(np.full(200, 500), Shock(0.05, 0.7), rate=0.2).length(NEVER) >= 3


def test_independent_days_are_judged_alone():
    lengths = [learnt(np.full(200, 500), Shock(0.05), seed=seed).length(NEVER) for seed in range(20)]

    assert np.mean(np.array(lengths) == 1) >= 0.8  # one in twenty is taken for correlated


def test_days_too_few_for_six_blocks_are_judged_alone():
    assert learnt(np.full(10, 500), Shock(0.05, 0.7)).length(NEVER) == 1


def test_change_of_level_passes_neither_for_spread_nor_for_memory():
    spread = learnt(np.full(100, 500), Shock())
    before = spread.mark()
    for wrong in errors(np.full(30, 500), 0.15, Shock(), np.random.default_rng(5)):
        spread.add(500, wrong / 500)

    assert spread.share(before) <= 0.002 < spread.share(spread.mark())
    assert spread.length(before) == 1 < spread.length(spread.mark())


def test_level_of_the_gate_may_be_another():
    spread = learnt(np.full(14, 500), Shock())
    spread.begin()
    for wrong in errors(np.full(14, 500), 0.15, Shock(), np.random.default_rng(5)):
        spread.add(500, wrong / 500)

    assert spread.share(spread.mark()) <= 0.003
