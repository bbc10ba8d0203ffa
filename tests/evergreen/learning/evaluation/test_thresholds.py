"""The threshold: the best over all cuts of the validation rows, by brute force and by scikit-learn's curve."""

import logging

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import precision_recall_curve, precision_score, recall_score, roc_curve

from evergreen.base.errors import ConfigError
from evergreen.config.params.evaluate import EvaluateParams, ThresholdRule
from evergreen.learning.evaluation.metrics import costs_of
from evergreen.learning.evaluation.thresholds import Thresholds, choose_threshold, of_models

COSTS = {"true": {"false": 5.0, "true": 0.5}, "false": {"true": 1.0}}
DIGITS = st.sampled_from([0.0, 0.25, 0.5, 0.75, 1.0])
ROWS = st.lists(st.tuples(st.booleans(), st.one_of(DIGITS, st.floats(0, 1, width=32))), min_size=2, max_size=40).filter(
    lambda rows: len({label for label, _ in rows}) == 2
)


def chosen(labels, scores, rule=None, costs=None):
    return choose_threshold(
        np.array(labels), np.array(scores), rule=rule and ThresholdRule.model_validate(rule), costs=costs or {}
    )


def sample(n=2_000, seed=3):
    rng = np.random.default_rng(seed)
    scores = rng.beta(2, 5, n)
    return rng.random(n) < scores, scores


def every_answer(scores):
    """Return what each threshold in [0, 1] can answer, by all distinct scores and their neighbours."""
    at = np.unique(np.concatenate([[0.0, 1.0], scores, np.nextafter(scores, 2).clip(0, 1)]))
    return [scores >= one for one in at]


# Brute force


def balanced(labels, answers):
    return answers[labels].mean() - answers[~labels].mean()


@given(ROWS)
def test_no_threshold_has_a_better_balanced_accuracy(rows):
    labels, scores = map(np.array, zip(*rows, strict=True))

    at = chosen(labels, scores)

    assert 0 <= at <= 1
    best = max(balanced(labels, answers) for answers in every_answer(scores))
    assert balanced(labels, scores >= at) == pytest.approx(best, abs=1e-12)


@given(ROWS)
def test_no_threshold_costs_less(rows):
    labels, scores = map(np.array, zip(*rows, strict=True))

    at = chosen(labels, scores, costs=COSTS)

    least = min(costs_of(labels, answers, COSTS).mean() for answers in every_answer(scores))
    assert costs_of(labels, scores >= at, COSTS).mean() == pytest.approx(least, abs=1e-12)


@given(ROWS, st.sampled_from([0.2, 0.5, 2 / 3, 1.0]))
def test_no_threshold_that_reaches_the_recall_is_more_precise(rows, least):
    labels, scores = map(np.array, zip(*rows, strict=True))

    at = chosen(labels, scores, {"recall": least})

    fitting = [answers for answers in every_answer(scores) if recall_score(labels, answers) >= least]
    best = max(precision_score(labels, answers) for answers in fitting)
    assert recall_score(labels, scores >= at) >= least
    assert precision_score(labels, scores >= at) == best


@given(ROWS, st.sampled_from([0.2, 0.5, 2 / 3, 1.0]))
def test_no_threshold_that_reaches_the_precision_finds_more(rows, least):
    labels, scores = map(np.array, zip(*rows, strict=True))
    fitting = [a for a in every_answer(scores) if precision_score(labels, a, zero_division=0) >= least]

    if not fitting:
        with pytest.raises(ConfigError):
            chosen(labels, scores, {"precision": least})
        return
    at = chosen(labels, scores, {"precision": least})
    assert precision_score(labels, scores >= at) >= least
    assert recall_score(labels, scores >= at) == max(recall_score(labels, answers) for answers in fitting)


# scikit-learn


@pytest.mark.parametrize("least", [0.3, 0.5, 0.6])
def test_rule_finds_the_best_point_of_scikit_learns_curve(least):
    labels, scores = sample()
    precision, recall, _ = precision_recall_curve(labels, scores)

    at = chosen(labels, scores, {"precision": least})
    assert recall_score(labels, scores >= at) == recall[:-1][precision[:-1] >= least].max()
    at = chosen(labels, scores, {"recall": least})
    assert precision_score(labels, scores >= at) == precision[:-1][recall[:-1] >= least].max()


def test_balanced_accuracy_is_best_where_youdens_j_of_the_roc_curve_is_greatest():
    labels, scores = sample()
    false_rate, true_rate, _ = roc_curve(labels, scores, drop_intermediate=False)

    assert balanced(labels, scores >= chosen(labels, scores)) == pytest.approx(
        (true_rate - false_rate).max(), abs=1e-12
    )


# Where it lies


def test_threshold_lies_midway_between_the_scores_that_it_parts():
    assert chosen([False, False, True, True], [0.1, 0.25, 0.75, 0.9]) == 0.5


def test_equal_thresholds_leave_the_one_that_answers_fewer_with_true():
    # J is 1/2 above 0.8 and above 0.4
    assert chosen([True, False, True, False], [0.8, 0.6, 0.4, 0.2]) == pytest.approx(0.7)
    order = [2, 0, 3, 1]
    shuffled = chosen(np.array([True, False, True, False])[order], np.array([0.8, 0.6, 0.4, 0.2])[order])
    assert shuffled == pytest.approx(0.7)


@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_neighbouring_numbers_are_told_apart(kind):
    low = kind(0.3)
    high = np.nextafter(low, kind(1))
    scores = np.array([low, high])

    at = chosen([False, True], scores)

    assert (scores >= at).tolist() == [False, True]


