"""Figures: what an analysis shows, as pictures of the same bytes every time and as one page without a network."""

import pytest
import tables
from analyses import NOTHING

from evergreen.base.artifacts.workspace import Workspace
from evergreen.learning.analysis import figures
from evergreen.learning.analysis.values import (
    Confusion,
    Curve,
    Importance,
)


@pytest.mark.parametrize("which", tables.TASKS)
def test_analysis_of_a_real_training_is_drawn(which, tmp_path):
    chain = tables.run(which, Workspace(root=tmp_path), family="gradient_boosting")

    charts = figures.charts(chain.analysis)

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
