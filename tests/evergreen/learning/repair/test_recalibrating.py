"""Recalibration: what is mapped, how two maps become one, and which labels are no ground for it."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from evergreen.learning.evaluation.estimates import Estimates
from evergreen.learning.repair.recalibrating import (
    CannotRepairError,
    composed,
    described,
    fit_map,
    out_of_fold,
)
from evergreen.learning.tuning.calibration import CalibrationMap

CLASSES = ("a", "b", "c")


def binary(n=20_000, *, shift=0.0, seed=1):
    rng = np.random.default_rng(seed)
    odds = rng.normal(-0.5, 1.2, n)
    return rng.random(n) < 1 / (1 + np.exp(-odds - shift)), Estimates("binary", 1 / (1 + np.exp(-odds)))


def multiclass(n=20_000, *, offsets=(0.0, 0.0, 0.0), seed=2):
    rng = np.random.default_rng(seed)
    sums = rng.normal(0, 1.5, (n, 3))
    said, came = (np.exp(each) / np.exp(each).sum(axis=1, keepdims=True) for each in (sums, sums + offsets))
    drawn = (rng.random((n, 1)) > came.cumsum(axis=1)).sum(axis=1)
    return np.array(CLASSES)[drawn], Estimates("multiclass", said, CLASSES)


def test_prior_that_shifted_is_an_intercept_and_nothing_else():
    slope, intercept = fit_map("binary", *binary(shift=-1.0)).numbers
    assert slope == pytest.approx(1, abs=0.04)
    assert intercept == pytest.approx(-1, abs=0.05)


def test_offsets_of_classes_are_those_of_their_priors():
    found = fit_map("multiclass", *multiclass(offsets=(1.0, 0.0, -1.0)))
    temperature, *offsets = found.numbers
    assert (found.method, temperature) == ("offsets", pytest.approx(1, abs=0.05))
    assert np.diff(offsets) == pytest.approx([-1, -1], abs=0.08)


def test_offsets_are_what_a_logistic_regression_finds():
    labels, said = multiclass(4_000, offsets=(0.5, 0.0, -0.5))
    mapped = fit_map("multiclass", labels, said)(said.values)
    fitted = LogisticRegression(C=1e6).fit(np.log(said.values), labels)  # freer: a weight for each pair of classes
    assert np.abs(mapped - fitted.predict_proba(np.log(said.values))).mean() < 0.02
    assert mapped.mean(axis=0) == pytest.approx([(labels == name).mean() for name in CLASSES], abs=2e-3)


def test_class_that_never_came_keeps_a_probability():
    labels, said = multiclass()
    kept = labels != "c"
    mapped = fit_map("multiclass", labels[kept], Estimates("multiclass", said.values[kept], CLASSES))(said.values)
    assert 0 < mapped[:, 2].mean() < 0.02


def test_number_is_moved_by_the_median_of_what_it_missed():
    labels = np.array([1.0, 2.0, 3.0, 100.0, 5.0])
    assert fit_map("regression", labels, Estimates("regression", labels - [2, 3, 4, 90, 3])).numbers == (3.0,)


def test_one_class_is_no_ground():
    with pytest.raises(CannotRepairError, match="one class"):
        fit_map("binary", np.ones(300, dtype=bool), Estimates("binary", np.linspace(0.1, 0.9, 300)))


def test_ranking_that_is_reversed_is_no_question_of_calibration():
    labels, said = binary()
    with pytest.raises(CannotRepairError, match="wrong way round"):
        fit_map("binary", ~labels, said)


@pytest.mark.parametrize(
    ("before", "then"),
    [
        (("sigmoid", (1.4, -0.3)), ("sigmoid", (0.8, 0.5))),
        (("temperature", (1.7,)), ("offsets", (0.6, 0.4, -0.9, 0.1))),
        (("offsets", (1.7, 0.2, 0.0, -0.3)), ("offsets", (0.6, 0.4, -0.9, 0.1))),
        (("offset", (2.0,)), ("offset", (-0.5,))),
    ],
)
def test_two_maps_become_one_that_says_the_same(before, then):
    before, then = (CalibrationMap(method=method, numbers=numbers) for method, numbers in (before, then))
    values = multiclass(500)[1].values if before.method in ("temperature", "offsets") else binary(500)[1].values
    np.testing.assert_allclose(composed(before, then)(values), then(before(values)), atol=1e-12)


def test_steps_that_are_mapped_stay_steps_and_say_the_same_at_the_knots():
    before = CalibrationMap(method="isotonic", numbers=(0.1, 0.3, 0.31, 0.8, 0.05, 0.2, 0.6, 0.7))
    then = CalibrationMap(method="sigmoid", numbers=(0.9, -1.0))
    both = composed(before, then)
    knots = np.array([0.1, 0.3, 0.31, 0.8])
    assert both.method == "isotonic"
    np.testing.assert_allclose(both(knots), then(before(knots)), atol=1e-12)
    values = np.linspace(0, 1, 200)
    assert (np.diff(both(values)) >= 0).all()


def test_rows_are_mapped_by_what_other_blocks_fit():
    labels, said = binary(4_000, shift=1.0)
    blocks = np.array_split(np.arange(4_000), 4)
    mapped = out_of_fold("binary", labels, said, blocks)
    first = blocks[0]
    others = np.concatenate(blocks[1:])
    alone = fit_map("binary", labels[others], Estimates("binary", said.values[others]))
    np.testing.assert_allclose(mapped.values[first], alone(said.values[first]))
    told = described("binary", labels, said, mapped, alone)
    assert told.log_loss[1] < told.log_loss[0] - 0.05
    assert told.ece[1] < 0.03 < told.ece[0]
