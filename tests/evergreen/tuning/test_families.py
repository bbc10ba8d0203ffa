"""The families: whatever a row holds is answered, and encoders learn from the rows they are fitted on and no others."""

import numpy as np
import pandas as pd
import pytest
import released
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.linear_model import LogisticRegression, Ridge

from evergreen import features
from evergreen.consistency import FAMILIES
from evergreen.errors import ConfigError
from evergreen.tuning import families

CHOSEN = {"prior": {}, "logistic": {"C": 0.5}, "gradient_boosting": {"max_iter": 10, "min_samples_leaf": 10}}
INPUTS = features.inputs(released.CONTRACT, released.FEATURES)
CATEGORICAL, NUMERIC = list(INPUTS.categorical), list(INPUTS.numeric)
NUMBERS = features.Inputs(categorical=(), numeric=INPUTS.numeric)
FEATURES = released.FEATURES
LEARNING = ("logistic", "gradient_boosting")


@pytest.fixture(scope="module")
def inputs():
    return features.build(released.table(), released.CONTRACT, released.FEATURES)


@pytest.fixture(scope="module")
def target():
    return released.table()["late"].to_numpy()


def unfitted(family, **chosen):
    return families.build(
        family,
        {**CHOSEN[family], **chosen},
        task="binary",
        inputs=INPUTS,
        features=FEATURES,
        seed=7,
    )


def missing(inputs, *names):
    """Return inputs in which every value of some columns, or of all, is missing."""
    gone = {name: pd.Series(None, index=inputs.index, dtype=inputs[name].dtype) for name in names or inputs.columns}
    return inputs.assign(**gone)


def answers(pipeline, inputs):
    probabilities = pipeline.predict_proba(inputs)
    assert probabilities.shape == (len(inputs), 2)
    assert np.isfinite(probabilities).all()
    return probabilities[:, 1]


@pytest.mark.parametrize("family", CHOSEN)
def test_rows_with_unknown_categories_and_missing_values_are_answered(family, inputs, target):
    pipeline = unfitted(family).fit(inputs, target)

    for rows in (
        inputs.assign(carrier="zeppelin", size="XXL"),
        inputs.assign(carrier="", weight=1e300, stops=-1e300),
        missing(inputs),
        *(missing(inputs, name) for name in inputs.columns),
    ):
        answers(pipeline, rows)
        answers(pipeline, rows.head(1))


@pytest.mark.parametrize("family", CHOSEN)
def test_columns_without_a_value_when_fitted_are_no_obstacle(family, inputs, target):
    for rows in (missing(inputs), missing(inputs, "weight"), missing(inputs, "carrier", "size")):
        pipeline = unfitted(family).fit(rows, target)

        answers(pipeline, rows)
        answers(pipeline, inputs)  # they may have one later


@pytest.mark.parametrize("family", LEARNING)
def test_unseen_and_rare_categories_are_answered_alike(family, inputs, target):
    carriers = inputs["carrier"].copy()
    carriers.iloc[:8] = ["rare"] * 4 + ["scarce"] * 4  # below 5 rows each

    pipeline = unfitted(family).fit(inputs.assign(carrier=carriers), target)
    rare, scarce, unseen, known = (
        answers(pipeline, inputs.assign(carrier=name)) for name in ("rare", "scarce", "unseen", "sea")
    )

    np.testing.assert_array_equal(rare, scarce)
    if family == "logistic":
        np.testing.assert_array_equal(rare, unseen)
    assert not np.array_equal(rare, known)


@pytest.mark.parametrize("family", LEARNING)
def test_missing_category_is_told_from_the_rest(family, inputs):
    is_missing = inputs["size"].isna().to_numpy()

    pipeline = unfitted(family).fit(inputs, is_missing)

    assert answers(pipeline, inputs[is_missing]).min() > 0.5 > answers(pipeline, inputs[~is_missing]).max()


def test_prior_answers_the_share_of_positives_for_every_row(inputs, target):
    pipeline = unfitted("prior").fit(inputs, target)

    np.testing.assert_allclose(answers(pipeline, inputs), target.mean(), rtol=1e-12)


def test_missing_numbers_are_the_median_of_the_rows_fitted_on(inputs, target):
    fit = inputs.head(300)
    pipeline = unfitted("gradient_boosting").fit(fit, target[:300])
    medians = inputs.assign(**{name: fit[name].median() for name in NUMERIC})

    np.testing.assert_array_equal(answers(pipeline, missing(inputs, *NUMERIC)), answers(pipeline, medians))


