"""Figures as one interactive page that opens without a network."""

import json
import re

import pytest
from analyses import FULL, NOTHING, named

from evergreen.learning.analysis import figures
from evergreen.learning.analysis.values import (
    Confusion,
)


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
