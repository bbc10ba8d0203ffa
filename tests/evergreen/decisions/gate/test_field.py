"""Who is asked first: the simplest family that is not worse by the folds of tuning."""

import numpy as np
import pytest
from gates import contender, prior

from evergreen.decisions.gate.field import in_order

SAID = prior(3)
GREAT, MIDDLE, SMALL = "lightgbm", "random_forest", "logistic"


def order(*folds, metric="roc_auc"):
    return ordered(*({metric: of} for of in folds))


def ordered(*folds):
    field = [
        contender(SAID, artifact=name, family=name, folds=of)
        for name, of in zip((GREAT, MIDDLE, SMALL), folds, strict=False)
    ]
    return [one.family for one in in_order(field)]


def test_winner_is_asked_first_where_simpler_families_are_worse():
    assert order((0.70, 0.72, 0.71), (0.65, 0.67, 0.66), (0.60, 0.62, 0.61)) == [GREAT, MIDDLE, SMALL]


def test_simplest_that_is_not_worse_is_asked_first_and_the_others_after_it():
    assert order((0.70, 0.72, 0.71), (0.65, 0.67, 0.66), (0.71, 0.72, 0.70)) == [SMALL, MIDDLE, GREAT]


def test_simplest_of_several_that_are_not_worse_is_asked_first():
    assert order((0.70, 0.72, 0.71), (0.71, 0.72, 0.70), (0.71, 0.70, 0.72)) == [SMALL, MIDDLE, GREAT]


def test_those_still_simpler_come_before_the_winner():
    assert order((0.70, 0.72, 0.71), (0.71, 0.72, 0.70), (0.60, 0.62, 0.61)) == [MIDDLE, SMALL, GREAT]


@pytest.mark.parametrize(("loss", "first"), [(0.0057, MIDDLE), (0.0058, GREAT)])
def test_not_worse_is_within_one_standard_error_of_the_differences(loss, first):
    # Differences of loss - 0.01, loss and loss + 0.01: a standard deviation of 0.01, an error of 0.01 / √3 = 0.00577.
    winner = np.array([0.70, 0.80, 0.60])
    simpler = winner - loss + [0.01, 0.0, -0.01]

    assert order(tuple(winner), tuple(simpler))[0] == first


def test_less_is_better_where_the_folds_measure_a_loss():
    folds = (0.50, 0.52, 0.51), (0.60, 0.62, 0.61)

    assert order(*folds, metric="log_loss") == [GREAT, MIDDLE]
    assert order(*folds, metric="roc_auc") == [MIDDLE, GREAT]


def test_simpler_family_has_to_hold_in_every_metric_of_the_folds():
    as_good, worse = (0.70, 0.72, 0.71), (0.60, 0.62, 0.61)
    winner = {"roc_auc": as_good, "log_loss": worse}

    assert ordered(winner, {"roc_auc": as_good, "log_loss": worse}) == [MIDDLE, GREAT]
    assert ordered(winner, {"roc_auc": as_good, "log_loss": as_good}) == [GREAT, MIDDLE]
    assert ordered(winner, {"roc_auc": worse, "log_loss": worse}) == [GREAT, MIDDLE]
    assert ordered(winner, {}) == [GREAT, MIDDLE]


@pytest.mark.parametrize("folds", [(), (0.9,), (0.9, 0.9)])
def test_folds_that_cannot_be_compared_move_nobody(folds):
    assert order((0.70, 0.72, 0.71), folds) == [GREAT, MIDDLE]


def test_single_fold_moves_nobody():
    assert order((0.70,), (0.75,)) == [GREAT, MIDDLE]


def test_lone_winner_is_asked():
    assert order((0.70, 0.71)) == [GREAT]


def test_equal_folds_ask_the_simpler_first():
    assert order((0.70, 0.71), (0.70, 0.71)) == [MIDDLE, GREAT]
