"""What each row adds to a metric: against scikit-learn, weights moved by a little, and rows that are left out."""

import numpy as np
import pytest
from sklearn import metrics

from evergreen.learning.evaluation.estimates import Estimates
from evergreen.learning.evaluation.influence import influence, mean_of

RNG = np.random.default_rng(8)
N = 120
CLASSES = ("a", "b", "c")
TRUE = RNG.random(N) < 0.4
SAID = np.clip(0.3 * TRUE + 0.6 * RNG.random(N), 0.01, 0.99).round(2)  # with ties
NAMES = np.array(CLASSES)[RNG.integers(0, 3, N)]
CHANCES = RNG.dirichlet(np.ones(3), N)
VALUES = RNG.lognormal(size=N)
GUESSES = VALUES + RNG.normal(size=N)


def binary(function):
    return TRUE, Estimates("binary", SAID), lambda labels, said, weights: function(labels, said, sample_weight=weights)


def numbers(function):
    return (
        VALUES,
        Estimates("regression", GUESSES),
        lambda labels, said, weights: function(labels, said, sample_weight=weights),
    )


def macro_recall(labels, chances, weights):
    answers = np.array(CLASSES)[chances.argmax(axis=1)]
    return metrics.recall_score(labels, answers, average="macro", sample_weight=weights)


def mean_gap(labels, said, weights):
    return np.average(said - labels, weights=weights)


# By metric: labels, estimates and the same metric of weighted rows.
CASES = {
    "roc_auc": binary(metrics.roc_auc_score),
    "brier": binary(metrics.brier_score_loss),
    "log_loss": binary(metrics.log_loss),
    "balanced_accuracy": (NAMES, Estimates("multiclass", CHANCES, CLASSES), macro_recall),
    "log_loss of classes": (
        NAMES,
        Estimates("multiclass", CHANCES, CLASSES),
        lambda labels, said, weights: metrics.log_loss(labels, said, sample_weight=weights, labels=CLASSES),
    ),
    "r2": numbers(metrics.r2_score),
    "mse": numbers(metrics.mean_squared_error),
    "bias": (VALUES, Estimates("regression", GUESSES), mean_gap),
    "bias of chances": (TRUE, Estimates("binary", SAID), lambda labels, *rest: mean_gap(labels * 1.0, *rest)),
}
EVERY = pytest.mark.parametrize("case", CASES)


def found(case):
    labels, estimates, _ = CASES[case]
    return influence(case.split(" of ")[0], labels, estimates)


@EVERY
def test_value_is_scikit_learns_and_contributions_add_up_to_0(case):
    labels, estimates, weighted = CASES[case]

    assert found(case).value == pytest.approx(weighted(labels, estimates.values, np.ones(N)), abs=1e-12)
    assert found(case).rows.sum() == pytest.approx(0, abs=1e-12)


@EVERY
def test_contribution_is_what_a_little_more_weight_of_a_row_changes(case):
    labels, estimates, weighted = CASES[case]
    step = 1e-5
    for row in range(0, N, 7):
        up, down = np.ones(N), np.ones(N)
        up[row], down[row] = 1 + step, 1 - step
        slope = (weighted(labels, estimates.values, up) - weighted(labels, estimates.values, down)) / (2 * step)
        assert found(case).rows[row] == pytest.approx(slope, abs=1e-7)


@EVERY
def test_contributions_are_near_what_leaving_a_row_out_takes_away(case):
    labels, estimates, weighted = CASES[case]
    kept = ~np.eye(N, dtype=bool)
    left_out = np.array([weighted(labels[rows], estimates.values[rows], np.ones(N - 1)) for rows in kept])
    jackknife = (N - 1) / N * (left_out.mean() - left_out)

    largest = np.abs(jackknife).max()
    assert found(case).rows == pytest.approx(jackknife, abs=0.35 * largest)
    assert np.corrcoef(found(case).rows, jackknife)[0, 1] > 0.98


def test_difference_changes_its_sign_with_the_order_of_the_models():
    others = SAID[::-1].copy()
    one, other = (influence("roc_auc", TRUE, Estimates("binary", said)) for said in (SAID, others))

    gap = one.rows - other.rows
    better = np.where(TRUE, SAID - others, others - SAID) > 0
    assert one.value > other.value
    assert gap[better].mean() > 0 > gap[~better].mean()
    same = influence("roc_auc", TRUE, Estimates("binary", SAID))
    assert np.array_equal(same.rows - one.rows, np.zeros(N))


def test_scores_turned_round_turn_auc_and_its_contributions_round():
    one, other = (influence("roc_auc", TRUE, Estimates("binary", said)) for said in (SAID, -SAID))

    assert other.value == pytest.approx(1 - one.value)
    assert other.rows == pytest.approx(-one.rows)


def test_auc_of_hand_counted_pairs():
    one = influence("roc_auc", np.array([True, True, False, False]), Estimates("binary", np.array([3, 1, 1, 0])))

    # Of the pairs 3.5 of 4 are in order; the placements are 1 and 0.75, and 0.75 and 1.
    assert (one.value, one.rows.tolist()) == (0.875, [0.0625, -0.0625, -0.0625, 0.0625])


@pytest.mark.parametrize(
    ("metric", "labels", "estimates"),
    [
        ("roc_auc", np.array([True, True]), Estimates("binary", np.array([0.2, 0.4]))),
        ("roc_auc", np.array([False, False]), Estimates("binary", np.array([0.2, 0.4]))),
        ("r2", np.array([2.0, 2.0]), Estimates("regression", np.array([0.2, 0.4]))),
        ("mse", np.array([2.0, 2.0]), Estimates("regression", np.array([0.2, np.inf]))),
        ("brier", np.zeros(0, dtype=bool), Estimates("binary", np.zeros(0))),
    ],
)
def test_undefined_metric_is_not_a_number_and_contributes_nothing(metric, labels, estimates):
    with np.errstate(invalid="ignore"):
        one = influence(metric, labels, estimates)

    assert np.isnan(one.value)
    assert one.rows.tolist() == [0.0] * len(labels)


def test_confident_miss_counts_as_the_smallest_float_as_in_scikit_learn():
    labels, said = np.array([True, False]), np.array([0.0, 0.5])

    one = influence("log_loss", labels, Estimates("binary", said))
    assert one.value == pytest.approx(metrics.log_loss(labels, said))


def test_mean_of_values_has_their_distances_from_it():
    assert mean_of(np.array([1.0, 2.0, 6.0])).rows.tolist() == pytest.approx([-2 / 3, -1 / 3, 1])
