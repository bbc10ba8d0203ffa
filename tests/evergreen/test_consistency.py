"""Parameters against the contract: what does not fit is one block before anything is read."""

from pathlib import Path

import pytest
import released
import tables

from evergreen import consistency
from evergreen.contract import Contract
from evergreen.errors import ConfigError
from evergreen.params import FeatureParams, Params

FILE = Path(__file__).parents[2] / "params.yaml"
UNTIMED = ("features={rare_category: 5, test_share: 0.3}",)
FITTING = {
    "binary": UNTIMED,
    "multiclass": (*UNTIMED, "gate.metric=balanced_accuracy"),
    "regression": (
        *UNTIMED,
        "gate.metric=r2",
        "tune.families={linear: {}, gradient_boosting: {}}",
        "train.baseline={linear: {alpha: 1.0}}",
    ),
}


def refusal(which: str, *overrides: str) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        consistency.check(Params.load(FILE, [*FITTING[which], *overrides]), tables.contract_of(which))
    assert caught.value.exit_code == 2
    return caught.value


@pytest.mark.parametrize("which", tables.TASKS)
def test_parameters_that_fit_are_accepted(which):
    consistency.check(Params.load(FILE, FITTING[which]), tables.contract_of(which))


def test_committed_parameters_fit_a_table_with_time():
    consistency.check(Params.load(FILE), released.CONTRACT)


@pytest.mark.parametrize(
    ("which", "metric", "fitting"),
    [
        ("binary", "r2", "roc_auc"),
        ("multiclass", "roc_auc", "balanced_accuracy"),
        ("regression", "balanced_accuracy", "r2"),
    ],
)
def test_metric_of_another_task_is_refused_with_the_one_that_fits(which, metric, fitting):
    error = refusal(which, f"gate.metric={metric}")
    assert error.code == "CFG018"
    assert error.next_step == f"Set gate.metric: {fitting}"


@pytest.mark.parametrize("override", ["tune.families={logistic: {}}", "train.baseline={logistic: {C: 1.0}}"])
def test_family_of_another_task_is_refused_with_those_that_fit(override):
    error = refusal("regression", override)
    assert (error.code, error.what) == ("CFG010", "family 'logistic' does not learn a regression target")
    assert "linear, gradient_boosting" in error.next_step


def test_calendar_without_a_time_column_is_refused():
    error = refusal("binary", "features={calendar: [hour], rare_category: 5, test_share: 0.3}")
    assert error.code == "CFG020"
    assert "hour" in error.what


def test_split_that_the_table_has_no_columns_for_is_refused():
    assert refusal("binary", "features={rare_category: 5, test_days: 3}").code == "CFG021"
    with pytest.raises(ConfigError) as caught:
        consistency.check_features(FeatureParams(rare_category=5, test_share=0.3), released.CONTRACT)
    assert caught.value.code == "CFG021"
    assert "a table with a time column is split by features.test_days" in caught.value.what


def test_text_feature_is_refused_and_other_text_is_not():
    columns = [
        {**column, "role": "feature"} if column["name"] == "note" else column
        for column in tables.contract_of("binary").model_dump()["columns"]
    ]
    contract = Contract.model_validate({**tables.contract_of("binary").model_dump(), "columns": columns})
    with pytest.raises(ConfigError) as caught:
        consistency.check_features(tables.FEATURES, contract)
    assert (caught.value.code, caught.value.next_step) == ("CFG017", "Set role: ignore.")


def test_windows_need_a_time_column():
    assert consistency.require_time(released.CONTRACT) == "handed_in"
    with pytest.raises(ConfigError) as caught:
        consistency.require_time(tables.contract_of("regression"))
    assert (caught.value.code, caught.value.exit_code) == ("CFG019", 2)
