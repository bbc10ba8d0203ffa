"""Which model? `params.yaml`, typed: one section per step."""

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal, Self, get_args

import yaml
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from evergreen import documents
from evergreen.errors import ConfigError

Share = Annotated[float, Field(ge=0, le=1)]
GateMetric = Literal["roc_auc", "balanced_accuracy", "r2"]
CalendarPart = Literal["hour", "weekday", "month", "day_of_year"]
GRID_POINTS = 50  # whole numbers in a range that a grid walks through
ClassName = Annotated[str, BeforeValidator(lambda name: str(name).lower() if isinstance(name, bool) else name)]
DerivedName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
DottedPath = Annotated[str, Field(pattern=r"^[A-Za-z_]\w*(\.[A-Za-z_]\w*)+$")]
FamilyName = Literal["logistic", "linear", "random_forest", "gradient_boosting", "lightgbm", "xgboost"]


def _known_family(name: str) -> str:
    if "." not in name and name not in get_args(FamilyName):
        known = ", ".join(f"'{family}'" for family in get_args(FamilyName))
        what = "no such family: name one of {expected}, or an estimator class by its dotted path"
        raise PydanticCustomError("unknown_family", what, {"expected": known})
    return name


class Section(BaseModel):
    """Base of every section: frozen; an unknown key is an error, and so is NaN, which no threshold would stop."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", validate_by_name=True, serialize_by_alias=True, allow_inf_nan=False
    )


class IngestParams(Section):
    """The period to read: rows whose time lies in [start, end), midnight in the contract's time zone.

    An end that is left out is open; a table without a time column has no period.
    """

    start: date | None = None
    end: date | None = None

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.start and self.end and self.start >= self.end:
            raise ValueError(f"start {self.start} must lie before end {self.end}")
        return self


class ValidateParams(Section):
    """`max_bad_share`: above this share of quarantined rows the run stops."""

    max_bad_share: Share


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


class Distribution(Section):
    """Where tuning looks for one hyperparameter: exactly one of `values`, `int` and `float` (inclusive bounds)."""

    values: Annotated[tuple[float | int | str | bool | None, ...], Field(min_length=1)] | None = None
    integer: tuple[int, int] | None = Field(None, alias="int")
    real: tuple[float, float] | None = Field(None, alias="float")
    log: bool = False

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        if sum(kind is not None for kind in (self.values, self.integer, self.real)) != 1:
            raise ValueError("give exactly one of values, int, float")
        bounds = self.integer or self.real
        if bounds and bounds[0] > bounds[1]:
            raise ValueError(f"low <= high must hold, but got (low={bounds[0]}, high={bounds[1]})")
        if self.log and (not bounds or bounds[0] <= 0):
            raise ValueError("log needs int or float bounds above 0")
        return self


class TuneParams(Section):
    """The search: how it draws, how it judges a trial, what it may cost, and the space of each family.

    `metric`: by which trials are judged; by default that of the task: roc_auc, log_loss or r2. `sampler`: how
    parameters are drawn. `trials` and `seconds` bound the search, whichever is reached first; trials that a killed
    search finished count. `folds`: ordered by time where the table has it, by groups or classes otherwise. `max_rows`:
    folds are cut from at most this many rows, drawn evenly; the final fit uses all. `prune`: a trial that is worse
    than the median of the others after a fold is given up. `patience`: boosting stops after this many rounds without
    gain on the validation fold. `workers`: processes that fit at a time. `warm_start`: the champion's parameters are
    tried first. `calibrate`: probabilities are calibrated where that lowers the log loss of the validation folds.
    """

    metric: str | None = None
    sampler: Literal["tpe", "random", "grid"] = "tpe"
    trials: Annotated[int, Field(ge=1)]
    seconds: Annotated[float, Field(gt=0)] | None = None
    folds: Annotated[int, Field(ge=2)]
    max_rows: Annotated[int, Field(ge=1_000)]
    prune: bool = True
    patience: Annotated[int, Field(ge=1)] | None = 30
    workers: Annotated[int, Field(ge=1)] = 1
    warm_start: bool = True
    calibrate: bool = True
    families: dict[Annotated[str, AfterValidator(_known_family)], dict[str, Distribution]]

    @model_validator(mode="after")
    def _some_family(self) -> Self:
        if not self.families:
            raise ValueError("name at least one family")
        return self

    @model_validator(mode="after")
    def _grid_has_points(self) -> Self:
        endless = [
            f"{family}.{name}"
            for family, parameters in self.families.items()
            for name, where in parameters.items()
            if where.real or (where.integer and where.integer[1] - where.integer[0] >= GRID_POINTS)
        ]
        if self.sampler == "grid" and endless:
            raise ValueError(f"sampler grid takes `values`, or `int` of at most {GRID_POINTS}: {endless[0]} has more")
        return self


class TrainParams(Section):
    """The final fit.

    `baseline`: parameters of the simpler family that the winner has to beat, where they are not the defaults.
    `shrinkage`: a family that boosts is fitted with as many times the rounds that tuning kept, each at so small a part
    of its learning rate; 1 fits it as it was tried.
    """

    shrinkage: Annotated[int, Field(ge=1, le=10)] = 2
    baseline: dict[Literal["logistic", "linear"], dict[str, float]] = {}


class EvaluateParams(Section):
    """How the gate's rows are looked at. Nothing here decides; the gate does.

    `threshold`: of a binary target, a probability at or above it is answered with true. `costs`: what an answer costs,
    by the actual class and then the answered one, in a unit of your own; classes are written as text ("true",
    "false"); what is not named costs 0. `slices`: columns whose values are looked at one by one. `min_slice_rows`:
    smaller slices are left out. `resamples`: bootstrap draws behind each interval, at `confidence`. `repeats`:
    shuffles of a column for its permutation importance, on at most `max_rows` rows. `curve_points`: sizes of the
    learning curve and ages of the staleness curve; 0 draws neither.
    """

    threshold: Share = 0.5
    costs: dict[ClassName, dict[ClassName, float]] = {}
    slices: tuple[str, ...] = ()
    min_slice_rows: Annotated[int, Field(ge=10)] = 100
    resamples: Annotated[int, Field(ge=100)] = 1_000
    confidence: Annotated[float, Field(gt=0.5, lt=1)] = 0.95
    repeats: Annotated[int, Field(ge=1)] = 3
    max_rows: Annotated[int, Field(ge=100)] = 5_000
    curve_points: Annotated[int, Field(ge=0)] = 4


class GateParams(Section):
    """What a candidate must show on rows that tuning never saw, in units of the metric, of which more is better.

    `metric`: roc_auc for a binary target, balanced_accuracy for a multiclass one, r2 for regression. `floor`: the
    least value. `baseline_gain`: more than this above the baseline. `champion_margin`: the interval of (candidate -
    champion), at `confidence`, must lie above minus this margin.
    """

    metric: GateMetric
    floor: float
    baseline_gain: float
    champion_margin: Annotated[float, Field(ge=0)]
    confidence: Annotated[float, Field(gt=0.5, lt=1)]


class DriftParams(Section):
    """When a window counts as drifted from the champion's training table.

    `alpha`: family-wise error over all columns (Holm). `min_psi`: least population stability index that matters,
    in nats. `bins`: quantile bins, cut on the reference. `min_rows`: below this the verdict is "unknown".
    `min_columns`: this many drifted columns make the table drift.
    """

    alpha: Annotated[float, Field(gt=0, lt=0.5)]
    min_psi: Annotated[float, Field(ge=0)]
    bins: Annotated[int, Field(ge=2)]
    min_rows: Annotated[int, Field(ge=1)]
    min_columns: Annotated[int, Field(ge=1)]


class RetrainParams(Section):
    """When a retraining is worth it: a matured fall of the gate's metric, table drift, or age.

    `max_drop`: tolerated fall of the metric against its value at the gate. `max_age_days`: between the end of the
    champion's data and the end of the window. `cooldown_days`: least time between two retrainings.
    """

    max_drop: Annotated[float, Field(ge=0)]
    on_drift: bool
    max_age_days: Annotated[int, Field(ge=1)]
    cooldown_days: Annotated[int, Field(ge=0)]


class Params(Section):
    """All of `params.yaml`.

    `seed` feeds NumPy, scikit-learn, Optuna and the row sampler. `dataset` names the folder under `configs/`.
    """

    seed: Annotated[int, Field(ge=0, lt=2**32)]
    dataset: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]*$")]
    ingest: IngestParams
    validate_: ValidateParams = Field(alias="validate")
    features: FeatureParams
    tune: TuneParams
    train: TrainParams
    evaluate: EvaluateParams
    gate: GateParams
    drift: DriftParams
    retrain: RetrainParams

    @classmethod
    def load(cls, path: Path, overrides: Sequence[str] = ()) -> "Params":
        """Read `path` and apply ``section.key=value`` overrides, whose values are read as YAML.

        Raises
        ------
        ConfigError with the line of a misspelt key or a bad value.
        """
        data, lines = documents.read(path)
        for override in overrides:
            at = _set(data, override)
            lines = {key: line for key, line in lines.items() if key[: len(at)] != at}
            lines |= {at[:n]: f"--set {override}" for n in range(1, len(at) + 1) if n == len(at) or at[:n] not in lines}
        return documents.check(cls, data, source=str(path), lines=lines)

    def for_period(self, start: date, end: date) -> "Params":
        """Return the same parameters for the rows of another period."""
        return self.model_copy(update={"ingest": IngestParams(start=start, end=end)})

    def section(self, step: str) -> Section:
        """Return the section of `step`."""
        found: Section = getattr(self, "validate_" if step == "validate" else step)
        return found


def _set(data: dict[str, Any], override: str) -> documents.Location:
    path, equals, text = override.partition("=")
    *parents, key = parts = path.strip().split(".")
    if not equals or not all(parts):
        raise ConfigError(
            "CFG006",
            f"expected section.key=value, got '{override}'",
            where="--set",
            next_step="For example: --set tune.trials=5",
        )
    try:
        value = documents.value(text)
    except yaml.YAMLError as error:
        raise ConfigError(
            "CFG006",
            f"'{text}' is not a YAML value: {getattr(error, 'problem', None) or error}",
            where=f"--set {path}",
            next_step="Correct the value; quote it for the shell.",
        ) from error
    at = data
    for parent in parents:
        at = at.setdefault(parent, {})
        if not isinstance(at, dict):
            raise ConfigError(
                "CFG006",
                f"'{parent}' holds a value, not a section",
                where=f"--set {path}",
                next_step=f"Set {parent} itself.",
            )
    at[key] = value
    return tuple(parts)
