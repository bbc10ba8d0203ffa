"""Weights that make the reference look like the window, against densities that are known."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from shifted import world

from evergreen.decisions.drift.estimated import density
from evergreen.decisions.drift.estimated.rows import Rows
from evergreen.learning.evaluation.clusters import Clusters


def _rows(features: pd.DataFrame, said: np.ndarray | None = None) -> Rows:
    n = len(features)
    return Rows(np.full(n, 0.5) if said is None else said, Clusters("row", np.arange(n)), features=features)


def test_weights_follow_the_ratio_of_known_densities() -> None:
    generator = np.random.default_rng(0)
    before, after = generator.normal(0, 1, 6_000), generator.normal(0.7, 0.8, 6_000)
    found = density.ratio(_rows(pd.DataFrame({"x": before})), _rows(pd.DataFrame({"x": after})), seed=0)
    true = stats.norm.pdf(before, 0.7, 0.8) / stats.norm.pdf(before)
    inside = np.abs(before) < 2
    assert stats.spearmanr(found.weights[inside], true[inside]).statistic > 0.95
    assert found.weights.mean() == pytest.approx(1)
    assert np.average(before, weights=found.weights) == pytest.approx(after.mean(), abs=0.07)
    assert found.n_effective == pytest.approx(len(before) / np.mean(true**2), rel=0.25)


@pytest.mark.parametrize("shared", [0.0, 0.5, 0.9])
def test_unchanged_days_keep_most_of_their_weight(shared: float) -> None:
    generator = np.random.default_rng(3)
    kept = []
    for _ in range(4):
        before, after = (world(generator, shared=shared).rows() for _ in range(2))
        kept.append(density.ratio(before, after, seed=0).n_effective / len(before.said))
    assert np.mean(kept) > 0.8


@pytest.mark.parametrize("share", [0.3, 1.0])
def test_a_window_where_the_reference_has_nothing_lies_outside(share: float) -> None:
    generator = np.random.default_rng(0)
    before, after = generator.normal(0, 1, (2, 3_000))
    after[: int(share * 3_000)] += 50
    found = density.ratio(_rows(pd.DataFrame({"x": before})), _rows(pd.DataFrame({"x": after})), seed=0)
    assert found.outside == pytest.approx(share, abs=0.02)


def test_a_window_that_is_all_elsewhere_leaves_few_rows() -> None:
    generator = np.random.default_rng(0)
    before, after = generator.normal([[0], [4]], 1, (2, 3_000))
    assert density.ratio(_rows(pd.DataFrame({"x": before})), _rows(pd.DataFrame({"x": after})), seed=0).n_effective < 50


def test_categories_that_the_reference_never_had_lie_outside() -> None:
    before = pd.DataFrame({"kind": ["a", "b", None] * 500})
    after = pd.DataFrame({"kind": ["new", "newer"] * 500})
    assert density.ratio(_rows(before), _rows(after), seed=0).outside == 1


def test_weights_follow_categories_and_missing_values() -> None:
    before = pd.DataFrame({"kind": ["a", "b", "b", "b"] * 500, "x": [1.0, 2.0, np.nan, np.nan] * 500})
    after = before.iloc[np.r_[np.arange(0, 2_000, 4), np.arange(2, 2_000, 4)]]  # half a, half b without x
    found = density.ratio(_rows(before), _rows(after), seed=0).weights.reshape(-1, 4).mean(axis=0)
    np.testing.assert_allclose(found, [2, 0, 1, 1], atol=0.2)


def test_points_in_time_tell_nothing_apart() -> None:
    generator = np.random.default_rng(0)
    frames = [
        pd.DataFrame({"x": generator.normal(size=500), "at": pd.date_range(begin, periods=500, freq="h", tz="UTC")})
        for begin in ("2026-01-01", "2026-06-01")
    ]
    before, after = frames
    with_time = density.ratio(_rows(before), _rows(after), seed=0)
    without = density.ratio(_rows(before[["x"]]), _rows(after[["x"]]), seed=0)
    np.testing.assert_array_equal(with_time.weights, without.weights)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ([1.0] * 200, [1.0] * 200),
        ([None] * 200, [None] * 200),
        ([None] * 200, list(range(200))),
        ([np.inf, -np.inf] * 100, [np.inf, 1e308] * 100),
        (list(range(200)), ["1", "2"] * 100),
        ([True, False] * 100, [True, None] * 100),
        (pd.Categorical(["a", "b"] * 100), pd.Categorical(["b", "c"] * 100)),
        (pd.array([1, None] * 100, dtype="Int64"), pd.array([2, None] * 100, dtype="Int64")),
        ([f"id{row}" for row in range(200)], [f"id{row}" for row in range(200, 400)]),
    ],
)
def test_any_column_gives_weights(before: object, after: object) -> None:
    found = density.ratio(_rows(pd.DataFrame({"x": before})), _rows(pd.DataFrame({"x": after})), seed=0)
    assert np.isfinite(found.weights).all()
    assert 0 < found.n_effective <= 200
