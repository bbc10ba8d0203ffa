"""Every number of a training by its name."""

import math

import candidates
import pytest
import tables

from evergreen.record.outcomes import StepRun
from evergreen.record.registry.numbers import numbers_of

STEPS = (
    StepRun(name="ingest", cached=True, seconds=0.1, cpu_seconds=0.1, rss_mb=200),
    StepRun(name="tune", cached=False, seconds=3.0, cpu_seconds=2.5),
)


@pytest.fixture(scope="module")
def candidate(tmp_path_factory):
    return candidates.of(tables.shared("binary", tmp_path_factory.mktemp("chains")))


def test_numbers_of_report_search_rows_and_steps_have_their_names(candidate):
    report = candidate.report
    found = numbers_of(candidate, "roc_auc", STEPS)

    assert found.items() >= report.candidate.items()
    assert found["prior_roc_auc"] == report.baselines["prior"]["roc_auc"]
    assert (found["roc_auc_low"], found["roc_auc_high"]) == report.intervals["roc_auc"]
    assert found["gain_roc_auc_low"] == report.gains["roc_auc"][0]
    assert found["train_test_gap"] == report.train["roc_auc"] - report.candidate["roc_auc"]
    assert (found["tune_trials"], found["rows_kept"]) == (candidate.best.n_trials, 7)
    assert {name: value for name, value in found.items() if name.startswith("step.")} == {
        "step.tune.seconds": 3.0,
        "step.tune.cpu_seconds": 2.5,
    }


def test_number_that_is_undefined_is_left_out(candidate):
    report = candidate.report.model_copy(update={"candidate": {"roc_auc": math.nan, "brier": 0.1}})
    found = numbers_of(candidate.model_copy(update={"report": report}), "roc_auc", ())
    assert "roc_auc" not in found
    assert found["brier"] == 0.1
