"""Losses of rows between 0 and 1, by hand, and what they add up to by day."""

from datetime import date

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from sklearn import metrics

from evergreen.decisions.drift.harm.days import Day, days_of, losses, scale_of
from evergreen.learning.evaluation.difference import PerformanceError


def test_brier_losses_average_to_that_of_scikit_learn():
    rng = np.random.default_rng(1)
    labels, said = rng.random(500) < 0.3, rng.random(500)

    found = losses("binary", pd.Series(labels), said, loss="brier")

    assert found.mean() == pytest.approx(metrics.brier_score_loss(labels, said))


def test_error_counts_a_probability_at_the_threshold_as_true():
    labels = pd.Series([True, True, False, False])

    found = losses("binary", labels, [0.3, 0.29, 0.3, 0.29], loss="error", threshold=0.3)

    assert found.tolist() == [0, 1, 1, 0]


def test_error_of_classes_is_one_where_they_differ():
    assert losses("multiclass", pd.Series(["a", "b", "c"]), ["a", "b", "b"], loss="error").tolist() == [0, 0, 1]


def test_absolute_error_is_in_units_of_the_scale_and_at_most_one():
    found = losses(
        "regression", pd.Series([0.0, 0.0, 0.0, 0.0]), [1.0, -2.0, 7.0, np.inf], loss="absolute error", scale=4.0
    )

    assert found.tolist() == [0.25, 0.5, 1.0, 1.0]


@pytest.mark.parametrize(
    ("task", "labels", "estimates", "loss"),
    [
        ("binary", [True, None, True, True], [0.5, 0.5, np.nan, 1.5], "brier"),
        ("multiclass", ["a", None, "a", "a"], ["a", "a", None, np.nan], "error"),
        ("regression", [1.0, np.nan, 1.0, np.inf], [1.0, 1.0, np.nan, np.inf], "absolute error"),
    ],
)
def test_loss_is_not_a_number_where_label_or_estimate_is_not_there(task, labels, estimates, loss):
    found = losses(task, pd.Series(labels), np.array(estimates, dtype=object), loss=loss, scale=1.0)

    assert np.isfinite(found).tolist() == [True, False, False, False]


def test_labels_of_another_index_are_matched_row_by_row():
    labels = pd.Series([True, False], index=[7, 3])

    assert losses("binary", labels, pd.Series([1.0, 0.0], index=[1, 2]), loss="error").tolist() == [0, 0]


@pytest.mark.parametrize(
    ("task", "loss"), [("regression", "brier"), ("multiclass", "brier"), ("binary", "absolute error")]
)
def test_loss_of_another_task_is_refused(task, loss):
    with pytest.raises(ValueError, match="has no loss"):
        losses(task, pd.Series([1.0]), [1.0], loss=loss, scale=1.0)


@pytest.mark.parametrize("scale", [None, 0.0, -1.0, np.nan, np.inf])
def test_absolute_error_without_a_usable_scale_is_refused(scale):
    with pytest.raises(ValueError, match="counts as 1"):
        losses("regression", pd.Series([1.0]), [1.0], loss="absolute error", scale=scale)


def test_labels_of_another_kind_are_refused():
    with pytest.raises(PerformanceError, match="PF004"):
        losses("binary", pd.Series(["yes", "no"]), [0.5, 0.5], loss="brier")


def test_scale_is_near_the_99_percent_quantile_of_normal_errors():
    errors = stats.norm.ppf(np.linspace(0.0005, 0.9995, 1_000))

    assert scale_of(errors) == pytest.approx(np.quantile(np.abs(errors), 0.993), rel=0.01)


def test_scale_does_not_follow_a_few_enormous_errors():
    assert scale_of([1.0] * 98 + [1e12, np.inf]) == 4.0


@pytest.mark.parametrize(("errors", "scale"), [([0, 0, 0, 2.0], 8.0), ([0.0, 0.0], 1.0), ([], 1.0), ([np.nan], 1.0)])
def test_scale_is_above_zero_whatever_the_errors(errors, scale):
    assert scale_of(errors) == scale


def test_days_are_in_order_with_their_losses_summed():
    dates = [date(2026, 3, 2), date(2026, 3, 1), date(2026, 3, 2)]

    assert days_of(dates, np.array([0.5, 0.25, 1.0])) == (
        Day(day=date(2026, 3, 1), n=1, loss=0.25),
        Day(day=date(2026, 3, 2), n=2, loss=1.5),
    )


def test_loss_that_is_no_number_does_not_vanish_from_its_day():
    (found,) = days_of([date(2026, 3, 1)] * 2, np.array([0.5, np.nan]))

    assert (found.n, np.isnan(found.loss)) == (2, True)


def test_no_rows_have_no_days():
    assert days_of([], np.array([])) == ()
