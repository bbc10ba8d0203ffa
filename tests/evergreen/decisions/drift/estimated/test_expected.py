"""What is expected of rows with chances, against labels that are drawn, scikit-learn and leaving rows out."""

import numpy as np
import pytest
from sklearn.metrics import brier_score_loss, roc_auc_score

from evergreen.decisions.drift.estimated import expected
from evergreen.decisions.drift.estimated.expected import Calibrated, OfChances


def _rows(n: int = 300, seed: int = 0) -> tuple[expected.Array, expected.Array]:
    generator = np.random.default_rng(seed)
    said = generator.beta(1, 2, n).round(2)
    return said, np.clip(said + generator.normal(0, 0.15, n), 0.01, 0.99)


def _is_wrong(said: expected.Array, chances: expected.Array, weights: expected.Array) -> OfChances:
    return expected.error(said >= 0.4, chances, weights)


METRICS: list[expected.Metric] = [expected.brier, expected.roc_auc, _is_wrong]


def test_expectations_are_the_mean_of_what_drawn_labels_show() -> None:
    said, chances = _rows()
    drawn = np.random.default_rng(1).random((200, len(said))) < chances
    shown = np.array(
        [
            [brier_score_loss(labels, said), roc_auc_score(labels, said), np.mean((said >= 0.4) != labels)]
            for labels in drawn
        ]
    ).mean(axis=0)
    found = [metric(said, chances, np.ones(300)).value for metric in METRICS]
    np.testing.assert_allclose(found, shown, atol=0.006)


def test_chances_of_0_and_1_give_what_scikit_learn_gives_for_labels_with_ties() -> None:
    said, chances = _rows()
    labels, weights = (chances > 0.35).astype(np.float64), np.random.default_rng(3).uniform(0.3, 2, 300)
    assert expected.roc_auc(said, labels, weights).value == pytest.approx(
        roc_auc_score(labels, said, sample_weight=weights), abs=1e-12
    )
    assert expected.brier(said, labels, weights).value == pytest.approx(
        brier_score_loss(labels, said, sample_weight=weights), abs=1e-12
    )


@pytest.mark.parametrize("metric", METRICS)
def test_slopes_are_how_the_metric_moves_with_a_chance(
    metric: expected.Metric,
) -> None:
    said, chances = _rows(50)
    weights = np.random.default_rng(3).uniform(0.3, 2, 50)
    found = metric(said, chances, weights)
    for row in range(50):
        moved = chances.copy()
        moved[row] += 1e-6
        assert (metric(said, moved, weights).value - found.value) / 1e-6 == pytest.approx(found.slopes[row], abs=1e-6)


@pytest.mark.parametrize("metric", METRICS)
def test_what_a_row_adds_is_what_is_lost_without_it(
    metric: expected.Metric,
) -> None:
    said, chances = _rows()
    found = metric(said, chances, np.ones(300))
    assert found.rows.sum() == pytest.approx(0, abs=1e-12)
    left_out = [metric(np.delete(said, row), np.delete(chances, row), np.ones(299)).value for row in range(len(said))]
    np.testing.assert_allclose(found.value - np.array(left_out), found.rows, atol=0.02 * np.abs(found.rows).max())


def test_calibration_leaves_a_model_that_is_right_as_it_is() -> None:
    generator = np.random.default_rng(0)
    said = generator.uniform(0.02, 0.98, 50_000)
    fitted = Calibrated(said, (generator.random(50_000) < said).astype(np.float64), np.ones(50_000))
    grid = np.linspace(0.05, 0.95, 19)
    np.testing.assert_allclose(fitted.chances(grid), grid, atol=0.02)


def test_calibration_follows_the_weights() -> None:
    said = np.full(2_000, 0.3)
    true = (np.arange(2_000) < 1_000).astype(np.float64)
    fitted = Calibrated(said, true, np.where(true > 0, 0.4, 1.6))
    assert fitted.chances(said[:1])[0] == pytest.approx(0.2, abs=1e-3)


@pytest.mark.parametrize("said", [np.zeros(200), np.ones(200), (np.arange(200) % 2).astype(np.float64)])
def test_calibration_takes_probabilities_of_0_and_1(said: expected.Array) -> None:
    true = (np.arange(200) % 4 == 0).astype(np.float64)
    means = [true[said == value].mean() for value in np.unique(said)]
    np.testing.assert_allclose(Calibrated(said, true, np.ones(200)).chances(np.unique(said)), means, atol=0.01)


def test_what_the_reference_adds_is_what_is_lost_by_fitting_without_a_row() -> None:
    said, chances = _rows(300)
    now, _ = _rows(200, seed=5)
    generator = np.random.default_rng(2)
    true, weights = (generator.random(300) < chances).astype(np.float64), generator.uniform(0.3, 2, 300)
    for metric in METRICS:
        fitted = Calibrated(said, true, weights)
        found = fitted.expect(now, metric)
        without = []
        for row in range(0, 300, 10):
            fewer = Calibrated(*(np.delete(each, row) for each in (said, true, weights)))
            without.append(fewer.expect(now, metric).value)
        lost, added = found.value - np.array(without), found.reference[::10]
        assert np.corrcoef(lost, added)[0, 1] > 0.98
        assert added.std() == pytest.approx(lost.std(), rel=0.1)
        assert found.reference.sum() == pytest.approx(0, abs=1e-12)


def test_where_the_window_is_the_reference_its_labels_are_expected_whatever_the_calibration_misses() -> None:
    said, _ = _rows(2_000)
    true = ((said > 0.2) & (said < 0.4)).astype(np.float64)  # no curve of the kind that is fitted
    fitted = Calibrated(said, true, np.ones(2_000))
    assert fitted.expect(said, expected.brier).value == pytest.approx(brier_score_loss(true, said), abs=1e-9)
    assert fitted.expect(said, expected.roc_auc).value == pytest.approx(roc_auc_score(true, said), abs=0.05)


def test_weighted_losses_are_their_weighted_mean_where_estimates_say_nothing() -> None:
    losses, weights = np.array([1.0, 2.0, 4.0]), np.array([1.0, 1.0, 2.0])
    found = expected.weighted_mean(losses, weights, np.ones(3), np.ones(5))
    assert found.value == pytest.approx(11 / 4)
    np.testing.assert_allclose(found.reference, weights * (losses - 11 / 4) / 4)


def test_weighted_losses_follow_a_line_of_the_estimates_to_where_the_window_lies() -> None:
    said = np.linspace(1, 5, 40)
    found = expected.weighted_mean(0.5 * said, np.ones(40), said, said + 2)
    assert found.value == pytest.approx(0.5 * (said.mean() + 2))
    np.testing.assert_allclose(found.reference, 0, atol=1e-12)
