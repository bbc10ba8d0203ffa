"""Parameters against the contract: what does not fit is one block before anything is read."""

import pytest
import released
import tables
from parameters import FILE

from evergreen.base.errors import ConfigError
from evergreen.config import consistency, derived
from evergreen.config.contract.contract import Contract
from evergreen.config.params.features import FeatureParams
from evergreen.config.params.params import Params
from evergreen.learning import features

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
    assert refusal(which, "evaluate.slices=[nowhere]").code == "CFG052"  # one more that does not fit, and they are not


def test_committed_parameters_fit_a_table_with_time():
    consistency.check(Params.load(FILE), released.CONTRACT)
    with pytest.raises(ConfigError) as caught:
        consistency.check(Params.load(FILE), tables.contract_of("binary"))
    assert caught.value.code in {"CFG020", "CFG021"}  # they ask for time


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


@pytest.mark.parametrize(
    ("which", "metric", "fitting"),
    [("binary", "rmse", "roc_auc"), ("multiclass", "f1", "f1_macro"), ("regression", "log_loss", "pinball")],
)
def test_tuning_metric_of_another_task_is_refused_with_those_that_fit(which, metric, fitting):
    error = refusal(which, f"tune.metric={metric}")
    assert error.code == "CFG045"
    assert fitting in error.next_step
    consistency.check(Params.load(FILE, [*FITTING[which], f"tune.metric={fitting}"]), tables.contract_of(which))


@pytest.mark.parametrize("override", ["tune.families={logistic: {}}", "train.baseline={logistic: {C: 1.0}}"])
def test_family_of_another_task_is_refused_with_those_that_fit(override):
    error = refusal("regression", override)
    assert (error.code, error.what) == ("CFG010", "family 'logistic' does not learn a regression target")
    assert "linear, random_forest, gradient_boosting" in error.next_step


def test_calendar_without_a_time_column_is_refused():
    error = refusal("binary", "features={calendar: [hour], rare_category: 5, test_share: 0.3}")
    assert error.code == "CFG020"
    assert "hour" in error.what


def test_split_that_the_table_has_no_columns_for_is_refused():
    assert refusal("binary", "features={rare_category: 5, test_days: 3}").code == "CFG021"
    with pytest.raises(ConfigError) as caught:
        derived.check(FeatureParams(rare_category=5, test_share=0.3), released.CONTRACT)
    assert caught.value.code == "CFG021"
    assert "a table with a time column is split by features.test_days" in caught.value.what


def test_text_may_be_a_feature():
    columns = [
        {**column, "role": "feature"} if column["name"] == "note" else column
        for column in tables.contract_of("binary").model_dump()["columns"]
    ]
    contract = Contract.model_validate({**tables.contract_of("binary").model_dump(), "columns": columns})
    derived.check(tables.FEATURES, contract)
    assert "note" in features.inputs(contract, tables.FEATURES).names
    assert "note" not in features.inputs(tables.contract_of("binary"), tables.FEATURES).names


@pytest.mark.parametrize(
    "asked", ["cyclic: [month]", "history: {n: {aggregate: count, window_days: 1}}", "calendar: [hour]"]
)
def test_what_is_made_of_time_needs_a_time_column(asked):
    error = refusal("binary", f"features={{{asked}, rare_category: 5, test_share: 0.3}}")
    assert error.code == "CFG020"
    assert f"features.{asked.partition(':')[0]} asks for" in error.what


def test_windows_need_a_time_column():
    assert consistency.require_time(released.CONTRACT) == "handed_in"
    with pytest.raises(ConfigError) as caught:
        consistency.require_time(tables.contract_of("regression"))
    assert (caught.value.code, caught.value.exit_code) == ("CFG019", 2)


@pytest.mark.parametrize(
    ("which", "override", "code", "said"),
    [
        ("regression", "evaluate.costs={high: {low: 1.0}}", "CFG050", "the target is a number"),
        ("binary", "evaluate.costs={late: {early: 1.0}}", "CFG051", "the class 'late'"),
        ("binary", 'evaluate.costs={"true": {"False": 1.0}}', "CFG051", "the class 'False'"),
        ("binary", "evaluate.slices=[mean_radius, radius]", "CFG052", "'radius', which is no column"),
        ("binary", "evaluate.slices=[benign]", "CFG052", "'benign'"),
        ("binary", "evaluate.slices=[ward]", "CFG052", "'ward'"),
        ("multiclass", "evaluate.threshold={precision: 0.6}", "CFG054", "'species' is multiclass"),
        ("regression", "evaluate.threshold={recall: 0.6}", "CFG054", "'progression' is regression"),
    ],
)
def test_costs_and_slices_that_do_not_fit_are_refused_before_anything_is_read(which, override, code, said):
    error = refusal(which, override)
    assert error.code == code
    assert said in error.what


def test_rule_of_a_threshold_fits_a_binary_target_and_a_number_any():
    for which, threshold in (("binary", "{precision: 0.6}"), ("binary", "0.4"), ("regression", "0.4")):
        params = Params.load(FILE, [*FITTING[which], f"evaluate.threshold={threshold}"])
        consistency.check(params, tables.contract_of(which))


def test_costs_and_slices_that_fit_are_accepted():
    fitting = (
        'evaluate.costs={"true": {"false": 5.0}}',
        "features.functions=[own_features.raises]",
        "features.ratios={roundness: [mean_area, mean_radius]}",
        "evaluate.slices=[mean_radius, sample, roundness, x]",
    )
    consistency.check(Params.load(FILE, [*FITTING["binary"], *fitting]), tables.contract_of("binary"))
    assert "'x'" in refusal("binary", *fitting[:1], *fitting[2:]).what  # it is the function's
    assert "'roundness'" in refusal("binary", *fitting[:2], *fitting[3:]).what
    # Its classes are known only with the rows.
    costs = "evaluate.costs={setosa: {virginica: 1.0}}"
    consistency.check(Params.load(FILE, [*FITTING["multiclass"], costs]), tables.contract_of("multiclass"))
    assert refusal("binary", costs).code == "CFG051"


def test_slice_by_personal_values_is_refused():
    columns = [
        {**column, "pii": "keep"} if column["name"] == "sample" else column
        for column in tables.contract_of("binary").model_dump()["columns"]
    ]
    contract = Contract.model_validate({**tables.contract_of("binary").model_dump(), "columns": columns})
    with pytest.raises(ConfigError, match="holds personal values"):
        consistency.check(Params.load(FILE, [*FITTING["binary"], "evaluate.slices=[sample]"]), contract)
