"""What a model is worth beyond the gate's numbers: where it fails, how sure it is, and what would help it."""

from evergreen.base.values import Value


class ClassMetrics(Value):
    """One class against the rest on the test rows; `support` is its number of rows. None is undefined."""

    name: str
    support: int
    precision: float | None
    recall: float | None
    f1: float | None
    roc_auc: float | None


class Slice(Value):
    """The gate's metric on the test rows that share a value, or an interval of values, of a column.

    `difference`: from all test rows; `chance`: how likely a slice that is like the others looks so much worse than
    them, after all slices that were looked at (Bonferroni). None is undefined, or too few rows to say.
    """

    column: str
    value: str
    rows: int
    score: float | None
    low: float | None
    high: float | None
    difference: float | None
    chance: float | None


class Slices(Value):
    """`declared`: every value of the columns in `evaluate.slices`; `worst`: the lowest scores of the `looked_at`."""

    metric: str
    looked_at: int
    too_small: int
    worst: tuple[Slice, ...]
    declared: tuple[Slice, ...]


class Reliability(Value):
    """By bin of equal mass: the mean probability, the share that came true, and the rows.

    Binary: of true. Multiclass: of the likeliest class.
    """

    said: tuple[float, ...]
    came_true: tuple[float, ...]
    rows: tuple[int, ...]


class Confusion(Value):
    """Rows by actual class (line) and answered class (column)."""

    classes: tuple[str, ...]
    counts: tuple[tuple[int, ...], ...]


class Curve(Value):
    """Points of a curve; multiclass has one for each class against the rest."""

    name: str
    x: tuple[float, ...]
    y: tuple[float, ...]


class Residuals(Value):
    """Quantiles of (actual - predicted), by share of rows below; `by_prediction`: by tenth of the predicted values."""

    quantiles: dict[str, float]
    by_prediction: tuple[dict[str, float], ...]


class Importance(Value):
    """How far the gate's metric falls when a column is shuffled: mean and standard deviation over the repeats."""

    column: str
    mean: float
    deviation: float


class ConfidentError(Value):
    """A test row that was answered wrongly, and how surely. `row` holds its time and key."""

    row: dict[str, str]
    label: str
    answer: str
    probability: float | None


class LearningPoint(Value):
    """The gate's metric on the test rows of the winner's parameters, fitted on `rows` train rows."""

    rows: int
    score: float
    low: float | None
    high: float | None


class LearningCurve(Value):
    """`advice` reads the last step of the curve: the gain of more rows, against its interval."""

    points: tuple[LearningPoint, ...]
    gain: float | None
    low: float | None
    high: float | None
    advice: str


class StalenessPoint(Value):
    """The gate's metric of one fit on rows that begin `age_days` after the last row that it has seen."""

    age_days: float
    rows: int
    score: float | None
    low: float | None
    high: float | None


class Staleness(Value):
    """The winner's parameters, fitted once on the oldest `fitted_rows` train rows and judged on later ones."""

    fitted_rows: int
    points: tuple[StalenessPoint, ...]


class Analysis(Value):
    """Everything beyond the gate's numbers. A part that is None does not apply, and `why_not` says why, by its name.

    `metric` is the gate's. `train_gap`: train minus test of each metric. `undefined`: why metrics have no value on the
    test rows, by name. `not_measured`: the columns that `importance` leaves out, for they would take too long.
    """

    metric: str
    confidence: float
    train_gap: dict[str, float]
    undefined: dict[str, str]
    per_class: tuple[ClassMetrics, ...] | None
    slices: Slices | None
    reliability: Reliability | None
    confusion: Confusion | None
    roc: tuple[Curve, ...] | None
    precision_recall: tuple[Curve, ...] | None
    residuals: Residuals | None
    importance: tuple[Importance, ...] | None
    not_measured: tuple[str, ...] = ()
    confident_errors: tuple[ConfidentError, ...] | None
    learning: LearningCurve | None
    staleness: Staleness | None
    why_not: dict[str, str]
