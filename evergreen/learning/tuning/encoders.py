"""The columns step of every pipeline: categories, text and numbers become what an estimator takes, fitted with it."""

from collections.abc import Sequence
from typing import Any, Literal, Self

import numpy as np
import pandas as pd
import scipy.sparse as sp
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.compose import ColumnTransformer
from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction import FeatureHasher
from sklearn.feature_extraction.text import HashingVectorizer, TfidfVectorizer
from sklearn.impute import SimpleImputer
from sklearn.model_selection import KFold, StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    OneHotEncoder,
    OrdinalEncoder,
    QuantileTransformer,
    RobustScaler,
    StandardScaler,
    TargetEncoder,
)

from evergreen.config.contract.columns import Task
from evergreen.config.params.features import FeatureParams, NumericParams
from evergreen.learning.features import Inputs

Array = np.ndarray[Any, Any]
LARGEST = 1e30  # some trees count in 32 bits, which end at 3e38, and sum up a column
HASH_BUCKETS = 64
HASHED_WORDS = 4096
MOST_WORDS = 10_000
INNER_FOLDS = 5
QUANTILES = 100


def columns(
    inputs: Inputs,
    features: FeatureParams,
    *,
    task: Task,
    seed: int,
    categories: Literal["onehot", "ordinal"],
    scaled: bool,
) -> ColumnTransformer:
    """Return the unfitted transformer of the input columns; it answers any row, and never with a missing value.

    Categories that are missing, unseen, or rarer than `features.rare_category` rows share one code each. Missing
    numbers are imputed from the rows it is fitted on, or with 0 where none of these has one.

    Parameters
    ----------
    categories : how the family takes them, where `features.encode` does not say otherwise.
    scaled : whether the family wants columns of one scale. Trees do not, and converted to ONNX they would split
        elsewhere.
    """
    chosen = {name: features.encode.get(name, categories) for name in inputs.categorical}
    steps: list[tuple[str, Any, Any]] = []
    for encoding in ("onehot", "ordinal", "target", "hash"):
        if names := [name for name, wanted in chosen.items() if wanted == encoding]:
            encoder = _encoder(encoding, features.rare_category, task=task, seed=seed)
            if scaled and encoding in ("ordinal", "target"):
                encoder = make_pipeline(encoder, StandardScaler())
            steps.append((encoding, encoder, names))
    if inputs.numeric:
        steps.append(("numeric", _numbers(features.numeric, seed, scaled=scaled), list(inputs.numeric)))
    for number, name in enumerate(inputs.text):  # whose name may hold what scikit-learn gives a meaning, as `__`
        words: Any = Words(features.text.vectorizer, features.text.components, seed)
        steps.append((f"text_{number}", make_pipeline(words, StandardScaler()) if scaled else words, name))
    return ColumnTransformer(steps, sparse_threshold=0.3 if scaled else 0)


def bounded(values: Any) -> Array:
    """Return numbers as float64, those beyond LARGEST, infinite ones too, as LARGEST."""
    return np.clip(np.asarray(values, dtype=np.float64), -LARGEST, LARGEST)


def _encoder(encoding: str, rare_category: int, *, task: Task, seed: int) -> Any:
    if encoding == "onehot":
        return OneHotEncoder(handle_unknown="infrequent_if_exist", min_frequency=rare_category)
    if encoding == "ordinal":
        # Codes, not the estimator's native categories: those convert to ONNX silently wrong.
        return OrdinalEncoder(
            handle_unknown="use_encoded_value",
            unknown_value=-1,
            encoded_missing_value=-2,
            min_frequency=rare_category,
            dtype=np.float64,
        )
    if encoding == "hash":
        return HashedCategories()
    splitter = KFold if task == "regression" else StratifiedKFold
    kinds = {"binary": "binary", "multiclass": "multiclass", "regression": "continuous"}
    return TargetEncoder(target_type=kinds[task], cv=splitter(INNER_FOLDS, shuffle=True, random_state=seed))


