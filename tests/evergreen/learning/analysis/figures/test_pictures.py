"""Figures as PNG bytes, the same every time."""

import io

import pytest
from analyses import FULL, NOTHING, named
from PIL import Image

from evergreen.learning.analysis import figures
from evergreen.learning.analysis.values import (
    Confusion,
    Curve,
)


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
