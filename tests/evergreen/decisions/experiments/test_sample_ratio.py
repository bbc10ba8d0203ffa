import numpy as np
import pytest
from scipy import stats

from evergreen.decisions.experiments.sample_ratio import sample_ratio


def test_odds_are_those_of_the_dirichlet_multinomial_against_the_shares() -> None:
    counts, shares = [620, 380], [0.5, 0.5]
    prior = stats.dirichlet_multinomial(np.array([50.0, 50.0]), 1_000).pmf(counts)
    planned = stats.multinomial(1_000, shares).pmf(counts)
    assert sample_ratio(counts, shares).p_value == pytest.approx(planned / prior, rel=1e-6)


@pytest.mark.parametrize("shares", [[0.5, 0.5], [0.9, 0.05, 0.05]])
def test_looking_after_every_hundred_units_cries_wolf_in_less_than_one_in_a_thousand(shares) -> None:
    rng = np.random.default_rng(2)
    counts = np.cumsum(rng.multinomial(100, shares, size=(400, 50)), axis=1)
    off = sum(any(sample_ratio(look, shares).is_off for look in course) for course in counts)
    assert off <= 1


def test_a_variant_that_loses_a_tenth_of_its_units_is_found() -> None:
    rng = np.random.default_rng(3)
    found = 0
    for _ in range(50):
        counts = rng.binomial(20_000, 0.5), 0
        lost = rng.binomial(20_000 - counts[0], 0.9)
        found += sample_ratio([counts[0], lost], [0.5, 0.5]).is_off
    assert found >= 45


def test_no_unit_is_nothing_against_the_shares() -> None:
    assert sample_ratio([0, 0], [0.5, 0.5]).p_value == 1
