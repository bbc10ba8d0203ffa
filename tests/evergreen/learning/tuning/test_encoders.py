"""The encoders: fitted with the model, never wrong-footed by a row, and no way for a target to leak."""

import functools

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score
from sklearn.preprocessing import TargetEncoder

from evergreen.config.objectives import FAMILIES
from evergreen.config.params.features import FeatureParams
from evergreen.learning.features import Inputs
from evergreen.learning.tuning import encoders, families

INPUTS = Inputs(categorical=("colour", "shop"), numeric=("price", "age"), text=("note",))
ENCODINGS = ("onehot", "ordinal", "target", "hash")
SMALL = {
    "random_forest": {"n_estimators": 5},
    "gradient_boosting": {"max_iter": 5},
    "lightgbm": {"n_estimators": 5},
    "xgboost": {"n_estimators": 5},
}
CASES = [(task, family) for task in FAMILIES for family in ("prior", *FAMILIES[task])]


@functools.cache
def table(n=400):
    rng = np.random.default_rng(5)
    notes = ["a fine day at sea", "rain and more rain", "", None, "fine rain"]
    return pd.DataFrame(
        {
            "colour": pd.Series(rng.choice(np.array(["red", "blue", None], dtype=object), n)).astype("str"),
            "shop": pd.Series(rng.integers(0, 40, n)).astype("str"),
            "price": np.where(rng.random(n) < 0.2, np.nan, rng.normal(10, 3, n)),
            "age": rng.integers(0, 90, n).astype("float64"),
            "note": pd.Series(rng.choice(np.array(notes, dtype=object), n)).astype("str"),
        }
    )


@functools.cache
def target(task):
    rng = np.random.default_rng(6)
    noisy = table()["age"].to_numpy() + rng.normal(0, 20, len(table()))
    if task == "regression":
        return noisy.round()  # whole numbers are no classes
    return noisy > 45 if task == "binary" else np.array(["old", "young", "middle"])[np.digitize(noisy, [30, 60])]


def params(**chosen):
    return FeatureParams(rare_category=5, test_share=0.3, **chosen)


def transformer(categories="ordinal", scaled=False, task="binary", inputs=INPUTS, **chosen):
    return encoders.columns(inputs, params(**chosen), task=task, seed=7, categories=categories, scaled=scaled)


def dense(encoded):
    return encoded.toarray() if hasattr(encoded, "toarray") else encoded


@functools.cache
def fitted(task, family, encoding):
    features = params(
        encode=dict.fromkeys(INPUTS.categorical, encoding),
        text={"vectorizer": "tfidf" if encoding != "hash" else "hashing", "components": 3},
        numeric={"missing_indicators": True, "scale": "quantile" if encoding == "hash" else "robust"},
    )
    pipeline = families.build(family, SMALL.get(family, {}), task=task, inputs=INPUTS, features=features, seed=7)
    families.fit(pipeline, table(), target(task))
    return pipeline


ANY_TEXT = st.one_of(st.none(), st.sampled_from(["red", "7", "", "nan", "fine rain"]), st.text(max_size=20))
ANY_NUMBER = st.floats(allow_nan=True, allow_infinity=True)
ANY_ROW = st.fixed_dictionaries(
    {"colour": ANY_TEXT, "shop": ANY_TEXT, "price": ANY_NUMBER, "age": ANY_NUMBER, "note": ANY_TEXT}
)


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize(("task", "family"), CASES)
@settings(max_examples=8, deadline=None)
@given(rows=st.lists(ANY_ROW, min_size=1, max_size=4))
def test_any_row_is_answered_by_every_family_with_every_encoding(task, family, encoding, rows):
    frame = pd.DataFrame(rows)
    frame = frame.astype(dict.fromkeys(("colour", "shop", "note"), "str") | {"price": "float64", "age": "float64"})
    pipeline = fitted(task, family, encoding)

    said = pipeline.predict(frame) if task == "regression" else pipeline.predict_proba(frame)

    assert len(said) == len(rows)
    assert np.isfinite(said).all()


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("scaled", [True, False])
@pytest.mark.parametrize("task", FAMILIES)
def test_every_column_has_a_name(task, scaled, encoding):
    encode = dict.fromkeys(INPUTS.categorical, encoding)
    columns = transformer(scaled=scaled, task=task, encode=encode, numeric={"missing_indicators": True})

    encoded = dense(columns.fit_transform(table(), target(task)))
    names = list(columns.get_feature_names_out())

    assert encoded.shape == (len(table()), len(names))
    assert len(set(names)) == len(names)
    assert np.isfinite(encoded).all()
    assert {"numeric__price", "numeric__missingindicator_price"} <= set(names)
    assert any(name.startswith("text_0__note_") for name in names)


