"""Which figures an analysis gives, and the numbers in them."""

import pytest
from analyses import FULL, NOTHING, named, slice_of

from evergreen.learning.analysis import figures
from evergreen.learning.analysis.figures import Bars, Grid, Lines
from evergreen.learning.analysis.values import (
    Importance,
)


def test_each_part_of_an_analysis_has_its_figure():
    assert list(named(FULL)) == [
        "roc",
        "precision_recall",
        "reliability",
        "confusion_matrix",
        "residuals",
        "residual_quantiles",
        "importance",
        "slices",
        "learning_curve",
        "staleness_curve",
    ]


def test_parts_that_do_not_apply_have_no_figure():
    assert figures.charts(NOTHING) == ()
    assert figures.pictures(()) == {}
    assert set(named(NOTHING.model_copy(update={"roc": FULL.roc}))) == {"roc"}


def test_parts_without_a_number_have_no_figure():
    nothing_scored = NOTHING.model_copy(
        update={
            "slices": FULL.slices.model_copy(update={"worst": (), "declared": (slice_of("air", None),)}),
            "learning": FULL.learning.model_copy(update={"points": ()}),
            "staleness": FULL.staleness.model_copy(update={"points": FULL.staleness.points[1:]}),
        }
    )

    assert figures.charts(nothing_scored) == ()


def test_figures_show_the_numbers_of_the_analysis():
    found = named(FULL)

    roc, matrix, importance, slices, stale = (
        found[name] for name in ("roc", "confusion_matrix", "importance", "slices", "staleness_curve")
    )
    assert isinstance(roc, Lines)
    assert (roc.lines[0].x, roc.lines[0].y) == (FULL.roc[0].x, FULL.roc[0].y)
    assert isinstance(matrix, Grid)
    assert matrix.counts == ((90, 10), (30, 20))
    assert matrix.shares == ((0.9, 0.1), (0.6, 0.4))
    assert isinstance(importance, Bars)
    assert (importance.labels, importance.values) == (("copy", "stops"), (0.2, 0.01))
    assert importance.low == pytest.approx((0.19, 0.006))
    assert [label.partition(" (")[0] for label in slices.labels] == ["carrier </script><b>sea</b>", "carrier north"]
    assert (slices.low, slices.high) == ((0.5, 0.8), (0.7, 0.8))
    assert (stale.lines[0].x, stale.lines[0].low) == ((0.0,), (0.6,))


def test_at_most_twenty_columns_are_shown_most_important_first():
    columns = tuple(Importance(column=f"c{n}", mean=n / 100, deviation=0) for n in range(50))

    (bars,) = figures.charts(NOTHING.model_copy(update={"importance": columns}))

    assert bars.labels == tuple(f"c{n}" for n in range(49, 29, -1))
