"""The families: whatever a row holds is answered, and encoders learn from the rows they are fitted on and no others."""

import numpy as np
import pandas as pd
import pytest
import released
import tables
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.linear_model import LogisticRegression, Ridge

from evergreen.base.errors import ConfigError
from evergreen.config.objectives import FAMILIES
from evergreen.learning import features
from evergreen.learning.tuning import families

CHOSEN = {
    "prior": {},
    "logistic": {"C": 0.5},
    "random_forest": {"n_estimators": 10},
    "gradient_boosting": {"max_iter": 10, "min_samples_leaf": 10},
    "lightgbm": {"n_estimators": 10, "min_child_samples": 10},
    "xgboost": {"n_estimators": 10},
}
INPUTS = features.inputs(released.CONTRACT, released.FEATURES)
CATEGORICAL, NUMERIC = list(INPUTS.categorical), list(INPUTS.numeric)
NUMBERS = features.Inputs(categorical=(), numeric=INPUTS.numeric)
FEATURES = released.FEATURES
LEARNING = tuple(name for name in CHOSEN if name != "prior")
BOOSTING = ("gradient_boosting", "lightgbm", "xgboost")
TREES = ("random_forest", *BOOSTING)


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


@pytest.mark.parametrize("family", LEARNING)
def test_missing_numbers_are_the_median_of_the_rows_fitted_on(family, inputs, target):
    fit = inputs.head(300)
    pipeline = unfitted(family).fit(fit, target[:300])
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
    linear = "linear" if task == "regression" else "logistic"

    assert {family: families.simpler(family, task) for family in FAMILIES[task]} == {
        **dict.fromkeys(TREES, linear),
        linear: "prior",
    }
    assert families.simpler("evergreen.own.flights.Trees", task) == linear
    assert families.BASELINE[task].keys() == set(FAMILIES[task])


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
def test_families_are_found_with_their_tasks_and_rounds(task):
    found = {name: families.find(name) for name in FAMILIES[task]}

    assert all(task in family.tasks for family in found.values())
    assert {name: family.rounds for name, family in found.items() if family.rounds} == {
        "gradient_boosting": "max_iter",
        "lightgbm": "n_estimators",
        "xgboost": "n_estimators",
    }
    assert families.find("prior").tasks == ("binary", "multiclass", "regression")


def test_family_that_nobody_knows_is_one_block():
    with pytest.raises(ConfigError, match="no such family: 'forest'") as caught:
        families.find("forest")

    assert (caught.value.code, caught.value.exit_code) == ("CFG010", 2)


@pytest.mark.parametrize("family", CHOSEN)
def test_unknown_parameter_is_one_block_with_the_known_ones(family):
    with pytest.raises(ConfigError) as caught:
        families.check(family, {"leaves": 3}, "binary")

    error = caught.value
    assert (error.code, error.exit_code) == ("CFG010", 2)
    assert error.what == f"family '{family}' has no parameter 'leaves'"
    known = {"logistic": " C, ", "gradient_boosting": "max_leaf_nodes", "prior": "strategy", "lightgbm": "num_leaves"}
    assert known.get(family, "n_estimators") in error.next_step


@pytest.mark.parametrize(
    ("family", "chosen", "says"),
    [
        ("logistic", {"C": -1.0}, "'C' parameter of LogisticRegression must be a float"),
        ("logistic", {"C": "much"}, "Got 'much'"),
        ("gradient_boosting", {"max_iter": 2.5}, "'max_iter'"),
        ("random_forest", {"max_features": 0.0}, "'max_features'"),
        ("lightgbm", {"num_leaves": 1}, "Check failed: (num_leaves) > (1)"),
        ("lightgbm", {"learning_rate": 0.0}, "(learning_rate) > (0.0)"),
        ("lightgbm", {"subsample": 1.5}, "(bagging_fraction) <= (1.0)"),
        ("lightgbm", {"n_estimators": 0}, "n_estimators must be at least 1, got 0"),
        ("lightgbm", {"num_leaves": "many"}, 'of type int, got "many"'),
        ("xgboost", {"max_depth": -1}, "max_depth should be greater equal to 0"),
        ("xgboost", {"colsample_bytree": 2.0}, "exceed bound [0,1]"),
        ("xgboost", {"max_depth": 2.5}, "expect int but value='2.5'"),
        ("xgboost", {"n_estimators": -2}, "n_estimators must be at least 1, got -2"),
        ("xgboost", {"class_weight": "much"}, "'class_weight'"),
    ],
)
def test_value_that_the_estimator_does_not_take_is_one_block(family, chosen, says):
    with pytest.raises(ConfigError) as caught:
        families.check(family, chosen, "binary")

    assert (caught.value.code, caught.value.where) == ("CFG010", f"family '{family}'")
    assert says in caught.value.what


