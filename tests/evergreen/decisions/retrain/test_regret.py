"""What policies were worth: sums by hand, intervals against simulated days, and what is recommended when."""

from datetime import date, timedelta

import numpy as np
import pytest
from scipy import stats

from evergreen.decisions.drift.harm.days import Day
from evergreen.decisions.retrain.regret import Arm, Walked, compared_with, difference, table

MARCH = date(2024, 3, 1)


def window(losses, *, n=100, start=MARCH, value=0.7):
    """Return a window with a day for each loss."""
    days = tuple(Day(day=start + timedelta(days=k), n=n, loss=float(loss)) for k, loss in enumerate(losses))
    end = start + timedelta(days=len(losses))
    return Walked(
        start=start, end=end, versions=(1,), days=days, value=value, decision="d", triggers=(), outcome="keep"
    )


def arm(policy, *windows, trainings=0, **more):
    return Arm(policy=policy, walked=windows, trainings=trainings, **{"repairs": 0, "refused": 0, **more})


def months(*losses_by_month):
    """Return windows that follow each other."""
    found, start = [], MARCH
    for losses in losses_by_month:
        found.append(window(losses, start=start))
        start = found[-1].end
    return found


def row(found, policy):
    return next(each for each in found.rows if each.policy == policy)


def test_regret_is_the_loss_above_the_best_arm_of_each_window_and_the_cost_of_trainings():
    never = arm("never", *months([10, 10], [30, 30]))
    monthly = arm("every-1", *months([12, 12], [20, 20]), trainings=2, refused=1)
    found = table([never, monthly], training_cost=5.0)
    assert (row(found, "never").regret, row(found, "never").cost) == (20.0, 0.0)  # 20 + 60 of a best of 20 + 40
    assert (row(found, "every-1").regret, row(found, "every-1").cost) == (4.0 + 10.0, 10.0)
    assert (row(found, "never").loss, row(found, "every-1").loss) == (80 / 400, 64 / 400)
    assert (found.windows, found.answered, found.days) == (2, 400, 4)
    assert row(found, "never").difference == 16.0 - 10.0
    assert row(found, "every-1").difference is None  # it is what the others are compared with
    assert row(found, "every-1").refused == 1


def test_metric_is_the_mean_of_the_windows_that_could_be_measured():
    one, two, three = (window([1, 1], value=value) for value in (0.6, None, 0.7))
    found = table([arm("never", one, two, three)], training_cost=1.0)
    assert row(found, "never").metric == pytest.approx(0.65)
    assert row(table([arm("never", two)], training_cost=1.0), "never").metric is None


def test_interval_is_that_of_a_t_test_on_paired_days_that_do_not_hang_together():
    rng = np.random.default_rng(3)
    shared, gain = rng.uniform(10, 60, 200), rng.normal(-2, 4, 200)
    gain -= 0.01 * np.arange(200) % 2  # alternating, so that no day is like the one before
    ours, theirs = arm("harm", window(shared + gain)), arm("every-1", window(shared))
    found = difference(ours, theirs, alpha=0.025)
    by_hand = stats.t.isf(0.025, 199) * gain.std(ddof=1) * np.sqrt(200)
    assert found.loss == pytest.approx(gain.sum())
    assert found.half == pytest.approx(by_hand, rel=0.15)  # which knows of no autocorrelation, and this one measures it
    assert found.half < 0.3 * stats.t.isf(0.025, 199) * shared.std(ddof=1) * np.sqrt(400)  # unpaired


def test_best_periodic_policy_is_what_the_others_are_compared_with_or_else_never_or_the_first():
    cheap, dear = arm("every-3", *months([20, 20]), trainings=1), arm("every-1", *months([19, 19]), trainings=9)
    never, harm = arm("never", *months([30, 30])), arm("harm", *months([5, 5]))
    assert compared_with([dear, cheap, never, harm], training_cost=5.0) == (cheap, "the best every-k")
    assert compared_with([dear, cheap], training_cost=0.0)[0] == dear
    assert compared_with([harm, dear], training_cost=5.0) == (dear, "the only every-k")
    assert compared_with([harm, never], training_cost=5.0) == (never, "there is no every-k among the policies")
    assert compared_with([harm], training_cost=5.0)[0] == harm


