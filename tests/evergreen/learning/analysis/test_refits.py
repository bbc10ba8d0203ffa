"""Learning and staleness curves, importance: each says what was planted, and says so when it does not apply."""

import pandas as pd
import pytest
import tables
from pumps import CONTRACT, FEATURES, pumps

from evergreen.config.params.features import FeatureParams
from evergreen.learning import features as domain
from evergreen.learning.analysis import refits
from evergreen.learning.analysis.assemble import _refitted
from evergreen.learning.analysis.refits import learning_curve, staleness_curve
from evergreen.learning.tuning.recipe import Recipe

BOOSTING = Recipe(CONTRACT, FEATURES, "gradient_boosting", {"max_iter": 30, "min_samples_leaf": 5}, 7)


LOGISTIC = Recipe(CONTRACT, FEATURES, "logistic", {}, 7)


def learned(recipe, train, *, points=4):
    test = pumps(4_000, seed=2, wave=recipe is BOOSTING)
    labels = test["fails"].to_numpy()
    return learning_curve(
        recipe, train, test, labels, recipe.fit_predict(train, test, ()), points=points, confidence=0.95
    )


def test_model_that_still_learns_is_told_to_get_more_rows():
    curve = learned(BOOSTING, pumps(400, wave=True))

    assert [point.rows for point in curve.points] == [50, 100, 200, 400]
    assert curve.points[0].score + 0.05 < curve.points[-1].score
    assert 0 < curve.low < curve.gain < curve.high
    assert curve.advice.startswith("More rows would help: from 200 to 400 train rows roc_auc changed by +")


def test_model_that_knows_all_is_told_that_rows_promise_little():
    curve = learned(LOGISTIC, pumps(3_000))

    assert abs(curve.gain) < 0.002
    assert curve.advice.startswith("More rows of this kind promise little")


def test_few_test_rows_do_not_say_that_more_train_rows_promise_little():
    train, test = pumps(400, wave=True), pumps(60, seed=2, wave=True)
    said = BOOSTING.fit_predict(train, test, ())
    curve = learning_curve(BOOSTING, train, test, test["fails"].to_numpy(), said, points=2, confidence=0.95)

    assert curve.low < 0 < 0.01 < curve.high
    assert curve.advice.startswith("The test rows are too few to say whether more rows help: from 200 to 400")


@pytest.mark.parametrize(
    ("doublings", "says"), [(1, "More rows would help"), (5, "More rows of this kind promise little")]
)
def test_gain_is_judged_by_what_twice_the_rows_would_bring(doublings, says):
    advice = refits._advice("from 1 to 2 train rows r2", 0.006, 0.004, 0.008, doublings=doublings)

    assert advice.startswith(says)


def test_curve_without_enough_points_or_rows_says_why():
    assert learned(LOGISTIC, pumps(800), points=1) == "evaluate.curve_points is below 2"
    assert "too few" in learned(LOGISTIC, pumps(90), points=3)


def test_too_few_test_rows_give_no_advice():
    train, test = pumps(400), pumps(12, seed=4)
    said = LOGISTIC.fit_predict(train, test, ())
    curve = learning_curve(LOGISTIC, train, test, test["fails"].to_numpy(), said, points=3, confidence=0.95)

    assert curve.advice.startswith("Too few test rows to say")
    assert (curve.points, curve.gain) == ((), None)


def test_winner_that_cannot_be_fitted_again_leaves_a_reason_and_no_curve():
    train, test = pumps(400), pumps(100, seed=2)
    broken = Recipe(CONTRACT, FEATURES, "gradient_boosting", {"min_samples_leaf": -1}, 7)
    said = LOGISTIC.fit_predict(train, test, ())

    why = _refitted(learning_curve, broken, train, test, test["fails"].to_numpy(), said, points=3, confidence=0.95)

    assert why.startswith("gradient_boosting cannot be fitted on fewer rows: The 'min_samples_leaf' parameter")


def test_class_that_a_small_share_lacks_costs_no_curve():
    contract, rows = tables.contract_of("multiclass"), tables.table("multiclass")
    common = rows[rows["species"] != "virginica"]
    train = pd.concat([common, rows[rows["species"] == "virginica"].head(3)], ignore_index=True)
    recipe = Recipe(contract, tables.FEATURES, "logistic", {}, 3)
    labels = domain.fit_target(rows, contract)
    classes = ("setosa", "versicolor", "virginica")

    curve = learning_curve(
        recipe, train, rows, labels, recipe.fit_predict(train, rows, classes), points=2, confidence=0.95
    )
    assert [point.rows for point in curve.points] == [51, 103]


def test_stale_model_is_worth_less_with_every_block():
    found = staleness_curve(LOGISTIC, pumps(4_000, turns=True), points=4, confidence=0.95)
    scores = [point.score for point in found.points]

    assert found.fitted_rows == 2_000
    assert scores == sorted(scores, reverse=True)
    assert scores[0] > 0.5 > scores[-1]
    assert [round(point.age_days, 1) for point in found.points] == [0.0, 20.9, 41.7, 62.5]


def test_model_of_a_world_that_stays_does_not_grow_stale():
    found = staleness_curve(LOGISTIC, pumps(4_000), points=4, confidence=0.95)

    scores = [point.score for point in found.points]
    assert max(scores) - min(scores) < 0.08
    assert max(point.low for point in found.points) < min(point.high for point in found.points)


def test_staleness_of_many_rows_is_judged_on_some_of_each_block(monkeypatch):
    whole = staleness_curve(LOGISTIC, pumps(4_000, turns=True), points=4, confidence=0.95)
    monkeypatch.setattr(refits, "MOST_ROWS", 400)

    found = staleness_curve(LOGISTIC, pumps(4_000, turns=True), points=4, confidence=0.95)

    assert (found.fitted_rows, [point.rows for point in found.points]) == (400, [400] * 4)
    assert [point.age_days for point in found.points] == [point.age_days for point in whole.points]
    for few, all_ in zip(found.points, whole.points, strict=True):
        assert few.low < all_.score < few.high


def test_staleness_begins_after_the_embargo():
    features = FeatureParams(rare_category=5, test_days=7, embargo_days=10)
    found = staleness_curve(Recipe(CONTRACT, features, "logistic", {}, 7), pumps(2_000), points=2, confidence=0.95)

    assert found.points[0].age_days == 10
    assert sum(point.rows for point in found.points) == 1_000 - 10 * 24 + 1


@pytest.mark.parametrize(("rows", "points", "why"), [(80, 4, "too few"), (500, 0, "curve_points is 0")])
def test_staleness_that_does_not_apply_says_why(rows, points, why):
    assert why in staleness_curve(LOGISTIC, pumps(rows), points=points, confidence=0.95)


def test_table_without_time_has_no_staleness():
    recipe = Recipe(tables.contract_of("binary"), tables.FEATURES, "logistic", {}, 7)

    assert staleness_curve(recipe, tables.table("binary"), points=4, confidence=0.95) == "no column has role time"
