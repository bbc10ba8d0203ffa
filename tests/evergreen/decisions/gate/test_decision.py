"""The gate: a candidate passes only if every check that applies does, and a number that is not finite never passes."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evergreen.base.artifacts.refs import FolderRef
from evergreen.config.params.gate import GateParams
from evergreen.decisions.gate import decision as gate
from evergreen.learning.evaluation import Comparison, Report

PARAMS = GateParams(metric="roc_auc", floor=0.6, baseline_gain=0.01, champion_margin=0.02, confidence=0.95)
NAN, INF = math.nan, math.inf


def report(candidate=0.75, baseline=0.7):
    return Report(
        family="gradient_boosting",
        baseline_family="logistic",
        candidate={"roc_auc": candidate, "log_loss": 0.5},
        baseline={"roc_auc": baseline, "log_loss": 0.6},
        train={"roc_auc": 0.9, "log_loss": 0.3},
        n_train=1_000,
        n_test=200,
    )


def against(difference=0.0, low=-0.01, high=0.01, **changed):
    return Comparison(champion_version=4, champion=0.75, difference=difference, low=low, high=high, **changed)


def outcomes(verdict):
    return {check.name: check.outcome for check in verdict.checks}


@pytest.mark.parametrize(
    ("candidate", "baseline", "floor", "over_baseline"),
    [
        (0.75, 0.70, "passed", "passed"),
        (0.60, 0.50, "passed", "passed"),  # the floor itself is enough
        (0.5999, 0.50, "failed", "passed"),
        (0.75, 0.75, "passed", "failed"),
        (0.75, 0.7425, "passed", "failed"),  # a gain, but less than is asked for
        (0.50, 0.70, "failed", "failed"),
        (NAN, 0.70, "failed", "failed"),
        (0.75, NAN, "passed", "failed"),
        (-INF, 0.70, "failed", "failed"),
        (INF, 0.70, "failed", "failed"),
        (0.75, -INF, "passed", "failed"),
    ],
)
def test_floor_and_baseline_decide_as_the_table_says(candidate, baseline, floor, over_baseline):
    verdict = gate.decide(report(candidate, baseline), None, PARAMS)

    assert outcomes(verdict) == {"floor": floor, "baseline": over_baseline, "champion": "not applicable"}
    assert verdict.promote == (floor == over_baseline == "passed")


@pytest.mark.parametrize(
    ("comparison", "champion"),
    [
        (against(0.05, 0.04, 0.06), "passed"),
        (against(0.0, -0.01, 0.01), "passed"),  # within noise, and the noise within the margin
        (against(-0.01, -0.019, 0.01), "passed"),
        (against(-0.01, -0.02, 0.01), "failed"),  # the margin itself is too much
        (against(0.03, -0.05, 0.11), "failed"),  # a gain that so few rows cannot show
        (against(-0.10, -0.12, -0.08), "failed"),
        (against(0.05, NAN, 0.06), "failed"),
        (against(NAN, NAN, NAN), "failed"),
        (against(NAN, 0.04, 0.06), "failed"),
        (against(0.05, 0.04, INF), "failed"),
        (against(0.05, 0.04, NAN), "failed"),
        (against(0.05, -INF, INF), "failed"),
        (Comparison(champion_version=4, why_not="it has seen data until 2013-05-01"), "failed"),
        (Comparison(champion_version=4), "failed"),
        (against(0.05, 0.04, 0.06, why_not="it has seen data until 2013-05-01"), "failed"),
        (Comparison(champion_version=4, difference=0.05, high=0.06), "failed"),
        (None, "not applicable"),
    ],
)
def test_champion_decides_as_the_table_says(comparison, champion):
    verdict = gate.decide(report(), comparison, PARAMS)

    assert outcomes(verdict) == {"floor": "passed", "baseline": "passed", "champion": champion}
    assert verdict.promote == (champion != "failed")


def test_gate_keeps_champion_when_gain_is_within_noise_and_no_margin_is_given():
    strict = PARAMS.model_copy(update={"champion_margin": 0.0})

    assert not gate.decide(report(), against(0.01, -0.002, 0.022), strict).promote
    assert not gate.decide(report(), against(0.0, 0.0, 0.0), strict).promote  # the same model again
    assert gate.decide(report(), against(0.01, 0.001, 0.019), strict).promote


def test_refusal_says_each_check_that_failed_with_its_numbers():
    verdict = gate.decide(report(0.55, 0.6), against(-0.2, -0.25, -0.15), PARAMS)

    assert verdict.reason == (
        "roc_auc 0.5500 against a floor of 0.6; "
        "-0.0500 against the logistic baseline's 0.6000, needs more than +0.01; "
        "-0.2000 [-0.2500, -0.1500] against version 4, must lie above -0.02"
    )


def test_promotion_says_the_checks_that_passed_and_not_those_that_did_not_apply():
    verdict = gate.decide(report(), None, PARAMS)

    assert verdict.reason == (
        "roc_auc 0.7500 against a floor of 0.6; +0.0500 against the logistic baseline's 0.7000, needs more than +0.01"
    )
    assert verdict.checks[-1].text == "there is no champion yet"


def test_comparison_that_is_not_valid_is_refused_with_its_reason():
    seen = Comparison(champion_version=4, why_not="it has seen data until 2013-05-01")

    assert gate.decide(report(), seen, PARAMS).reason == (
        "cannot be compared with version 4: it has seen data until 2013-05-01"
    )
    assert "version 4: no numbers" in gate.decide(report(), Comparison(champion_version=4), PARAMS).reason


def test_metric_of_the_gate_is_the_only_one_that_counts():
    poor = report().model_copy(update={"candidate": {"roc_auc": 0.75, "log_loss": NAN}})

    assert gate.decide(poor, None, PARAMS).promote


NUMBERS = st.one_of(st.floats(), st.floats(-1, 1), st.sampled_from([NAN, INF, -INF, 0.0, 0.75, 0.9]))


@given(*[NUMBERS for _ in range(5)])
def test_gate_never_promotes_what_a_check_did_not_pass(candidate, baseline, difference, low, high):
    verdict = gate.decide(report(candidate, baseline), against(difference, low, high), PARAMS)

    expected = candidate >= 0.6 and candidate - baseline > 0.01 and low > -0.02
    if not all(map(math.isfinite, (candidate, baseline, difference, low, high))):
        expected = False
    assert verdict.promote == expected


def test_verdict_survives_json():
    verdict = gate.decide(report(), against(), PARAMS)

    assert gate.Verdict.model_validate_json(verdict.model_dump_json()) == verdict


def test_candidate_is_named_by_its_model_its_report_and_its_gate():
    key = gate.candidate_key("a" * 64, report(), PARAMS)

    assert gate.candidate_key("a" * 64, report(), PARAMS) == key
    assert gate.candidate_key("b" * 64, report(), PARAMS) != key
    assert gate.candidate_key("a" * 64, report(0.7500001), PARAMS) != key
    assert gate.candidate_key("a" * 64, report().model_copy(update={"n_test": 201}), PARAMS) != key
    for name, value in {"floor": 0.61, "baseline_gain": 0.0, "champion_margin": 0.0, "confidence": 0.9}.items():
        assert gate.candidate_key("a" * 64, report(), PARAMS.model_copy(update={name: value})) != key, name


def test_candidate_keeps_its_name_wherever_its_model_lies():
    here, there = (FolderRef(uri=uri, sha256="a" * 64) for uri in ("model-aaaa", "elsewhere/model"))

    assert gate.candidate_key(here.sha256, report(), PARAMS) == gate.candidate_key(there.sha256, report(), PARAMS)


@pytest.mark.parametrize("of", ["candidate", "baseline"])
def test_metric_that_was_left_out_of_the_report_never_passes(of):
    verdict = gate.decide(report().model_copy(update={of: {"log_loss": 0.1}}), None, PARAMS)

    assert not verdict.promote
    assert outcomes(verdict)["baseline"] == "failed"
