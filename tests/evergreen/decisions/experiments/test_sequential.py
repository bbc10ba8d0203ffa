import numpy as np
import pytest

from evergreen.decisions.experiments.sequential import half_width, needed, p_value, tuned

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


def test_p_value_is_the_error_at_which_the_interval_touches_zero() -> None:
    for n, estimate in ((300, 0.1), (2_000, 0.03), (9_000, 0.05)):
        p = p_value(estimate, (0.25 / n) ** 0.5, n=n, alpha=0.05, planned=2_000)
        nr = n * tuned(2_000, 0.05)
        width = (2 * (nr + 1) / (n * nr) * np.log((nr + 1) ** 0.5 / p)) ** 0.5 * 0.5
        assert p == 1 or width == pytest.approx(estimate)


def test_p_value_says_nothing_without_noise_or_before_two_observations() -> None:
    assert p_value(1.0, 0.0, n=100, alpha=0.05, planned=100) == 1
    assert p_value(1.0, 0.1, n=1, alpha=0.05, planned=100) == 1


def test_as_many_as_are_needed_leave_zero_out_and_fewer_do_not() -> None:
    n = needed(0.02, 0.5, alpha=0.05, planned=4_000)
    assert half_width(n * 1.01, 0.25, alpha=0.05, planned=4_000) < 0.02
    assert half_width(n * 0.98, 0.25, alpha=0.05, planned=4_000) > 0.02
    assert needed(0.0, 0.5, alpha=0.05, planned=4_000) is None
