"""Figures: what an analysis shows, as pictures of the same bytes every time and as one page without a network."""

import io
import json
import re

import pytest
import tables
from PIL import Image

from evergreen.base.artifacts.workspace import Workspace
from evergreen.learning.analysis import figures
from evergreen.learning.analysis.figures import Bars, Grid, Lines
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


def test_pictures_are_readable_and_the_same_bytes_every_time():
    drawn = figures.pictures(figures.charts(FULL))

    assert set(drawn) == {f"{name}.png" for name in named(FULL)}
    assert figures.pictures(figures.charts(FULL)) == drawn
    for content in drawn.values():
        with Image.open(io.BytesIO(content)) as picture:
            picture.verify()
            assert picture.format == "PNG"
            assert min(picture.size) >= 450


def test_picture_changes_with_what_it_shows():
    other = FULL.model_copy(update={"confusion": Confusion(classes=("false", "true"), counts=((80, 20), (30, 20)))})

    before, after = (figures.pictures(figures.charts(analysis)) for analysis in (FULL, other))

    assert [name for name in before if before[name] != after[name]] == ["confusion_matrix.png"]


@pytest.mark.parametrize("n_classes", [2, 3, 14, 40])
def test_any_number_of_classes_is_drawn(n_classes):
    classes = tuple(f"a class with a long name {n}" for n in range(n_classes))
    matrix = Confusion(classes=classes, counts=tuple((1,) * n_classes for _ in classes))
    curves = tuple(Curve(name=name, x=(0.0, 1.0), y=(0.0, 1.0)) for name in classes)

    charts = figures.charts(NOTHING.model_copy(update={"confusion": matrix, "roc": curves}))

    assert set(figures.pictures(charts)) == {"confusion_matrix.png", "roc.png"}
    assert len(charts[0].lines) == min(n_classes, 10)


@pytest.mark.parametrize(
    ("n_classes", "has_numbers", "has_names"), [(10, True, True), (30, False, True), (31, False, False)]
)
def test_page_leaves_out_what_has_no_room_among_many_classes(n_classes, has_numbers, has_names):
    classes = tuple(f"a class with a very long name of its own {n}" for n in range(n_classes))
    matrix = Confusion(classes=classes, counts=tuple((1,) * n_classes for _ in classes))

    page = figures.page(figures.charts(NOTHING.model_copy(update={"confusion": matrix})), title="many").decode()
    drawn = json.loads(re.search(r'Plotly.newPlot\("confusion_matrix", (\{.*\})\)</script>', page)[1])

    assert (drawn["data"][0]["texttemplate"] != "") == has_numbers
    for axis in (drawn["layout"][name] for name in ("xaxis", "yaxis")):
        assert axis["showticklabels"] == has_names
        assert len(axis["ticktext"]) == n_classes
        assert max(map(len, axis["ticktext"])) <= 34


def test_page_holds_every_figure_and_needs_no_network():
    page = figures.page(figures.charts(FULL), title="parcels").decode()

    assert re.findall(r'<div id="(\w+)">', page) == list(named(FULL))
    assert page.count("Plotly.newPlot(") >= 10
    assert not re.search(r"""<(script|link|img|iframe)[^>]*\s(src|href)\s*=""", page.split("</head>")[1])
    head = page.partition("<script>")[0]
    assert "src=" not in head
    assert "href=" not in head
    assert figures.page(figures.charts(FULL), title="parcels").decode() == page


def test_page_shows_the_numbers_and_escapes_what_comes_from_the_data():
    page = figures.page(figures.charts(FULL), title="<i>parcels</i>").decode()

    body = page.split("</head>")[1]
    assert "<i>" not in body
    assert "<b>" not in body
    assert body.count("</script>") == len(named(FULL))
    call = re.search(r'Plotly.newPlot\("importance", (\{.*\})\)</script>', body)[1]
    shown = json.loads(call)["data"][0]
    assert (shown["y"], shown["x"]) == (["copy", "stops"], [0.2, 0.01])


@pytest.mark.parametrize("which", tables.TASKS)
def test_analysis_of_a_real_training_is_drawn(which, tmp_path):
    chain = tables.run(which, Workspace(root=tmp_path), family="gradient_boosting")

    charts = figures.charts(chain.evaluated.analysis)

    kinds = {chart.name for chart in charts}
    assert kinds >= {"importance", "learning_curve"}
    assert ("residuals" in kinds) == (which == "regression")
    assert ("confusion_matrix" in kinds) == (which != "regression")
    assert set(figures.pictures(charts)) == {f"{name}.png" for name in kinds}


@pytest.mark.parametrize("name", ["$5-$10", "$\\foo$", "_hidden", "价格", "two\nlines", ""])
def test_any_name_of_a_class_is_drawn_and_shown(name):
    classes = (name, "other")
    analysis = NOTHING.model_copy(
        update={
            "confusion": Confusion(classes=classes, counts=((1, 2), (3, 4))),
            "roc": tuple(Curve(name=each, x=(0.0, 1.0), y=(0.0, 1.0)) for each in classes),
            "importance": tuple(Importance(column=each, mean=0.1, deviation=0.0) for each in classes),
        }
    )

    assert set(figures.pictures(figures.charts(analysis))) == {"confusion_matrix.png", "roc.png", "importance.png"}