@pytest.mark.parametrize(
    ("family", "task"), [("linear", "binary"), ("linear", "multiclass"), ("logistic", "regression")]
)
def test_family_of_another_task_is_one_block(family, task):
    with pytest.raises(ConfigError) as caught:
        families.check(family, {}, task)

    assert (caught.value.code, caught.value.exit_code) == ("CFG010", 2)
    assert caught.value.what == f"family '{family}' does not learn a {task} target"


def of_numbers(family, **chosen):
    return families.build(family, chosen, task="regression", inputs=INPUTS, features=FEATURES, seed=7)


@pytest.mark.parametrize("family", ["prior", "linear", *TREES])
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


# -- the three tasks, threads, weights ------------------------------------------------------------------------------


@pytest.mark.parametrize("family", LEARNING)
def test_classes_of_any_name_keep_their_order_and_their_probabilities(family):
    contract, rows = tables.contract_of("multiclass"), tables.table("multiclass")
    inputs, target = features.inputs(contract, tables.FEATURES), features.fit_target(rows, contract)
    pipeline = families.build(
        family, CHOSEN[family], task="multiclass", inputs=inputs, features=tables.FEATURES, seed=7
    )

    assert families.fit(pipeline, rows[inputs.names], target) is None

    assert list(pipeline.classes_) == ["setosa", "versicolor", "virginica"]
    probabilities = pipeline.predict_proba(rows[inputs.names])
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-5)
    assert (pipeline.classes_[probabilities.argmax(axis=1)] == target).mean() > 0.95
    assert (pipeline.predict(rows[inputs.names]) == pipeline.classes_[probabilities.argmax(axis=1)]).all()


@pytest.mark.parametrize("family", LEARNING)
def test_balanced_weights_raise_the_rare_class_in_every_family(family, inputs):
    is_rare = np.random.default_rng(3).random(len(inputs)) < 0.1

    plain, balanced = (
        answers(unfitted(family, class_weight=weight).fit(inputs, is_rare), inputs).mean()
        for weight in (None, "balanced")
    )

    assert abs(plain - 0.1) < 0.05
    assert balanced > 1.5 * plain


def test_weights_of_xgboost_are_those_of_scikit_learn(inputs, target):
    weighted = unfitted("xgboost", class_weight={False: 1.0, True: 3.0}).fit(inputs, target)
    by_hand = unfitted("xgboost").fit(inputs, target, estimator__sample_weight=np.where(target, 3.0, 1.0))

    np.testing.assert_array_equal(answers(weighted, inputs), answers(by_hand, inputs))


@pytest.mark.parametrize("chosen", [{}, {"learning_rate": 0.2}], ids=["defaults", "chosen"])
@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
@pytest.mark.parametrize("family", BOOSTING)
def test_shrinkage_learns_the_same_in_more_and_smaller_steps(family, task, chosen):
    contract, rows = tables.contract_of(task), tables.table(task)
    inputs, target = features.inputs(contract, tables.FEATURES), features.fit_target(rows, contract)
    rounds = families.find(family).rounds
    made = {"task": task, "inputs": inputs, "features": tables.FEATURES, "seed": 7}

    plain, shrunk = (families.build(family, {rounds: 10, **chosen}, **made, shrinkage=by) for by in (1, 3))

    before, after = plain["estimator"].get_params(), shrunk["estimator"].get_params()
    changed = {name for name in before if after[name] != before[name] and before[name] == before[name]}
    assert changed == {rounds, "learning_rate"}
    assert after[rounds] == 30
    assert after["learning_rate"] == pytest.approx(before["learning_rate"] / 3)
    for pipeline in (plain, shrunk):
        families.fit(pipeline, rows[inputs.names], target)
    said = [each.predict(rows) if task == "regression" else each.predict_proba(rows) for each in (plain, shrunk)]
    assert np.corrcoef(*map(np.ravel, said))[0, 1] > 0.95
    assert not np.array_equal(*said)


@pytest.mark.parametrize("family", ["prior", "logistic", "random_forest"])
def test_shrinkage_leaves_what_does_not_boost_alone(family):
    made = {"task": "binary", "inputs": INPUTS, "features": FEATURES, "seed": 7}

    plain, shrunk = (families.build(family, CHOSEN[family], **made, shrinkage=by)["estimator"] for by in (1, 3))

    assert shrunk.get_params() == plain.get_params()


