"""Calibration: it finds a distortion that is known, keeps its hands off what is right, and travels with the model."""

import numpy as np
import pytest
import released
from scipy.optimize import minimize
from sklearn.isotonic import IsotonicRegression
from sklearn.metrics import log_loss, roc_auc_score
from threadpoolctl import threadpool_limits

from evergreen.learning.model import skops_file
from evergreen.learning.tuning import calibration
from evergreen.learning.tuning.calibration import CalibratedPipeline, Calibration, CalibrationMap


def folds(true, shown, *, n=12_000, seed=3, parts=3):
    """Return labels drawn with the `true` probabilities, and what is `shown` of them, in folds."""
    rng = np.random.default_rng(seed)
    odds = rng.normal(size=n)
    labels = rng.random(n) < 1 / (1 + np.exp(-true(odds)))
    return np.array_split(labels, parts), np.array_split(1 / (1 + np.exp(-shown(odds))), parts)


def choose(labels, estimates, *, in_time=True):
    return calibration.choose("binary", (), labels, estimates, in_time=in_time)


@pytest.mark.parametrize("in_time", [True, False])
def test_probabilities_that_are_too_bold_are_drawn_back_as_far_as_they_are_off(in_time):
    found = choose(*folds(lambda odds: odds, lambda odds: 3 * odds - 1), in_time=in_time)

    assert found.is_applied
    assert found.curve.method == "sigmoid"
    assert found.curve.numbers == pytest.approx((1 / 3, 1 / 3), abs=0.03)
    assert found.log_loss[1] < 0.9 * found.log_loss[0]
    assert found.ece[1] < 0.02 < found.ece[0]
    assert found.n_rows == (8_000 if in_time else 12_000)


def test_probabilities_that_are_right_are_left_alone():
    found = choose(*folds(lambda odds: odds, lambda odds: odds))

    assert not found.is_applied
    assert found.log_loss[1] == pytest.approx(found.log_loss[0], rel=0.01)


def test_gain_that_few_rows_show_by_chance_is_not_applied():
    for seed in range(10):
        labels, estimates = folds(lambda odds: odds, lambda odds: odds, n=90, seed=seed)
        assert not choose(labels, estimates).is_applied


def test_steps_are_taken_where_no_sigmoid_does():
    found = choose(*folds(lambda odds: np.where(odds > 0, 2.0, -2.0) * (np.abs(odds) > 1), lambda odds: 0.2 * odds**3))

    assert found.is_applied
    assert found.curve.method == "isotonic"


def test_loss_is_measured_on_folds_that_the_curve_has_not_seen():
    labels, estimates = folds(lambda odds: odds, lambda odds: 2 * odds)
    found = choose(labels, estimates)

    parts = []
    for fold in (1, 2):
        known = np.concatenate(labels[:fold]), np.concatenate(estimates[:fold])
        parts.append(calibration.fit("sigmoid", *known)(estimates[fold]))
    assert found.log_loss[1] == pytest.approx(log_loss(np.concatenate(labels[1:]), np.concatenate(parts)), abs=1e-12)
    assert found.log_loss[0] == pytest.approx(
        log_loss(np.concatenate(labels[1:]), np.concatenate(estimates[1:])), abs=1e-12
    )


@pytest.mark.parametrize("seed", range(5))
def test_sigmoid_is_where_scipy_finds_the_least_loss(seed):
    labels, estimates = (
        np.concatenate(parts) for parts in folds(lambda odds: odds, lambda odds: 3 * odds - 1, n=2_000, seed=seed)
    )
    odds = np.log(estimates / (1 - estimates))

    def loss(numbers):
        return log_loss(labels, 1 / (1 + np.exp(-(numbers[0] * odds + numbers[1]))))

    found = calibration.fit("sigmoid", labels, estimates).numbers
    assert found == pytest.approx(minimize(loss, [1.0, 0.0], method="Nelder-Mead", options={"xatol": 1e-9}).x, abs=1e-6)


def test_sigmoid_of_labels_that_are_told_apart_and_of_one_estimate_ends():
    estimates = np.linspace(0.01, 0.99, 200)
    slope, intercept = calibration.fit("sigmoid", estimates > 0.5, estimates).numbers
    assert slope > 10
    assert abs(intercept) < 1
    labels = np.arange(200) % 4 == 0
    slope, intercept = calibration.fit("sigmoid", labels, np.full(200, 0.9)).numbers
    assert 1 / (1 + np.exp(-(slope * np.log(9) + intercept))) == pytest.approx(0.25)


