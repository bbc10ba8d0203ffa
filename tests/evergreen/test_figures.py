"""Figures: pictures of what a model is worth, the same bytes every time."""

import io

import numpy as np
import pytest
from PIL import Image

from evergreen import figures
from evergreen.estimates import Estimates


def draw(labels, candidate, baseline, *, threshold):
    return figures.draw(labels, Estimates("binary", candidate), Estimates("binary", baseline), threshold=threshold)


def require_pictures(drawn):
    for content in drawn.values():
        with Image.open(io.BytesIO(content)) as picture:
            picture.verify()
            assert (picture.format, picture.size) == ("PNG", (500, 450))


@pytest.fixture(scope="module")
def sample():
    rng = np.random.default_rng(7)
    candidate = rng.random(2_000)
    return rng.random(2_000) < candidate, candidate, np.clip(candidate + rng.normal(0, 0.3, 2_000), 0.01, 0.99)


def test_figures_are_four_pictures_of_readable_size(sample):
    drawn = draw(*sample, threshold=0.5)

    assert set(drawn) == {"roc.png", "precision_recall.png", "reliability.png", "confusion_matrix.png"}
    for content in drawn.values():
        with Image.open(io.BytesIO(content)) as picture:
            picture.verify()
            assert (picture.format, picture.size) == ("PNG", (500, 450))


def test_figures_have_the_same_bytes_every_time(sample):
    assert draw(*sample, threshold=0.5) == draw(*sample, threshold=0.5)


def test_figures_show_what_they_are_drawn_from(sample):
    labels, candidate, baseline = sample
    drawn = draw(labels, candidate, baseline, threshold=0.5)

    other_model = draw(labels, baseline, candidate, threshold=0.5)
    assert all(other_model[name] != content for name, content in drawn.items())
    other_threshold = draw(labels, candidate, baseline, threshold=0.9)
    assert [name for name in drawn if drawn[name] != other_threshold[name]] == ["confusion_matrix.png"]


def test_figures_of_a_constant_score_are_drawn(sample):
    labels = sample[0]

    assert len(draw(labels, np.full(len(labels), 0.4), np.full(len(labels), 0.6), threshold=0.5)) == 4


@pytest.mark.parametrize("n_classes", [2, 3, 14])
def test_figures_of_classes_are_a_confusion_matrix_and_a_curve_for_each(n_classes):
    rng = np.random.default_rng(3)
    classes = tuple(f"class {n}" for n in range(n_classes))
    shares = rng.dirichlet(np.ones(n_classes), 300)
    labels = np.array([rng.choice(classes, p=row) for row in shares], dtype=object)
    estimates = Estimates("multiclass", shares, classes)

    drawn = figures.draw(labels, estimates, estimates, threshold=0.5)

    assert set(drawn) == {"confusion_matrix.png", "roc_ovr.png"}
    require_pictures(drawn)
    assert figures.draw(labels, estimates, estimates, threshold=0.5) == drawn


def test_figures_of_numbers_are_predictions_and_residuals():
    rng = np.random.default_rng(4)
    truth = rng.normal(size=3_000)
    estimates = Estimates("regression", truth + rng.normal(size=3_000))

    drawn = figures.draw(truth, estimates, estimates, threshold=0.5)

    assert set(drawn) == {"predicted.png", "residuals.png"}
    require_pictures(drawn)
    assert figures.draw(truth, estimates, estimates, threshold=0.5) == drawn
