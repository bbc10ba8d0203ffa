"""From sums to probabilities."""

import numpy as np
import pytest
from scipy.special import expit, softmax

from evergreen.learning.model.compiled.curves import calibrated, linked, log_odds

SUMS = np.concatenate([np.random.default_rng(1).normal(0, 8, 4_001), [-1e4, -745.0, 0.0, 745.0, 1e4]])


def test_links_are_those_of_scipy_without_a_warning():
    np.testing.assert_allclose(linked(SUMS, "Sigmoid"), expit(SUMS), atol=1e-300, rtol=1e-13)
    many = SUMS[:4_002].reshape(-1, 3)
    np.testing.assert_allclose(linked(many, "Softmax"), softmax(many, axis=1), rtol=1e-13)
    assert linked(SUMS, "") is SUMS


@pytest.mark.parametrize(
    ("method", "numbers"), [("sigmoid", (1.7, -0.4)), ("isotonic", (0.1, 0.3, 0.6, 0.05, 0.2, 0.9)), (None, ())]
)
def test_number_has_the_same_bits_wherever_it_stands(method, numbers):
    def asked(sums):
        probabilities = linked(sums, "Sigmoid")
        return calibrated(probabilities, method, numbers) if method else probabilities

    together = asked(SUMS)
    for size in (1, 3, 8, 13):
        apart = np.concatenate([asked(SUMS[at : at + size]) for at in range(0, len(SUMS), size)])
        np.testing.assert_array_equal(apart, together)


def test_classes_have_the_same_bits_wherever_they_stand():
    many = SUMS[:4_000].reshape(-1, 4)
    together = calibrated(linked(many, "Softmax"), "temperature", (1.7,))
    apart = [calibrated(linked(many[at : at + 1], "Softmax"), "temperature", (1.7,))[0] for at in range(len(many))]

    np.testing.assert_array_equal(apart, together)
    np.testing.assert_allclose(together.sum(axis=1), 1)


def test_curves_of_nothing_change_nothing():
    probabilities = np.array([0.01, 0.3, 0.99])

    np.testing.assert_allclose(calibrated(probabilities, "sigmoid", (1.0, 0.0)), probabilities)
    np.testing.assert_allclose(calibrated(probabilities, "isotonic", (0.0, 1.0, 0.0, 1.0)), probabilities)
    np.testing.assert_allclose(log_odds(probabilities), np.log(probabilities / (1 - probabilities)))
