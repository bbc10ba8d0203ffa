import numpy as np
import pytest

from evergreen.decisions.experiments.sequential import half_width

LOOKS = range(50, 4_001, 50)


@pytest.mark.parametrize("rate", [0.5, 0.1])
def test_the_truth_is_left_at_any_of_eighty_looks_at_most_as_often_as_stated(rate: float) -> None:
    rng = np.random.default_rng(5)
    left = naive = 0
    for _ in range(600):
        seen = rng.random(4_000) < rate
        sums = np.cumsum(seen)
        for n in LOOKS:
            mean = sums[n - 1] / n
            variance = mean * (1 - mean)
            if abs(mean - rate) > half_width(n, variance, alpha=0.05, planned=2_000):
                left += 1
                break
        naive += any(
            abs(sums[n - 1] / n - rate) > 1.96 * (sums[n - 1] / n * (1 - sums[n - 1] / n) / n) ** 0.5 for n in LOOKS
        )
    assert left / 600 <= 0.05
    assert naive / 600 > 0.25


def test_nothing_is_said_before_two_observations() -> None:
    assert half_width(1, 0.25, alpha=0.05, planned=100) == float("inf")