def test_policy_that_is_surely_cheaper_is_recommended_with_what_it_saves():
    rng = np.random.default_rng(5)
    base = rng.uniform(20, 40, 60)
    monthly = arm("every-1", window(base), trainings=9)
    better = arm("harm", window(base - rng.uniform(1, 2, 60)), trainings=1)
    worse = arm("never", window(base + rng.uniform(5, 6, 60)))
    found = table([worse, monthly, better], training_cost=20.0)
    assert found.recommended == "harm"
    assert found.recommendation.startswith("take harm: it costs ")
    assert "wholly wrong answers less than every-1" in found.recommendation
    assert "with 1 trainings instead of 9" in found.recommendation
    assert row(found, "harm").high < 0 < row(found, "never").low


def test_policy_that_may_be_cheaper_by_chance_is_not_recommended():
    rng = np.random.default_rng(7)
    base = rng.uniform(20, 40, 30)
    close = arm("harm", window(base + rng.normal(-0.2, 3, 30)))
    found = table([arm("every-1", window(base)), close], training_cost=0.0)
    assert found.recommended is None
    assert found.recommendation.startswith("no policy beats every-1 here; the nearest, harm, costs ")
    assert found.recommendation.endswith("which chance can make")


def test_no_policy_beats_one_that_is_surely_better_or_the_same():
    base = np.linspace(20, 40, 30)
    worse = table([arm("every-1", window(base)), arm("never", window(base + 5))], training_cost=0.0)
    assert worse.recommended is None
    assert "chance" not in worse.recommendation
    same = table([arm("every-1", window(base)), arm("never", window(base))], training_cost=0.0)
    assert same.recommendation == "no policy beats every-1 here; the nearest, never, costs as much as every-1"


def test_cost_of_trainings_alone_can_decide():
    base = np.linspace(20, 40, 30)
    found = table([arm("every-1", window(base), trainings=9), arm("never", window(base))], training_cost=20.0)
    assert found.recommended == "never"
    assert (row(found, "never").low, row(found, "never").high) == (-180.0, -180.0)


@pytest.mark.parametrize("losses", [[], [7.0]])
def test_too_few_days_give_no_interval_and_no_recommendation(losses):
    found = table([arm("every-1", window(losses)), arm("harm", window([0.0] * len(losses)))], training_cost=1.0)
    assert (row(found, "harm").difference, row(found, "harm").high) == (-sum(losses), None)
    assert (found.recommended, found.recommendation) == (None, "no policy beats every-1 here")


def test_one_policy_alone_is_compared_with_nobody():
    found = table([arm("harm", window([1, 2, 3]))], training_cost=1.0)
    assert (found.against, found.recommended, row(found, "harm").regret) == ("harm", None, 0.0)


def test_more_policies_widen_the_intervals_so_that_all_hold_together():
    rng = np.random.default_rng(11)
    base = rng.uniform(20, 40, 40)
    others = [arm(f"rows-{k}", window(base + rng.normal(0, 3, 40))) for k in range(5)]
    two = table([arm("every-1", window(base)), others[0]], training_cost=0.0)
    six = table([arm("every-1", window(base)), *others], training_cost=0.0)
    widths = [each.high - each.low for each in (row(two, "rows-0"), row(six, "rows-0"))]
    assert widths[1] > 1.2 * widths[0]


@pytest.mark.long
def test_no_policy_is_recommended_more_often_than_stated_where_none_is_better():
    assert wrongly_recommended(2_000) <= 0.05


def test_no_policy_is_recommended_more_often_than_stated_where_none_is_better_thinned():
    assert wrongly_recommended(200) <= 0.05


def wrongly_recommended(rounds):
    """Return how often one of five policies is recommended that differ from every-1 by noise that hangs together."""
    rng, wrong = np.random.default_rng(13), 0
    for _ in range(rounds):
        base = rng.uniform(20, 40, 300)
        noise = rng.normal(0, 2, (5, 300))
        for day in range(1, 300):
            noise[:, day] += 0.4 * noise[:, day - 1]
        arms = [arm("every-1", window(base)), *(arm(f"rows-{k}", window(base + noise[k])) for k in range(5))]
        wrong += table(arms, training_cost=0.0).recommended is not None
    return wrong / rounds
