"""Which figures an analysis gives, and what each shows: plain numbers, however they are drawn."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from evergreen.learning.analysis.values import Analysis

MOST_CURVES = 10  # beyond that a legend hides the curves
MOST_BARS = 20


@dataclass(frozen=True)
class Line:
    """Points in order; `low` and `high` are the ends of their intervals, or empty."""

    name: str
    x: tuple[float, ...]
    y: tuple[float, ...]
    low: tuple[float, ...] = ()
    high: tuple[float, ...] = ()


@dataclass(frozen=True)
class Lines:
    """Curves. `reference`: the two ends of a dashed line to compare with."""

    name: str
    title: str
    x: str
    y: str
    lines: tuple[Line, ...]
    reference: tuple[tuple[float, float], tuple[float, float]] | None = None
    marked: bool = False


@dataclass(frozen=True)
class Bars:
    """A value for each label, the first on top; `low` and `high` are the ends of their intervals, or empty."""

    name: str
    title: str
    x: str
    labels: tuple[str, ...]
    values: tuple[float, ...]
    low: tuple[float, ...] = ()
    high: tuple[float, ...] = ()
    reference: float | None = None


@dataclass(frozen=True)
class Grid:
    """Counts by line and column, both in the order of `classes`."""

    name: str
    title: str
    x: str
    y: str
    classes: tuple[str, ...]
    counts: tuple[tuple[int, ...], ...]

    @property
    def shares(self) -> tuple[tuple[float, ...], ...]:
        """Each count as a share of its line."""
        return tuple(tuple(count / max(sum(line), 1) for count in line) for line in self.counts)


Chart = Lines | Bars | Grid


def charts(analysis: Analysis) -> tuple[Chart, ...]:
    """Return the figures of an analysis, without those that do not apply."""
    return tuple(_charts(analysis))


def _charts(analysis: Analysis) -> Iterator[Chart]:
    metric = analysis.metric
    if analysis.roc:
        lines = tuple(Line(curve.name, curve.x, curve.y) for curve in analysis.roc[:MOST_CURVES])
        yield Lines("roc", "ROC", "false positive rate", "true positive rate", lines, ((0, 0), (1, 1)))
    if analysis.precision_recall:
        lines = tuple(Line(curve.name, curve.x, curve.y) for curve in analysis.precision_recall[:MOST_CURVES])
        yield Lines("precision_recall", "Precision and recall", "recall", "precision", lines)
    if reliability := analysis.reliability:
        line = Line("test rows", reliability.said, reliability.came_true)
        yield Lines(
            "reliability",
            "Reliability",
            "mean probability in the bin",
            "share that came true",
            (line,),
            ((0, 0), (1, 1)),
            marked=True,
        )
    if matrix := analysis.confusion:
        yield Grid("confusion_matrix", "Confusion matrix", "answered", "actual", matrix.classes, matrix.counts)
    if residuals := analysis.residuals:
        tenths = [(tenth["predicted"], tenth["0.5"], tenth["0.25"], tenth["0.75"]) for tenth in residuals.by_prediction]
        yield Lines(
            "residuals",
            "Residuals by tenth of the predicted values: median and quartiles",
            "predicted",
            "actual - predicted",
            (_with_intervals("median", tenths),),
            ((tenths[0][0], 0), (tenths[-1][0], 0)) if tenths else None,
            marked=True,
        )
        shares, values = zip(*((float(share), value) for share, value in residuals.quantiles.items()), strict=True)
        yield Lines(
            "residual_quantiles",
            "Residuals, by share of rows below",
            "share of the test rows",
            "actual - predicted",
            (Line("residual", shares, values),),
            ((0, 0), (1, 0)),
            marked=True,
        )
    if analysis.importance:
        top = sorted(analysis.importance, key=lambda column: -column.mean)[:MOST_BARS]
        unmeasured = len(analysis.not_measured)
        yield Bars(
            "importance",
            "Permutation importance" + (f"; {unmeasured:,} columns not measured" if unmeasured else ""),
            f"fall of {metric} when shuffled (± deviation)",
            tuple(column.column for column in top),
            tuple(column.mean for column in top),
            tuple(column.mean - column.deviation for column in top),
            tuple(column.mean + column.deviation for column in top),
        )
    slices = analysis.slices
    scored = (*slices.worst, *slices.declared) if slices else ()
    if slices and (shown := [(part, part.score) for part in scored if part.score is not None]):
        shown = list({(part.column, part.value): (part, score) for part, score in shown}.values())[:MOST_BARS]
        yield Bars(
            "slices",
            f"Worst and declared slices, of {slices.looked_at} looked at",
            f"{slices.metric}, with its interval",
            tuple(f"{part.column} {part.value} ({part.rows} rows)" for part, _ in shown),
            tuple(score for _, score in shown),
            tuple(score if part.low is None else part.low for part, score in shown),
            tuple(score if part.high is None else part.high for part, score in shown),
        )
    if (curve := analysis.learning) and curve.points:
        sizes = [(point, float(point.rows)) for point in curve.points]
        yield Lines(
            "learning_curve",
            "Learning curve",
            "train rows",
            f"{metric} on the test rows",
            (_with_intervals(metric, [(x, point.score, point.low, point.high) for point, x in sizes]),),
            marked=True,
        )
    if (aged := analysis.staleness) and any(point.score is not None for point in aged.points):
        ages = [(point.age_days, point.score, point.low, point.high) for point in aged.points]
        yield Lines(
            "staleness_curve",
            f"Staleness, of a fit on the oldest {aged.fitted_rows} rows",
            "age in days",
            metric,
            (_with_intervals(metric, ages),),
            marked=True,
        )


def _with_intervals(name: str, points: Sequence[tuple[float, float | None, float | None, float | None]]) -> Line:
    known = [
        (x, y, y if low is None else low, y if high is None else high) for x, y, low, high in points if y is not None
    ]
    x, y, low, high = zip(*known, strict=True) if known else ((), (), (), ())
    return Line(name, x, y, low, high)
