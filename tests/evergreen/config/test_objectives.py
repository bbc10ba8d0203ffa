"""What can be asked of each task."""

from types import SimpleNamespace

import numpy as np
import pytest
from sklearn import metrics as sklearn_metrics

from evergreen.base.errors import ConfigError
from evergreen.config.objectives import (
    FAMILIES,
    GATE_METRIC,
    METRICS,
    TUNING_METRIC,
    check_costs,
    check_families,
    fitting,
    tuning_metric,
)

TASKS = ("binary", "multiclass", "regression")
# How scikit-learn scores for it, where its name is another.
SCORERS = {
    "log_loss": "neg_log_loss", "brier": "neg_brier_score", "rmse": "neg_root_mean_squared_error",
    "mae": "neg_mean_absolute_error", "median_absolute_error": "neg_median_absolute_error",
    "mape": "neg_mean_absolute_percentage_error", "matthews": "matthews_corrcoef",
}  # fmt: skip


def contract(task):
    return SimpleNamespace(name="c", target="y", task=task)


@pytest.mark.parametrize("name", sorted(METRICS.keys() - {"ece", "pinball"}))
def test_direction_is_the_one_that_scikit_learn_knows(name):
    known = SCORERS.get(name, name)
    assert known in sklearn_metrics.get_scorer_names()
    assert METRICS[name].greater_is_better == (not known.startswith("neg_"))


@pytest.mark.parametrize("task", TASKS)
def test_metrics_of_the_gate_and_of_tuning_fit_their_task(task):
    assert GATE_METRIC[task] in fitting(task)
    assert METRICS[GATE_METRIC[task]].greater_is_better
    assert tuning_metric(None, contract(task)) == TUNING_METRIC[task]
    assert [name for name in METRICS if task in METRICS[name].tasks] == list(fitting(task))


def test_tuning_metric_that_is_asked_for_is_taken_if_it_fits():
    assert tuning_metric("f1", contract("binary")) == "f1"
    with pytest.raises(ConfigError, match="f1, which does not measure a regression target") as caught:
        tuning_metric("f1", contract("regression"))
    assert caught.value.code == "CFG045"
    assert "rmse" in caught.value.next_step


def test_costs_are_of_classes_that_the_target_has():
    costs = {"a": {"b": 1.0}, "b": {"a": 2.0}}
    check_costs(costs, ("a", "b"), contract("multiclass"))
    check_costs(costs, None, contract("multiclass"))  # its classes are not known yet
    check_costs({}, (), contract("regression"))
    for classes, missing in ((("a",), "b"), (("b",), "a")):
        with pytest.raises(ConfigError, match=f"names the class '{missing}'") as caught:
            check_costs(costs, classes, contract("multiclass"))
        assert caught.value.code == "CFG051"
    with pytest.raises(ConfigError) as caught:
        check_costs(costs, None, contract("regression"))
    assert caught.value.code == "CFG050"


def test_families_learn_the_task_and_a_dotted_path_is_left_to_the_build():
    for task in TASKS:
        check_families([*FAMILIES[task], "sklearn.svm.SVC"], task)
    for family, task in (("linear", "binary"), ("logistic", "regression"), ("prior", "multiclass")):
        with pytest.raises(ConfigError, match=f"family '{family}' does not learn a {task} target") as caught:
            check_families(["random_forest", family], task)
        assert caught.value.code == "CFG010"


def test_units_of_metrics_follow_the_target_where_they_scale_with_it():
    rng = np.random.default_rng(3)
    y, said = rng.normal(size=(2, 50))
    scaled = {
        "rmse": sklearn_metrics.root_mean_squared_error,
        "mae": sklearn_metrics.mean_absolute_error,
        "median_absolute_error": sklearn_metrics.median_absolute_error,
        "pinball": sklearn_metrics.mean_pinball_loss,
        "r2": sklearn_metrics.r2_score,
        "mape": sklearn_metrics.mean_absolute_percentage_error,
    }
    for name, measure in scaled.items():
        follows = measure(10 * y, 10 * said) == pytest.approx(10 * measure(y, said))
        assert follows == (METRICS[name].unit == "target"), name
