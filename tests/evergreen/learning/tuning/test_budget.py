"""The budget: what would end too late is not begun, by the durations seen so far."""

import pytest

from evergreen.learning.tuning.budget import Budget


class Clock:
    """A clock that stands until it is set."""

    now = 0.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


def walk(clock, budget, durations):
    """Run trials of these durations for as long as the budget allows, and return when the last one ended."""
    for seconds in durations:
        if not budget.has_time_for_trial("logistic"):
            return clock.now
        clock.now += seconds
        budget.note_trial("logistic", seconds)
    raise AssertionError("the budget never ended")


@pytest.mark.parametrize("durations", [[3.0] * 99, [1.0, 5.0] * 99, [8.0, 2.0, 2.0] * 99, [0.3] * 999])
def test_search_ends_within_a_tenth_of_its_seconds(durations, clock):
    assert walk(clock, Budget(100, clock=clock), durations) == pytest.approx(100, rel=0.1)


def test_without_seconds_there_is_always_time(clock):
    budget = Budget(None, clock=clock)
    budget.note_trial("logistic", 1e9)
    clock.now = 1e12

    assert budget.has_time_for_trial("logistic")
    assert budget.has_time_for_fold("logistic")


def test_first_trial_is_begun_whatever_it_takes_and_folds_after_it_only_if_they_fit(clock):
    budget = Budget(10, clock=clock)

    assert budget.has_time_for_trial("gradient_boosting")
    clock.now = 6.0
    budget.note_fold("gradient_boosting", 6.0)
    assert not budget.has_time_for_fold("gradient_boosting")


def test_each_family_is_expected_to_take_as_long_as_it_did_and_a_new_one_as_the_others(clock):
    budget = Budget(100, clock=clock)
    budget.note_trial("logistic", 1.0)
    budget.note_trial("gradient_boosting", 41.0)

    clock.now = 80.0
    assert budget.has_time_for_trial("logistic")
    assert not budget.has_time_for_trial("gradient_boosting")
    assert budget.has_time_for_trial("linear")  # 21 s expected of the 25 left
    clock.now = 90.0
    assert not budget.has_time_for_trial("linear")


def test_seconds_that_earlier_parts_have_spent_count(clock):
    clock.now = 1_000.0
    budget = Budget(100, spent=90.0, clock=clock)

    assert budget.spent == 90.0
    clock.now += 16.0
    assert not budget.has_time_for_trial("logistic")
