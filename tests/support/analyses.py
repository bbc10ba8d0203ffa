"""Analyses of made-up numbers: one with every part, and one with none."""

from evergreen.learning.analysis import figures
from evergreen.learning.analysis.values import (
    Analysis,
    Confusion,
    Curve,
    Importance,
    LearningCurve,
    LearningPoint,
    Reliability,
    Residuals,
    Slice,
    Slices,
    Staleness,
    StalenessPoint,
)

NOTHING = Analysis(
    metric="roc_auc",
    confidence=0.95,
    train_gap={},
    undefined={},
    per_class=None,
    slices=None,
    reliability=None,
    confusion=None,
    roc=None,
    precision_recall=None,
    residuals=None,
    importance=None,
    confident_errors=None,
    learning=None,
    staleness=None,
    why_not={},
)


def slice_of(value, score, low=None, high=None):
    return Slice(column="carrier", value=value, rows=200, score=score, low=low, high=high, difference=None, chance=None)


FULL = NOTHING.model_copy(
    update={
        "roc": (Curve(name="true", x=(0.0, 0.2, 1.0), y=(0.0, 0.7, 1.0)),),
        "precision_recall": (Curve(name="true", x=(1.0, 0.5, 0.0), y=(0.2, 0.6, 1.0)),),
        "reliability": Reliability(said=(0.1, 0.5, 0.9), came_true=(0.12, 0.45, 0.93), rows=(50, 50, 50)),
        "confusion": Confusion(classes=("false", "true"), counts=((90, 10), (30, 20))),
        "residuals": Residuals(
            quantiles={"0.05": -2.0, "0.5": 0.1, "0.95": 2.5},
            by_prediction=tuple({"predicted": 1.0 * n, "0.25": -1.0, "0.5": 0.1, "0.75": 1.0} for n in range(3)),
        ),
        "importance": (
            Importance(column="stops", mean=0.01, deviation=0.004),
            Importance(column="copy", mean=0.2, deviation=0.01),
        ),
        "slices": Slices(
            metric="roc_auc",
            looked_at=40,
            too_small=3,
            worst=(slice_of("</script><b>sea</b>", 0.61, 0.5, 0.7), slice_of("air", None)),
            declared=(slice_of("north", 0.8),),
        ),
        "learning": LearningCurve(
            points=tuple(LearningPoint(rows=n, score=0.7, low=0.6, high=0.8) for n in (100, 200)),
            gain=0.0,
            low=-0.1,
            high=0.1,
            advice="enough",
        ),
        "staleness": Staleness(
            fitted_rows=100,
            points=(
                StalenessPoint(age_days=0.0, rows=50, score=0.7, low=0.6, high=0.8),
                StalenessPoint(age_days=9.0, rows=50, score=None, low=None, high=None),
            ),
        ),
    }
)


def named(analysis):
    return {chart.name: chart for chart in figures.charts(analysis)}
