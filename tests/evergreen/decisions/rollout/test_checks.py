"""Each check: silent, fires, waits."""

from datetime import timedelta

import numpy as np
import pytest
from steps import answers, clusters

from evergreen.config.params.rollout import RolloutParams
from evergreen.decisions.rollout import checks

POLICY = RolloutParams(min_rows=100)
RNG = np.random.default_rng(3)


def losses(*steps, coverage=0.9, policy=POLICY):
    return checks.losses(steps, policy, alpha=0.0125, coverage=coverage)


def shadow(worse: float, n: int = 4_000, days: int = 10, **more):
    """Rows that both versions answered, of which the new one gets more wrong by `worse`."""
    old = RNG.random(n) < 0.2
    new = np.where(RNG.random(n) < abs(worse), worse > 0, old)
    day = clusters("day", np.arange(n) * days // n, in_time=True)
    return answers(n, paired=True, loss=new.astype(float), loss_before=old.astype(float), block=day, **more)


def test_version_that_loses_more_does_harm_and_one_that_loses_as_much_passes() -> None:
    assert losses(shadow(0.1)).outcome == "harm"
    found = losses(shadow(0.0))
    assert (found.outcome, found.figures["high"]) == ("passed", pytest.approx(0, abs=0.02))
    assert "0.02 does not matter" in found.text


def test_losses_wait_for_days_and_for_labels_and_say_so() -> None:
    assert "8 days are needed, and there are 5" in losses(shadow(0.1, days=5)).text
    unlabelled = losses(shadow(0.0, n_labelled=2_000))
    assert (unlabelled.outcome, unlabelled.text) == (
        "waits",
        "2,000 of 4,000 labels that are due are known, 90% are needed",
    )
    assert losses(answers(0, n_due=0, n_labelled=0)).text == "no labels of it are due yet"


def test_what_a_shadow_has_shown_counts_at_later_steps_unless_they_show_harm() -> None:
    few = answers(200, loss=RNG.random(200))
    assert losses(shadow(0.0), few).outcome == "passed"
    n, is_new = 4_000, np.arange(4_000) % 2 == 0
    worse = answers(n, is_new=is_new, loss=(RNG.random(n) < np.where(is_new, 0.5, 0.2)).astype(float))
    assert losses(shadow(0.0), worse).outcome == "harm"


def test_failures_are_counted_by_request_and_one_of_a_hundred_may_fail() -> None:
    failed = np.arange(1_000) % 20 == 0
    found = checks.failures(answers(failed=failed), POLICY, alpha=0.0125)
    assert (found.outcome, found.figures["failed"], found.figures["requests"]) == ("harm", 50, 500)
    assert checks.failures(answers(failed=np.arange(1_000) == 0), POLICY, alpha=0.0125).outcome == "passed"
    one_request = answers(failed=failed, request=np.zeros(1_000, int))
    assert checks.failures(one_request, POLICY, alpha=0.0125).figures["failed"] == 1


def latency(policy=POLICY, **given):
    return checks.latency(answers(**given), policy, alpha=0.0125)


def test_version_that_is_slow_does_harm_and_is_told_by_its_p99() -> None:
    is_new = np.arange(1_000) % 2 == 0
    slow = latency(ms=np.where(is_new & (np.arange(1_000) % 10 == 0), 250.0, 5.0))
    assert (slow.outcome, slow.figures["p99_ms"], slow.figures["p99_slow"]) == ("harm", 250, 100)
    assert latency().outcome == "passed"
    assert latency(late=is_new).outcome == "harm"


def test_service_that_is_slow_whoever_answers_is_for_a_person() -> None:
    found = latency(ms=np.full(1_000, 250.0))
    assert (found.outcome, "the champion's took longer in 500 of 500" in found.text) == ("look", True)


def test_half_of_the_requests_are_held_against_their_own_limit() -> None:
    policy = RolloutParams(slo_p50_ms=10, slo_p99_ms=None)
    is_new = np.arange(1_000) % 2 == 0
    found = latency(policy, ms=np.where(is_new, 20.0, 5.0))
    assert (found.outcome, found.figures["p50_ms"]) == ("harm", 20)
    assert latency(RolloutParams(slo_p99_ms=None)).outcome == "not applicable"


def test_version_that_refers_more_does_harm_and_a_shadow_refers_nothing() -> None:
    is_new, half = np.arange(1_000) % 2 == 0, np.arange(1_000) % 4 == 0
    assert checks.referred(answers(referred=is_new & half), POLICY, alpha=0.0125).outcome == "harm"
    assert checks.referred(answers(), POLICY, alpha=0.0125).outcome == "passed"
    assert checks.referred(answers(paired=True), POLICY, alpha=0.0125).outcome == "not applicable"


def test_answers_far_from_the_champions_are_for_a_person() -> None:
    is_new = np.arange(1_000) % 2 == 0
    score = np.where(is_new, 0.7, 0.5)[:, None] + RNG.normal(0, 0.1, (1_000, 1))
    assert checks.shift(answers(score=score), POLICY, alpha=0.0125).outcome == "look"
    assert checks.shift(answers(paired=True, score=score + 0.2), POLICY, alpha=0.0125).outcome == "look"
    same = RNG.normal(0.5, 0.1, (1_000, 1))
    assert checks.shift(answers(score=same), POLICY, alpha=0.0125).outcome == "passed"
    assert checks.shift(answers(0), POLICY, alpha=0.0125).outcome == "waits"


def test_values_shift_in_standard_deviations_of_the_champions() -> None:
    is_new = np.arange(1_000) % 2 == 0
    value = RNG.normal(0, 1_000, (1_000, 1)) + np.where(is_new, 600.0, 0.0)[:, None]
    assert checks.shift(answers(task="regression", score=value), POLICY, alpha=0.0125).outcome == "look"


def test_rows_and_hours_have_to_be_there() -> None:
    assert checks.rows(answers(150), POLICY).outcome == "waits"
    assert checks.rows(answers(400), POLICY).outcome == "passed"
    assert checks.time(timedelta(hours=23), POLICY).outcome == "waits"
    assert checks.time(timedelta(hours=-2), POLICY).outcome == "waits"
    assert checks.time(timedelta(hours=24), POLICY).outcome == "passed"


def test_nothing_is_said_to_be_well_of_a_version_that_nobody_asked_yet() -> None:
    none = answers(100, is_new=np.zeros(100, bool))
    policy = RolloutParams()
    assert checks.failures(none, policy, alpha=0.01).outcome == "waits"
    assert checks.latency(none, policy, alpha=0.01).outcome == "waits"
    assert checks.rows(none, policy).outcome == "waits"