def placed(values, at):
    """Return the same values at an address of which the rest by 64 is `at`."""
    room = np.empty(values.nbytes + 128, dtype=np.uint8)
    begin = -room.ctypes.data % 64 + at
    there = room[begin : begin + values.nbytes].view(values.dtype)
    there[:] = values
    return there


@pytest.mark.parametrize("method", ["sigmoid", "isotonic"])
def test_curve_has_the_same_bits_wherever_its_rows_lie_and_however_many_threads_there_are(method):
    for n in (9_000, 60_000):
        labels, estimates = (np.concatenate(part) for part in folds(lambda odds: odds, lambda odds: 2 * odds, n=n))
        found = set()
        for threads in (1, 2):
            with threadpool_limits(threads):
                for at in range(0, 64, 8):
                    found.add(calibration.fit(method, placed(labels, at // 8), placed(estimates, at)).numbers)
        assert len(found) == 1


def test_isotonic_curve_equals_scikit_learns():
    labels, estimates = (np.concatenate(parts) for parts in folds(lambda odds: odds, lambda odds: 2 * odds, n=500))

    curve = calibration.fit("isotonic", labels, estimates)

    bounds = {"y_min": 1 / 502, "y_max": 1 - 1 / 502, "out_of_bounds": "clip"}
    expected = IsotonicRegression(**bounds).fit(estimates, labels)
    at = np.linspace(0, 1, 77)
    np.testing.assert_allclose(curve(at), expected.predict(at), atol=1e-9)


def test_temperature_undoes_what_made_classes_too_sure():
    rng = np.random.default_rng(5)
    logits = rng.normal(size=(6_000, 3))
    true = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    classes = ("a", "b", "c")
    labels = np.array([classes[k] for k in (rng.random((6_000, 1)) > true.cumsum(axis=1)).sum(axis=1)])
    sure = true**2.5 / (true**2.5).sum(axis=1, keepdims=True)

    found = calibration.choose("multiclass", classes, np.array_split(labels, 3), np.array_split(sure, 3), in_time=False)

    assert found.is_applied
    assert found.curve.numbers[0] == pytest.approx(2.5, rel=0.1)
    mapped = found.curve(sure)
    np.testing.assert_allclose(mapped.sum(axis=1), 1)
    assert (mapped.argmax(axis=1) == sure.argmax(axis=1)).all()


def test_numbers_are_not_calibrated():
    assert calibration.choose("regression", (), [np.zeros(3)] * 2, [np.zeros(3)] * 2, in_time=True) is None


def test_calibration_survives_json():
    found = choose(*folds(lambda odds: odds, lambda odds: 2 * odds, n=600))
    assert Calibration.model_validate_json(found.model_dump_json()) == found


@pytest.mark.parametrize("curve", [("sigmoid", [0.5, 0.1]), ("isotonic", [0.0, 0.4, 1.0, 0.1, 0.3, 0.8])])
def test_calibrated_model_travels_as_one_and_keeps_the_order_of_rows(curve):
    pipeline, rows = released.fitted("gradient_boosting", max_iter=5), released.table()
    from evergreen.learning import features

    inputs = features.build(rows, released.CONTRACT, released.FEATURES)
    made = CalibratedPipeline(pipeline, *curve)

    loaded = skops_file.from_bytes(skops_file.to_bytes(made))

    mapped = CalibrationMap(method=curve[0], numbers=tuple(curve[1]))(pipeline.predict_proba(inputs)[:, 1])
    np.testing.assert_array_equal(loaded.predict_proba(inputs)[:, 1], mapped)
    np.testing.assert_allclose(loaded.predict_proba(inputs).sum(axis=1), 1)
    assert loaded.classes_.tolist() == [False, True]
    assert (loaded.predict(inputs) == (mapped > 0.5)).all()
    assert list(loaded.feature_names_in_) == list(pipeline.feature_names_in_)
    before = roc_auc_score(rows["late"], pipeline.predict_proba(inputs)[:, 1])
    assert roc_auc_score(rows["late"], mapped) == pytest.approx(before, abs=1e-12)
    assert skops_file.to_bytes(loaded) == skops_file.to_bytes(made)