# -- early stopping -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
@pytest.mark.parametrize("family", BOOSTING)
def test_stopping_early_keeps_the_rounds_that_a_fit_without_validation_rows_repeats(family, task):
    contract, rows = tables.contract_of(task), tables.table(task)
    inputs, target = features.inputs(contract, tables.FEATURES), features.fit_target(rows, contract)
    order = np.random.default_rng(7).permutation(len(rows))
    x, y = rows[inputs.names].iloc[order], target[order]
    half = len(rows) // 2
    rounds = families.find(family).rounds
    made = {"task": task, "inputs": inputs, "features": tables.FEATURES, "seed": 7}
    stopped = families.build(family, {rounds: 200, "learning_rate": 0.3}, **made)

    kept = families.fit(stopped, x[:half], y[:half], validation=(x[half:], y[half:]), patience=5)

    assert 1 <= kept < 200
    again = families.build(family, {rounds: kept, "learning_rate": 0.3}, **made)
    assert families.fit(again, x[:half], y[:half]) is None
    said = [each.predict(x) if task == "regression" else each.predict_proba(x) for each in (stopped, again)]
    np.testing.assert_array_equal(*said)


@pytest.mark.parametrize("family", BOOSTING)
def test_class_that_only_the_validation_rows_have_does_not_stop_the_fit(family, inputs):
    classes = np.array(["a", "b", "c"])[np.arange(len(inputs)) % 3]
    known = classes != "c"
    pipeline = families.build(family, {}, task="multiclass", inputs=INPUTS, features=FEATURES, seed=7)

    kept = families.fit(pipeline, inputs[known], classes[known], validation=(inputs, classes), patience=2)

    assert kept is not None
    assert list(pipeline.classes_) == ["a", "b"]


@pytest.mark.parametrize("family", ["prior", "logistic", "random_forest"])
def test_family_without_rounds_is_fitted_on_all_it_is_given(family, inputs, target):
    pipeline = unfitted(family)

    assert families.fit(pipeline, inputs, target, validation=(inputs, target), patience=2) is None

    np.testing.assert_array_equal(answers(pipeline, inputs), answers(unfitted(family).fit(inputs, target), inputs))


# -- estimators of one's own ----------------------------------------------------------------------------------------


def own(path, task="binary", **chosen):
    return families.build(path, chosen, task=task, inputs=INPUTS, features=FEATURES, seed=7)


def test_estimator_by_its_dotted_path_is_seeded_and_fitted(inputs, target):
    path = "sklearn.ensemble.ExtraTreesClassifier"
    pipeline = own(path, n_estimators=5)

    assert families.find(path).tasks == ("binary", "multiclass")
    assert (pipeline["estimator"].random_state, pipeline["estimator"].n_jobs) == (7, 1)
    assert families.fit(pipeline, inputs, target, validation=(inputs, target), patience=2) is None
    answers(pipeline, missing(inputs))


def test_boosting_estimator_by_its_dotted_path_stops_early(inputs, target):
    path = "lightgbm.LGBMClassifier"

    kept = families.fit(own(path), inputs[:400], target[:400], validation=(inputs[400:], target[400:]), patience=3)

    assert families.find(path).rounds == "n_estimators"
    assert 1 <= kept < 100


@pytest.mark.parametrize(
    ("path", "code", "says"),
    [
        ("sklearn.ensemble.ExtraTreesRegressor", "CFG010", "does not learn a binary target"),
        ("sklearn.preprocessing.StandardScaler", "CFG010", "does not learn a binary target"),
        ("sklearn.ensemble.VotingClassifier", "CFG010", "cannot be made without arguments"),
        ("collections.Counter", "CFG010", "is no scikit-learn estimator"),
        ("evergreen.own.nothing.Trees", "CFG037", "cannot import 'evergreen.own.nothing'"),
        ("sklearn.ensemble.Forest", "CFG037", "has no 'Forest'"),
    ],
)
def test_class_that_is_no_estimator_of_the_task_is_one_block(path, code, says):
    with pytest.raises(ConfigError) as caught:
        families.check(path, {}, "binary")

    assert (caught.value.code, caught.value.exit_code) == (code, 2)
    assert says in caught.value.what


def test_parameter_that_an_own_estimator_does_not_know_is_refused():
    with pytest.raises(ConfigError, match="has no parameter 'leaves'"):
        families.check("sklearn.ensemble.ExtraTreesClassifier", {"leaves": 3}, "binary")
