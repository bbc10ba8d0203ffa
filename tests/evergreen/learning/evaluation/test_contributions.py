"""Contributions: exact where the mathematics says what they are."""

import itertools
from math import factorial

import numpy as np
import pytest

from evergreen.learning.evaluation.contributions import MOST_EXACT, contributions


def linear(weights):
    return lambda rows: np.array(rows, dtype=float) @ weights + 0.5


@pytest.mark.parametrize("d", [1, 4, MOST_EXACT, 20])
def test_contribution_to_a_linear_model_is_the_weight_times_the_difference(d):
    rng = np.random.default_rng(d)
    weights, row, typical = rng.normal(size=(3, d))

    found = contributions(linear(weights), list(row), list(typical), seed=1)

    np.testing.assert_allclose(found.values, weights * (row - typical), atol=1e-12)
    np.testing.assert_allclose(found.errors, 0, atol=1e-12)
    assert found.permutations == (0 if d <= MOST_EXACT else 128)


def tangled(rows):
    """A function in which values act together, on a scale from 0 to 1."""
    x = np.array(rows, dtype=float)
    return 1 / (1 + np.exp(-(x[:, 0] * x[:, 1] - np.abs(x[:, 2] - x[:, 3]) + x.sum(axis=1) / 5)))


def by_definition(row, typical):
    """Return Shapley values by every order of the values."""
    d, values = len(row), np.zeros(len(row))
    for order in itertools.permutations(range(d)):
        mixed = list(typical)
        before = tangled([mixed])[0]
        for at in order:
            mixed[at] = row[at]
            after = tangled([mixed])[0]
            values[at] += (after - before) / factorial(d)
            before = after
    return values


def test_few_values_have_the_contributions_of_the_definition():
    row, typical = np.random.default_rng(3).normal(size=(2, 6))
    found = contributions(tangled, list(row), list(typical), seed=1)
    np.testing.assert_allclose(found.values, by_definition(row, typical), atol=1e-12)


def test_sampled_contributions_are_within_their_errors_of_those_of_every_mixture(monkeypatch):
    rng = np.random.default_rng(5)
    row, typical = rng.normal(size=(2, 11))
    sampled = [contributions(tangled, list(row), list(typical), seed=seed) for seed in range(40)]
    monkeypatch.setattr("evergreen.learning.evaluation.contributions.MOST_EXACT", 11)
    exact = contributions(tangled, list(row), list(typical), seed=0)

    distances = np.array([(each.values - exact.values) / each.errors for each in sampled])

    assert 0.8 < np.mean(np.abs(distances) < 2) < 0.99
    np.testing.assert_allclose(np.mean([each.values for each in sampled], axis=0), exact.values, atol=0.01)


def test_contributions_add_up_to_the_difference_and_the_seed_decides_them():
    row, typical = (list(each) for each in np.random.default_rng(7).normal(size=(2, 15)))
    found, again, other = (contributions(tangled, row, typical, seed=seed) for seed in (1, 1, 2))
    assert found.values.sum() == pytest.approx(found.estimate - found.typical, abs=1e-12)
    assert found.estimate == tangled([row])[0]
    assert (found.values == again.values).all()
    assert (found.values != other.values).any()


def test_value_that_the_typical_row_has_too_adds_nothing():
    found = contributions(tangled, [1.0, 2.0, None or 0.0, 4.0], [1.0, 0.0, 0.0, 1.0], seed=1)
    assert (found.values[[0, 2]] == 0).all()
    same = contributions(tangled, [1.0, 2.0, 3.0, 4.0], [1.0, 2.0, 3.0, 4.0], seed=1)
    assert (same.estimate, list(same.values)) == (same.typical, [0, 0, 0, 0])
