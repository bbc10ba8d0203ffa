"""The section `features`."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from evergreen.config.section import Section

CalendarPart = Literal["hour", "weekday", "month", "day_of_year"]
DerivedName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
DottedPath = Annotated[str, Field(pattern=r"^[A-Za-z_]\w*(\.[A-Za-z_]\w*)+$")]


class Buckets(Section):
    """The number of the interval that a numeric column's value lies in: 0 below the first of `edges`, and so on."""

    of: str
    edges: Annotated[tuple[float, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _ascending(self) -> Self:
        if list(self.edges) != sorted(set(self.edges)):
            raise ValueError("edges must ascend, each once")
        return self


class Lookup(Section):
    """Columns of a small table that does not change, by one column of ours. It ships inside the model.

    `file`: CSV or Parquet below the project; `by`: the same name in both tables, each value once in the file;
    `numeric` and `categorical`: what is taken from it, named ``<lookup>_<column>``.
    """

    file: str
    by: str
    numeric: tuple[str, ...] = ()
    categorical: tuple[str, ...] = ()

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

    `of`: a column; a target, or a column that is known only with it, counts once `label_delay_days` have passed.
    `by`: the columns that make the group; none is the whole table. Either `lag`, the value of the lag-th row before
    (1 is the last), or `aggregate` over the `window_days` before.
    """

    of: str | None = None
    by: tuple[str, ...] = ()
    lag: Annotated[int, Field(ge=1, le=10_000)] | None = None
    aggregate: Literal["count", "mean", "sum", "min", "max", "std"] | None = None
    window_days: Annotated[int, Field(ge=1, le=36_500)] | None = None

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
    components: Annotated[int, Field(ge=1)] = 20


class NumericParams(Section):
    """What is fitted to numbers before the estimator. Families of trees take no scaling."""

    impute: Literal["median", "mean", "zero"] = "median"
    missing_indicators: bool = False
    scale: Literal["standard", "robust", "quantile"] = "standard"


class FeatureParams(Section):
    """What is derived from each row, how it is encoded, and the split that follows.

    Derived row by row in the features step, and by the service: `calendar` parts of the time column, `cyclic` ones as
    sine and cosine, `ratios` (numerator, denominator), `differences` (minuend, subtrahend; seconds of timestamps),
    `buckets`, `lookups`, and `functions` of your own. `history` looks back, so the service is given it with the row.

    Fitted with the model, in every fold anew: `encode` by categorical column, where the family's own way (one-hot
    codes for linear models, ordinal ones for trees) is not wanted; `text`; `numeric`.

    `rare_category`: categories seen in fewer train rows share one code. A table with time is split by it: the last
    `test_days` are the gate's, and `embargo_days` before them are nobody's. A table without time gives the gate about
    `test_share` of its rows, each by its own hash.
    """

    calendar: tuple[CalendarPart, ...] = ()
    cyclic: tuple[CalendarPart, ...] = ()
    ratios: dict[DerivedName, tuple[str, str]] = {}
    differences: dict[DerivedName, tuple[str, str]] = {}
    buckets: dict[DerivedName, Buckets] = {}
    lookups: dict[DerivedName, Lookup] = {}
    history: dict[DerivedName, History] = {}
    functions: tuple[DottedPath, ...] = ()
    encode: dict[str, Literal["onehot", "ordinal", "target", "hash"]] = {}
    text: TextParams = TextParams()
    numeric: NumericParams = NumericParams()
    rare_category: Annotated[int, Field(ge=1)]
    test_days: Annotated[int, Field(ge=1)] | None = None
    embargo_days: Annotated[int, Field(ge=0)] = 0
    test_share: Annotated[float, Field(gt=0, lt=1)] | None = None

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