# -- categories -----------------------------------------------------------------------------------------------------


def test_one_column_is_encoded_in_its_own_way_and_the_rest_in_the_familys():
    columns = transformer(encode={"shop": "target"})
    columns.fit(table(), target("binary"))

    kinds = {name: list(taken) for name, _, taken in columns.transformers_}
    assert (kinds["ordinal"], kinds["target"]) == (["colour"], ["shop"])


@pytest.mark.parametrize("task", FAMILIES)
def test_target_codes_are_scikit_learns_with_inner_folds(task):
    y = target(task)
    columns = transformer(task=task, encode={"shop": "target"}, inputs=Inputs(categorical=("shop",), numeric=()))

    encoded = columns.fit_transform(table(), y)

    kind = {"binary": "binary", "multiclass": "multiclass", "regression": "continuous"}[task]
    alone = TargetEncoder(target_type=kind, cv=columns.named_transformers_["target"].cv)
    np.testing.assert_array_equal(encoded, alone.fit_transform(table()[["shop"]], y))


def test_category_of_pure_noise_does_not_look_predictive():
    """Without inner folds each of the many categories would repeat its own rows' target."""
    rng = np.random.default_rng(11)
    rows = pd.DataFrame({"shop": pd.Series(rng.integers(0, 300, 1_000)).astype("str")})
    noise = rng.random(1_000) < 0.5
    columns = transformer(encode={"shop": "target"}, inputs=Inputs(categorical=("shop",), numeric=()))

    honest = roc_auc_score(noise, columns.fit_transform(rows, noise)[:, 0])
    leaking = roc_auc_score(noise, columns.fit(rows, noise).transform(rows)[:, 0])

    assert abs(honest - 0.5) < 0.06
    assert leaking > 0.75  # what the same codes say of the rows that they were fitted on


@pytest.mark.parametrize("family", ["logistic", "gradient_boosting"])
@pytest.mark.parametrize("stops", [True, False])
def test_fit_trains_on_the_codes_of_the_inner_folds(family, stops):
    """A fit that encoded its own rows with the finished codes would learn the noise and rank its own rows by it."""
    rng = np.random.default_rng(11)
    rows = pd.DataFrame({"shop": pd.Series(rng.integers(0, 300, 1_000)).astype("str")})
    noise = rng.random(1_000) < 0.5
    features = params(encode={"shop": "target"})
    inputs = Inputs(categorical=("shop",), numeric=())
    pipeline = families.build(family, {}, task="binary", inputs=inputs, features=features, seed=7)
    validation = (rows.iloc[800:], noise[800:]) if stops else None

    families.fit(pipeline, rows.iloc[:800], noise[:800], validation=validation, patience=5)

    finished = pipeline["columns"].transform(rows.iloc[:800])
    leaked = families.build(family, {}, task="binary", inputs=inputs, features=features, seed=7)["estimator"]
    leaked.fit(finished, noise[:800])
    own = [roc_auc_score(noise[:800], model.predict_proba(finished)[:, 1]) for model in (pipeline["estimator"], leaked)]
    spread = [model.predict_proba(finished)[:, 1].std() for model in (pipeline["estimator"], leaked)]
    assert own[1] > 0.75
    assert spread[0] < spread[1] / 2


def test_unseen_category_has_the_mean_of_the_target():
    columns = transformer(encode={"shop": "target"}, inputs=Inputs(categorical=("shop",), numeric=()))
    columns.fit(table(), target("binary"))

    unseen = columns.transform(pd.DataFrame({"shop": ["no such shop"]}))

    np.testing.assert_allclose(unseen, target("binary").mean())