def _numbers(params: NumericParams, seed: int, *, scaled: bool) -> Any:
    imputer = SimpleImputer(
        strategy="constant" if params.impute == "zero" else params.impute,
        fill_value=0.0 if params.impute == "zero" else None,
        add_indicator=params.missing_indicators,
        keep_empty_features=True,
    )
    steps: list[Any] = [FunctionTransformer(bounded, feature_names_out="one-to-one"), imputer]
    if scaled and params.scale == "standard":
        steps.append(StandardScaler())
    elif scaled and params.scale == "robust":
        steps.append(RobustScaler())
    elif scaled:
        steps.append(QuantileTransformer(n_quantiles=QUANTILES, output_distribution="normal", random_state=seed))
    return make_pipeline(*steps)


class HashedCategories(TransformerMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """Each category in one of `buckets` by its hash: nothing is learned, so no category is unseen.

    A missing value has a bucket too.
    """

    def __init__(self, buckets: int = HASH_BUCKETS) -> None:
        self.buckets = buckets

    def fit(self, X: pd.DataFrame, y: Any = None) -> Self:  # noqa: N803, ARG002  scikit-learn's names
        self.feature_names_in_ = np.array(X.columns, dtype=object)
        return self

    def transform(self, X: pd.DataFrame) -> Any:  # noqa: N803  a sparse matrix
        hasher = FeatureHasher(self.buckets, input_type="string", alternate_sign=False)
        blocks = []
        for name in X.columns:
            codes, known = pd.factorize(X[name], use_na_sentinel=False)
            hashed = hasher.transform([[f"{name}" if pd.isna(value) else f"{name}={value}"] for value in known])
            blocks.append(hashed[codes])
        return sp.hstack(blocks, format="csr")

    def get_feature_names_out(self, input_features: Any = None) -> Array:  # noqa: ARG002
        names = [f"{name}_{bucket}" for name in self.feature_names_in_ for bucket in range(self.buckets)]
        return np.array(names, dtype=object)


class Words(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """One text column as at most `components` numbers: weighted or hashed words, reduced by truncated SVD.

    A missing text has no words. Texts of no more different words than `components` are not reduced; texts without
    any word make one column, of 0.
    """

    def __init__(self, vectorizer: str = "tfidf", components: int = 20, random_state: int | None = None) -> None:
        self.vectorizer = vectorizer
        self.components = components
        self.random_state = random_state

    def fit(self, X: pd.Series, y: Any = None) -> Self:  # noqa: N803, ARG002
        self.fit_transform(X)
        return self

    def fit_transform(self, X: pd.Series, y: Any = None) -> Array:  # noqa: N803, ARG002
        self.name_ = str(X.name)
        self.vectorizer_: Any = None
        self.reducer_: Any = None
        texts = _texts(X)
        if self.vectorizer == "hashing":
            self.vectorizer_ = HashingVectorizer(n_features=HASHED_WORDS)
        else:
            self.vectorizer_ = TfidfVectorizer(max_features=MOST_WORDS)
            if not any(map(self.vectorizer_.build_analyzer(), texts)):
                self.vectorizer_ = None
                self.width_ = 1
                return np.zeros((len(texts), 1))
        counted = self.vectorizer_.fit_transform(texts)
        if self.vectorizer == "tfidf":
            self.vectorizer_.vocabulary_ = {word: int(at) for word, at in self.vectorizer_.vocabulary_.items()}
        if counted.shape[1] > self.components:
            self.reducer_ = TruncatedSVD(self.components, random_state=self.random_state)
            with np.errstate(invalid="ignore"):  # of the share of a variance of 0, which nothing reads
                reduced: Array = self.reducer_.fit_transform(counted)
        else:
            reduced = counted.toarray()
        self.width_ = reduced.shape[1]
        return reduced

    def transform(self, X: pd.Series) -> Array:  # noqa: N803
        if self.vectorizer_ is None:
            return np.zeros((len(X), 1))
        counted = self.vectorizer_.transform(_texts(X))
        transformed: Array = counted.toarray() if self.reducer_ is None else self.reducer_.transform(counted)
        return transformed

    def get_feature_names_out(self, input_features: Any = None) -> Array:  # noqa: ARG002
        return np.array([f"{self.name_}_{number}" for number in range(self.width_)], dtype=object)


def _texts(values: pd.Series) -> Sequence[str]:
    return ["" if pd.isna(value) else str(value) for value in values]
