import numpy as np
import pytest

from evergreen.decisions.experiments.design import METRICS
from evergreen.decisions.experiments.metrics import Answers, expected, measured

BINARY = Answers(np.array([True, False, True], dtype=object), np.array([0.9, 0.2, 0.6]))
TRUTH = np.array([True, True, None], dtype=object)
MS = np.array([1.0, 2.0, 3.0])


@pytest.mark.parametrize(
    ("metric", "values"),
    [
        ("error", [0, 1, np.nan]),
        ("brier", [0.01, 0.64, np.nan]),
        ("target", [1, 1, np.nan]),
        ("latency", [1, 2, 3]),
    ],
)
def test_metric_of_a_row_is_known_once_its_label_is(metric, values) -> None:
    assert measured(metric, BINARY, TRUTH, MS, "binary") == pytest.approx(values, nan_ok=True)


def test_error_of_a_value_is_its_distance() -> None:
    said = Answers(np.array([None, None], dtype=object), np.array([3.0, 5.0]))
    truth = np.array([4.5, None], dtype=object)
    assert measured("absolute error", said, truth, MS[:2], "regression") == pytest.approx([1.5, np.nan], nan_ok=True)


def test_metric_that_a_task_has_not_is_refused() -> None:
    with pytest.raises(ValueError, match="multiclass task has no metric 'brier'"):
        measured("brier", BINARY, TRUTH, MS, "multiclass")


def test_a_calibrated_champion_says_beforehand_how_often_it_will_err() -> None:
    rng = np.random.default_rng(1)
    p = rng.random(200_000)
    said = Answers((p >= 0.5).astype(object), p)
    truth = (rng.random(200_000) < p).astype(object)
    for metric in ("error", "brier", "target"):
        seen = measured(metric, said, truth, p, "binary")
        assert expected(metric, said, "binary").mean() == pytest.approx(seen.mean(), abs=0.004)


def test_nothing_is_known_of_latency_beforehand_and_each_task_has_it() -> None:
    assert expected("latency", BINARY, "binary") is None
    assert all("latency" in metrics for metrics in METRICS.values())