@pytest.mark.parametrize(
    ("costs", "scores", "answers"),
    [
        ({"false": {"true": 1.0}}, [0.2, 0.8], [False, False]),
        ({"true": {"false": 1.0}, "false": {"false": 1.0}}, [0.2, 0.8], [True, True]),
        ({"true": {"false": 1.0}}, [0.0, 1.0], [False, True]),
        ({"false": {"true": 1.0}}, [1.0, 0.5], [True, False]),  # no threshold lies above 1
    ],
)
def test_ends_of_the_scores_are_cuts_too(costs, scores, answers):
    labels = [False, True]
    assert (np.array(scores) >= chosen(labels, scores, costs=costs)).tolist() == answers


# What cannot be reached


def test_precision_that_no_threshold_has_is_one_block_that_says_the_best():
    with pytest.raises(ConfigError) as caught:
        chosen([True, False, True, False, False], [0.9, 0.9, 0.5, 0.5, 0.1], {"precision": 0.7})

    error = caught.value
    assert (error.code, error.exit_code, error.where) == ("CFG053", 2, "evaluate.threshold")
    assert error.what == "no threshold has a precision of 0.7 on the 5 validation rows of tuning; the best has 0.5"
    assert "evaluate.threshold: {precision: 0.5}" in error.next_step


def test_best_that_is_said_can_be_reached():
    labels, scores = [True, True, False], [0.5, 0.5, 0.5]
    with pytest.raises(ConfigError, match=r"the best has 0\.6666") as caught:
        chosen(labels, scores, {"precision": 0.9})

    assert "{precision: 0.6666}" in caught.value.next_step
    assert (np.array(scores) >= chosen(labels, scores, {"precision": 0.6666})).all()


# Of both models


def judged(table, task="binary", known=(True, False, False, False), **params):
    params = EvaluateParams.model_validate(params)
    return of_models(pd.DataFrame(table), np.array(known), params, task=task)


TABLE = {"label": [False, True, True], "candidate": [0.25, 0.75, 0.875], "baseline": [0.125, 0.5, 0.375]}
NO_ROW = {"label": [], "candidate": []}


def test_each_model_has_the_threshold_of_its_own_estimates():
    assert judged(TABLE) == Thresholds(0.5, 0.25)


def test_number_is_taken_as_it_is():
    assert judged(TABLE, threshold=0.125) == Thresholds(0.125, 0.125)
    assert judged(NO_ROW, threshold=0.125) == Thresholds(0.125, 0.125)


def test_baseline_without_estimates_is_measured_at_the_candidates_threshold():
    assert judged({name: TABLE[name] for name in ("label", "candidate")}) == Thresholds(0.5, 0.5)


def test_baseline_that_does_not_reach_the_rule_is_measured_at_the_candidates_threshold(caplog):
    table = {"label": [False, True, True], "candidate": [0.25, 0.75, 0.875], "baseline": [0.9, 0.5, 0.375]}

    assert judged(table, threshold={"precision": 0.9}) == Thresholds(0.5, 0.5)
    assert "the baseline is measured at the candidate's threshold: no threshold has a precision of 0.9" in caplog.text


def test_candidate_that_does_not_reach_the_rule_is_refused():
    table = {"label": [False, True, True], "candidate": [0.9, 0.5, 0.375], "baseline": [0.25, 0.75, 0.875]}

    with pytest.raises(ConfigError, match="CFG053"):
        judged(table, threshold={"precision": 0.9})


@pytest.mark.parametrize("task", ["multiclass", "regression"])
def test_other_targets_have_no_use_for_a_threshold(task):
    assert judged({"label": ["a", "b"], "candidate_a": [0.5, 0.5]}, task=task) == Thresholds(0.5, 0.5)


# Without a validation row


def test_without_validation_rows_the_threshold_is_the_share_of_true_rows_and_said(caplog):
    caplog.set_level(logging.WARNING)

    assert judged(NO_ROW) == Thresholds(0.25, 0.25)
    assert "no validation row to choose the threshold on; it is 0.25" in caplog.text


@pytest.mark.parametrize(
    ("costs", "at"),
    [
        ({"true": {"false": 3.0}, "false": {"true": 1.0}}, 0.25),
        ({"true": {"false": 3.0, "true": 1.0}, "false": {"true": 3.0, "false": 1.0}}, 0.5),
        ({"true": {"false": 3.0}}, 0.0),
        ({"false": {"true": 3.0}}, 1.0),
        ({"true": {"true": 3.0}}, 0.25),  # which rewards mistakes: the share of true rows
    ],
)
def test_without_validation_rows_costs_still_decide(costs, at):
    assert judged(NO_ROW, costs=costs).candidate == at


def test_threshold_by_costs_of_right_probabilities_is_the_best_there_is():
    rng = np.random.default_rng(5)
    scores = rng.random(200_000)
    labels = rng.random(200_000) < scores
    costs = {"true": {"false": 3.0}, "false": {"true": 1.0}}

    assert chosen(labels, scores, costs=costs) == pytest.approx(judged(NO_ROW, costs=costs).candidate, abs=0.02)


def test_without_validation_rows_no_rule_is_taken_as_reached():
    with pytest.raises(ConfigError) as caught:
        judged(NO_ROW, threshold={"recall": 0.7})

    assert (caught.value.code, caught.value.where) == ("CFG053", "evaluate.threshold")
    assert "tune.seconds" in caught.value.next_step