@pytest.mark.parametrize(("categorical", "numeric"), [(CATEGORICAL, []), ([], NUMERIC)])
@pytest.mark.parametrize("family", CHOSEN)
def test_table_of_one_kind_of_column_is_fitted(family, categorical, numeric, inputs, target):
    of_one_kind = features.Inputs(categorical=categorical, numeric=numeric)
    pipeline = families.build(family, {}, task="binary", inputs=of_one_kind, features=FEATURES, seed=7)

    answers(pipeline.fit(inputs[categorical + numeric], target), inputs[categorical + numeric])


@pytest.mark.parametrize("family", CHOSEN)
def test_same_seed_fits_the_same_model(family, inputs, target):
    sampled = {"max_features": 0.5} if family == "gradient_boosting" else {}

    first, second = (answers(unfitted(family, **sampled).fit(inputs, target), inputs) for _ in range(2))

    np.testing.assert_array_equal(first, second)


def test_parameters_reach_the_estimator():
    logistic, trees = unfitted("logistic", C=0.25)["estimator"], unfitted("gradient_boosting", max_iter=11)["estimator"]

    assert isinstance(logistic, LogisticRegression)
    assert logistic.C == 0.25
    assert isinstance(trees, HistGradientBoostingClassifier)
    assert (trees.max_iter, trees.random_state) == (11, 7)


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
def test_every_family_has_a_simpler_one_to_beat_down_to_the_prior(task):
    ladder = ["gradient_boosting"]
    while ladder[-1] in families.BASELINE[task]:
        ladder.append(families.BASELINE[task][ladder[-1]])

    assert ladder == ["gradient_boosting", "linear" if task == "regression" else "logistic", "prior"]
    assert set(ladder[:-1]) == set(FAMILIES[task])


@pytest.mark.parametrize("family", CHOSEN)
def test_unknown_parameter_is_one_block_with_the_known_ones(family):
    with pytest.raises(ConfigError) as caught:
        families.build(family, {"leaves": 3}, task="binary", inputs=NUMBERS, features=FEATURES, seed=7)

    error = caught.value
    assert (error.code, error.exit_code) == ("CFG010", 2)
    assert error.what == f"family '{family}' has no parameter 'leaves'"
    assert {"logistic": " C, ", "gradient_boosting": "max_leaf_nodes", "prior": "strategy"}[family] in error.next_step


@pytest.mark.parametrize(
    ("family", "chosen", "says"),
    [
        ("logistic", {"C": -1.0}, "'C' parameter of LogisticRegression must be a float"),
        ("logistic", {"C": "much"}, "Got 'much'"),
        ("gradient_boosting", {"max_iter": 2.5}, "'max_iter'"),
    ],
)
def test_value_that_the_estimator_does_not_take_is_one_block(family, chosen, says):
    with pytest.raises(ConfigError) as caught:
        families.build(family, chosen, task="binary", inputs=NUMBERS, features=FEATURES, seed=7)

    assert (caught.value.code, caught.value.where) == ("CFG010", f"family '{family}'")
    assert says in caught.value.what


@pytest.mark.parametrize(
    ("family", "task"), [("linear", "binary"), ("linear", "multiclass"), ("logistic", "regression")]
)
def test_family_of_another_task_is_one_block(family, task):
    with pytest.raises(ConfigError) as caught:
        families.build(family, {}, task=task, inputs=NUMBERS, features=FEATURES, seed=7)

    assert (caught.value.code, caught.value.exit_code) == ("CFG010", 2)
    assert caught.value.what == f"family '{family}' does not learn a {task} target"


def of_numbers(family, **chosen):
    return families.build(family, chosen, task="regression", inputs=INPUTS, features=FEATURES, seed=7)


@pytest.mark.parametrize("family", ["prior", "linear", "gradient_boosting"])
def test_numbers_are_predicted_from_any_row_and_the_prior_says_the_mean(family, inputs):
    truth = inputs["copy"].to_numpy() * 3 + 5
    pipeline = of_numbers(family).fit(inputs, truth)

    for rows in (inputs, missing(inputs), inputs.assign(carrier="zeppelin", weight=1e300)):
        assert np.isfinite(pipeline.predict(rows)).all()
    fitted = pipeline.predict(inputs)
    if family == "prior":
        np.testing.assert_allclose(fitted, truth.mean())
    else:
        assert np.corrcoef(fitted, truth)[0, 1] > 0.99


def test_parameters_reach_the_regressors():
    linear, trees = (
        of_numbers("linear", alpha=0.5)["estimator"],
        of_numbers("gradient_boosting", max_iter=3)["estimator"],
    )

    assert isinstance(linear, Ridge)
    assert linear.alpha == 0.5
    assert isinstance(trees, HistGradientBoostingRegressor)
    assert (trees.max_iter, trees.random_state) == (3, 7)