def test_hashed_categories_need_no_fit_and_tell_missing_from_empty():
    rows = pd.DataFrame({"shop": ["a", "b", "a", None, ""]}).astype("str")
    hashed = encoders.HashedCategories(buckets=1024)

    encoded = hashed.fit(rows).transform(rows).toarray()

    assert (encoded.sum(axis=1) == 1).all()
    at = encoded.argmax(axis=1)
    assert at[0] == at[2]
    assert len(set(at)) == 4
    np.testing.assert_array_equal(hashed.transform(rows.iloc[[1]]).toarray()[0], encoded[1])


# -- text -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("vectorizer", ["tfidf", "hashing"])
@pytest.mark.parametrize("components", [1, 2, 3])
def test_text_becomes_at_most_so_many_components(vectorizer, components):
    words = encoders.Words(vectorizer, components, 7)

    encoded = words.fit_transform(table()["note"])

    assert encoded.shape == (len(table()), components)
    np.testing.assert_allclose(words.transform(table()["note"]), encoded, atol=1e-9)
    assert list(words.get_feature_names_out()) == [f"note_{number}" for number in range(components)]


def test_few_words_are_not_reduced():
    words = encoders.Words("tfidf", 20, 7)

    assert words.fit_transform(pd.Series(["fine rain", "fine", None], name="note")).shape == (3, 2)
    np.testing.assert_array_equal(words.transform(pd.Series(["", None, "unknown"], name="note")), np.zeros((3, 2)))


@pytest.mark.parametrize("texts", [[None, None], ["", " "], ["a", "b"]], ids=["missing", "empty", "letters"])
@pytest.mark.parametrize("vectorizer", ["tfidf", "hashing"])
@pytest.mark.parametrize("scaled", [True, False])
def test_texts_without_words_say_nothing(scaled, vectorizer, texts):
    rows = pd.DataFrame({"my__note": texts}).astype({"my__note": "str"})
    inputs = Inputs(categorical=(), numeric=(), text=("my__note",))
    columns = transformer(inputs=inputs, scaled=scaled, text={"vectorizer": vectorizer, "components": 1})

    encoded = dense(columns.fit_transform(rows))

    np.testing.assert_array_equal(encoded, np.zeros((2, 1)))
    if vectorizer == "tfidf":
        unseen = pd.DataFrame({"my__note": ["words now"]})
        np.testing.assert_array_equal(dense(columns.transform(unseen)), np.zeros((1, 1)))


# -- numbers --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("impute", "expected"), [("median", 2.0), ("mean", 7 / 3), ("zero", 0.0)])
def test_missing_numbers_are_imputed(impute, expected):
    rows = pd.DataFrame({"age": [1.0, 2.0, 4.0, np.nan]})
    columns = transformer(inputs=Inputs(categorical=(), numeric=("age",)), numeric={"impute": impute})

    assert columns.fit_transform(rows)[3, 0] == pytest.approx(expected)


def test_missing_values_have_a_column_of_their_own_where_wanted():
    rows = pd.DataFrame({"age": [1.0, np.nan, 4.0]})
    columns = transformer(inputs=Inputs(categorical=(), numeric=("age",)), numeric={"missing_indicators": True})

    np.testing.assert_array_equal(columns.fit_transform(rows)[:, 1], [0, 1, 0])


@pytest.mark.parametrize("scale", ["standard", "robust", "quantile"])
def test_only_families_that_want_it_are_scaled(scale):
    inputs = Inputs(categorical=(), numeric=("age",))
    scaled, plain = (
        transformer(inputs=inputs, scaled=wanted, numeric={"scale": scale}).fit_transform(table())[:, 0]
        for wanted in (True, False)
    )

    np.testing.assert_array_equal(plain, table()["age"])
    centre = {"standard": scaled.mean(), "robust": np.median(scaled), "quantile": np.median(scaled)}[scale]
    assert abs(centre) < 0.1
    assert np.corrcoef(scaled, plain)[0, 1] > 0.9


def test_numbers_are_kept_within_what_trees_count_in():
    bounded = encoders.bounded(pd.DataFrame({"age": [np.inf, -np.inf, 1e300, np.nan, 3.0]}))

    np.testing.assert_array_equal(bounded[:, 0], [1e30, -1e30, 1e30, np.nan, 3.0])
