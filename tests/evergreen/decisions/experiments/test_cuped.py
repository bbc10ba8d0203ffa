"""What was known before is taken out: by how much that narrows, and that it changes nothing else."""

import numpy as np
import pytest

from evergreen.decisions.experiments.cuped import adjusted
from evergreen.decisions.experiments.ratios import Units, difference, group


def two(correlation: float, seed: int, *, n: int = 20_000, lift: float = 0.0, rows: int = 1) -> tuple[Units, Units]:
    """Return two groups whose units have a value that correlates with what was known of them."""
    rng = np.random.default_rng(seed)
    groups = []
    for place in (0, 1):
        known = rng.normal(size=(n, rows)) + rng.normal(size=(n, 1))
        noise = rng.normal(size=(n, rows)) + rng.normal(size=(n, 1))
        value = correlation * known + (1 - correlation**2) ** 0.5 * noise + lift * place
        groups.append(Units(value.sum(axis=1), np.full(n, float(rows)), known.sum(axis=1)))
    return groups[0], groups[1]


@pytest.mark.parametrize("rows", [1, 5])
@pytest.mark.parametrize("correlation", [0.3, 0.6, 0.9])
def test_width_shrinks_by_what_the_correlation_predicts_within_three_percent(correlation, rows) -> None:
    first, second = two(correlation, seed=1, rows=rows)
    found = adjusted(first, second)
    plain = difference(group(first), group(second))
    assert found.difference.error / plain.error == pytest.approx((1 - correlation**2) ** 0.5, rel=0.03)
    assert found.correlation == pytest.approx(correlation, abs=0.02)


def test_error_that_is_stated_is_the_spread_over_repetitions_and_the_effect_stays() -> None:
    found = [adjusted(*two(0.8, seed=seed, n=300, lift=0.5)).difference for seed in range(600)]
    values = np.array([one.value for one in found])
    assert values.mean() == pytest.approx(0.5, abs=0.01)
    assert np.mean([one.error for one in found]) == pytest.approx(values.std(), rel=0.08)


def test_a_worthless_covariate_changes_nothing_to_speak_of() -> None:
    first, second = two(0.0, seed=3)
    found, plain = adjusted(first, second), difference(group(first), group(second))
    assert found.difference.value == pytest.approx(plain.value, abs=plain.error / 10)
    assert found.width == pytest.approx(1, abs=0.001)


def test_nothing_is_taken_out_where_nothing_was_known_or_all_is_the_same() -> None:
    ones = np.ones(10)
    values = np.arange(10.0)
    assert adjusted(Units(values, ones), Units(values, ones)) is None
    assert adjusted(Units(values, ones, ones), Units(values, ones, ones)) is None
