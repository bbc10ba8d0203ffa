"""The section `features`."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from evergreen.config.section import Section

CalendarPart = Literal["hour", "weekday", "month", "day_of_year"]
DerivedName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
DottedPath = Annotated[str, Field(pattern=r"^[A-Za-z_]\w*(\.[A-Za-z_]\w*)+$")]


class Buckets(Section):
    """The number of the interval that a numeric column's value lies in: 0 below the first edge, and so on."""

    of: str
    """a feature that is a number"""
    edges: Annotated[tuple[float, ...], Field(min_length=1)]
    """ascending; a value on an edge lies above it, and below the first edge the number is 0"""

    @model_validator(mode="after")
    def _ascending(self) -> Self:
        if list(self.edges) != sorted(set(self.edges)):
            raise ValueError("edges must ascend, each once")
        return self


class Lookup(Section):
    """Columns of a small table that does not change, by one column of ours. It ships inside the model."""

    file: str
    """CSV or Parquet below the project"""
    by: str
    """a feature, category or integer, and the column of the same name in the file, where each value stands once"""
    numeric: tuple[str, ...] = ()
    """columns of numbers that are taken, named `<name>_<column>`; default none"""
    categorical: tuple[str, ...] = ()
    """columns of categories that are taken; default none. One of the two lists names something"""

    @model_validator(mode="after")
    def _some_column(self) -> Self:
        if not (self.numeric or self.categorical):
            raise ValueError("name at least one column in numeric or categorical")
        return self

    @property
    def columns(self) -> tuple[str, ...]:
        """What is taken from the table."""
        return (*self.numeric, *self.categorical)


class History(Section):
    """What a row's group did before: computed as of the row's time, from rows strictly before it.

    Either `lag` or `aggregate` over `window_days`.
    """

    of: str | None = None
    """a number, an integer or a truth value. The target, and what has the role `leakage` or `ignore`, counts once
    `label_delay_days` have passed. Only a count needs none"""
    by: tuple[str, ...] = ()
    """the columns that make the row's group, known at its time; default: all rows are one"""
    lag: Annotated[int, Field(ge=1, le=10_000)] | None = None
    """the value of so many rows before, 1 (the last one) to 10,000; or `aggregate`"""
    aggregate: Literal["count", "mean", "sum", "min", "max", "std"] | None = None
    """`count`, `mean`, `sum`, `min`, `max` or `std` over the window; or `lag`"""
    window_days: Annotated[int, Field(ge=1, le=36_500)] | None = None
    """of an aggregate: so many times 24 hours before the row, 1 to 36,500"""

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        if (self.lag is None) == (self.aggregate is None):
            raise ValueError("give exactly one of lag and aggregate")
        if (self.aggregate is None) != (self.window_days is None):
            raise ValueError("window_days goes with aggregate")
        if self.of is None and self.aggregate != "count":
            raise ValueError("name the column in `of`; only a count needs none")
        return self


class TextParams(Section):
    """How text columns become numbers: weighted words, or hashed ones, reduced to `components` by truncated SVD."""

    vectorizer: Literal["tfidf", "hashing"] = "tfidf"
    """how words are counted: `tfidf` weighs the 10,000 commonest, `hashing` keeps none; default `tfidf`"""
    components: Annotated[int, Field(ge=1)] = 20
    """numbers that a text column becomes at most, by truncated SVD; default 20"""


class NumericParams(Section):
    """What is fitted to numbers before the estimator. Families of trees take no scaling."""

    impute: Literal["median", "mean", "zero"] = "median"
    """what stands for a missing number: the `median` or `mean` of the training rows, or `zero`; default `median`"""
    missing_indicators: bool = False
    """a further column for each number that was missing in a training row; default `false`"""
    scale: Literal["standard", "robust", "quantile"] = "standard"
    """`standard`, `robust` (median and quartiles) or `quantile` (to a normal distribution), for families that want one
    scale; default `standard`"""


class FeatureParams(Section):
    """What is derived from each row, how it is encoded, and the split that follows.

    Derived row by row in the features step, and by the service: `calendar` to `functions`, `history` aside, which is
    given with the row. Fitted with the model, in every fold anew: `encode`, `text` and `numeric`.
    """

    calendar: tuple[CalendarPart, ...] = ()
    """parts of the time column that become features: `hour`, `weekday`, `month`, `day_of_year`; default none"""
    cyclic: tuple[CalendarPart, ...] = ()
    """the same parts as a sine and a cosine each, named `<time>_<part>_sin` and `_cos`, so that 23:59 lies beside 0:00;
    default none"""
    ratios: dict[DerivedName, tuple[str, str]] = {}
    """by name, two numbers: the first divided by the second, missing where that is no number; default none"""
    differences: dict[DerivedName, tuple[str, str]] = {}
    """by name, two numbers or two times: the first minus the second, in seconds for times; default none"""
    buckets: dict[DerivedName, Buckets] = {}
    """by name, the number of the interval that a number lies in; default none"""
    lookups: dict[DerivedName, Lookup] = {}
    """by name, columns of a small table that ships inside the model; default none"""
    history: dict[DerivedName, History] = {}
    """by name, what came before a row; [given with the row](../how-to/features.md#what-came-before) when it is served;
    default none"""
    functions: tuple[DottedPath, ...] = ()
    """dotted paths of [feature functions](../how-to/features.md#functions-of-your-own) of your own; default none"""
    encode: dict[str, Literal["onehot", "ordinal", "target", "hash"]] = {}
    """by categorical column, `onehot`, `ordinal`, `target` or `hash`; default: [the family's own
    way](../how-to/models.md#categories)"""
    text: TextParams = TextParams()
    numeric: NumericParams = NumericParams()
    rare_category: Annotated[int, Field(ge=1)]
    """categories in fewer train rows than this share one code"""
    test_days: Annotated[int, Field(ge=1)] | None = None
    """of a table with time: the last days, which only the gate reads"""
    embargo_days: Annotated[int, Field(ge=0)] = 0
    """days before them that nobody reads, because their labels arrive late; also between tuning folds; default 0"""
    test_share: Annotated[float, Field(gt=0, lt=1)] | None = None
    """of a table without time, instead of `test_days`: about this share of the rows, which only the gate reads. A row's
    side follows from its key, or from its features, and the seed"""

    @model_validator(mode="after")
    def _one_split(self) -> Self:
        if (self.test_days is None) == (self.test_share is None):
            raise ValueError("give exactly one of test_days (a table with time) and test_share (one without)")
        if self.embargo_days and self.test_days is None:
            raise ValueError("embargo_days needs test_days")
        return self

    @model_validator(mode="after")
    def _each_once(self) -> Self:
        for name in ("calendar", "cyclic", "functions"):
            parts: tuple[str, ...] = getattr(self, name)
            repeated = sorted({part for part in parts if parts.count(part) > 1})
            if repeated:
                raise ValueError(f"{name} names one twice: {', '.join(repeated)}")
        return self
