"""The repair ladder: what a rung does is measured pair by pair, and the cheapest that helps enough is chosen."""

import numpy as np
import pytest
from scipy import stats

from evergreen.decisions.drift.harm.promise import Promise
from evergreen.decisions.retrain.ladder import (
    Prequential,
    Probed,
    Rung,
    after,
    choose,
    evidence_of,
    measured,
    prequential,
)
from evergreen.learning.evaluation.clusters import Clusters

PROMISE = Promise(loss="brier", at_gate=0.1, at_most=0.15, tolerance=0.02, evidence="")
LOSS = 0.2
THRESHOLD = Rung(name="threshold", why_not="not of this loss")
SEARCH = Rung(name="search", window="all", why_not="slow")


def rung(name, gain, *, half=0.002, restores=False, window="all"):
    return Rung(
        name=name, window=window, loss=LOSS - gain, gain=gain, low=gain - half, high=gain + half, restores=restores
    )


def chosen(*rungs, broken=True, champion=LOSS, min_gain=0.01):
    probed = Probed(evidence="", champion_loss=champion, rungs=(THRESHOLD, *rungs, SEARCH), broken=broken)
    found = choose(probed, PROMISE, min_gain=min_gain)
    return found and (found.name, found.window)


def test_cheapest_that_restores_a_broken_promise_is_chosen_though_a_refit_gains_more():
    curve, refit = rung("recalibration", 0.06, restores=True), rung("refit", 0.09, restores=True)
    assert chosen(refit, curve) == ("recalibration", "all")


def test_where_none_restores_the_cheapest_counts_that_is_as_good_as_the_best():
    assert chosen(rung("recalibration", 0.03), rung("refit", 0.031)) == ("recalibration", "all")
    assert chosen(rung("recalibration", 0.03), rung("refit", 0.04)) == ("refit", "all")


def test_cheaper_one_that_is_as_good_on_the_same_rows_is_taken_though_days_scatter_it_more():
    scattered = rung("recalibration", 0.07, half=0.08)
    assert chosen(scattered, rung("refit", 0.03, half=0.01)) == ("recalibration", "all")
    assert chosen(scattered, broken=False) is None


def test_of_two_histories_the_one_that_gains_more_is_chosen():
    rungs = rung("refit", 0.05, restores=True), rung("refit", 0.08, restores=True, window="recent")
    assert chosen(*rungs) == ("refit", "recent")
    assert chosen(*reversed(rungs)) == ("refit", "recent")


def test_kept_promise_is_repaired_for_a_gain_that_is_sure_and_matters_and_not_for_less():
    assert chosen(rung("refit", 0.0045), broken=False) == ("refit", "all")  # its lower end is 0.0025, above 1 % of 0.2
    assert chosen(rung("refit", 0.0035), broken=False) is None
    assert chosen(rung("refit", 0.0035), broken=False, min_gain=0.0) == ("refit", "all")
    assert chosen(rung("refit", 0.05, half=0.06), broken=False) is None


def test_promise_that_restoring_rungs_keep_is_none_of_the_reasons_while_it_is_kept():
    assert chosen(rung("recalibration", 0.003, restores=True), rung("refit", 0.02, restores=True), broken=False) == (
        "refit",
        "all",
    )


def test_search_follows_where_the_promise_is_broken_and_nothing_that_was_measured_helps():
    assert chosen(rung("recalibration", 0.0), rung("refit", -0.01)) == ("search", "all")
    assert chosen() == ("search", "all")


def test_harm_that_is_over_on_the_newest_days_needs_no_search():
    assert chosen(rung("refit", 0.0), champion=0.14) is None


def test_without_figures_there_is_nothing_to_choose():
    assert choose(Probed(evidence="too few"), PROMISE, min_gain=0.01) is None


def test_next_rung_is_the_next_dearer_one_that_can_be_made():
    curve, refit = rung("recalibration", 0.01), rung("refit", 0.02)
    probed = Probed(evidence="", rungs=(curve, Rung(name="boosting", why_not="of no such family"), refit, SEARCH))
    assert after(curve, probed) == refit
    assert after(refit, probed) == SEARCH
    assert after(SEARCH, probed) is None


def test_figures_are_those_of_a_paired_t_test_by_day():
    rng = np.random.default_rng(4)
    days = np.repeat(np.arange(12), 20)
    theirs = np.clip(0.2 + 0.05 * rng.normal(size=240), 0, 1)
    ours = np.clip(theirs - 0.03 + 0.01 * rng.normal(size=12)[days], 0, 1)
    found = measured(Rung(name="refit"), theirs, ours, [Clusters("day", days)], PROMISE)

    by_day = np.array([(theirs - ours)[days == day].mean() for day in range(12)])
    low, high = stats.t.interval(0.95, 11, by_day.mean(), by_day.std(ddof=1) / np.sqrt(12))
    assert (found.gain, found.low, found.high) == pytest.approx((by_day.mean(), low, high))
    assert found.loss == pytest.approx(ours.mean())


def test_loss_restores_where_the_upper_end_of_its_interval_is_within_the_promise():
    days, theirs = np.repeat(np.arange(10), 10), np.full(100, 0.2)
    ours = np.tile([0.1, 0.12], 50)
    assert measured(Rung(name="refit"), theirs, ours, [Clusters("day", days)], PROMISE).restores
    by_day = np.where(days % 2, 0.02, 0.2)
    assert measured(Rung(name="refit"), theirs, by_day, [Clusters("day", days)], PROMISE).restores is False
    nothing = PROMISE.model_copy(update={"at_most": 1.0})
    assert measured(Rung(name="refit"), theirs, ours, [Clusters("day", days)], nothing).restores is None


def test_of_two_ways_in_which_rows_belong_together_the_less_sure_one_counts():
    days, groups = np.repeat(np.arange(10), 10), np.tile(np.arange(10), 10)
    theirs = 0.2 + 0.01 * groups
    both = measured(
        Rung(name="refit"), theirs, np.full(100, 0.1), [Clusters("day", days), Clusters("patient", groups)], PROMISE
    )
    alone = measured(Rung(name="refit"), theirs, np.full(100, 0.1), [Clusters("patient", groups)], PROMISE)
    assert (both.low, both.high) == (alone.low, alone.high)
    assert both.high - both.low > 0.01


def test_what_adjusts_answers_is_no_training():
    names = ("threshold", "recalibration", "boosting", "refit", "search")
    assert [Rung(name=name).is_training for name in names] == [False, False, True, True, True]


def over_more_days(low):
    return Prequential(days=42, gain=low + 0.01, low=low, high=low + 0.02)


def test_gain_over_more_days_is_a_reason_where_the_newest_alone_are_unsure():
    unsure = rung("refit", 0.02, half=0.05)
    assert chosen(unsure, broken=False) is None
    assert chosen(unsure.model_copy(update={"prequential": over_more_days(0.0021)}), broken=False) == ("refit", "all")
    assert chosen(unsure.model_copy(update={"prequential": over_more_days(0.0019)}), broken=False) is None


def test_gain_of_former_days_is_no_reason_where_the_newest_show_none():
    gone = rung("refit", -0.001, half=0.05).model_copy(update={"prequential": over_more_days(0.02)})
    assert gone.surely == gone.low
    assert chosen(gone, broken=False) is None


def test_newest_days_whose_spread_nobody_can_tell_leave_the_others_to_say_what_is_sure():
    refit = Rung(name="refit", window="all", loss=0.18, gain=0.02, prequential=over_more_days(0.01))
    assert refit.surely == 0.01
    assert Rung(name="refit", window="all", loss=0.18, gain=0.02).surely is None


def test_interval_over_more_days_is_one_of_97_5_percent_and_so_is_the_newest_beside_it():
    rng = np.random.default_rng(3)
    gains = rng.normal(0.01, 0.02, 40)
    every = np.arange(40)
    alone = Clusters("row", every)
    found = prequential(gains, [alone])
    expected = stats.t.interval(0.975, 39, gains.mean(), stats.sem(gains))
    assert (found.low, found.high) == pytest.approx(expected)
    assert (found.days, found.gain) == (40, pytest.approx(gains.mean()))
    theirs = np.full(40, 0.2)
    beside = measured(Rung(name="refit"), theirs, theirs - gains, [alone], PROMISE, more=found)
    assert (beside.low, beside.high) == pytest.approx(expected)
    assert beside.surely == pytest.approx(expected[0])


def test_one_day_alone_tells_nothing_over_more_days():
    assert prequential(np.full(9, 0.1), [Clusters("day", np.zeros(9, np.int64), in_time=True)]) is None


def test_sentence_names_the_newest_days_those_before_and_the_other_rungs():
    refit = rung("refit", 0.02).model_copy(update={"prequential": over_more_days(0.01)})
    assert evidence_of([rung("recalibration", 0.005), refit], refit, rows=1400, days=14) == (
        "a refit on all rows loses 0.0200 less [0.0180, 0.0220] than the champion on 1,400 rows of 14 days that the "
        "champion has not seen; over 42 days, each block of them by a refit that came before, +0.0200 "
        "[0.0100, 0.0300]; "
        "beside it, recalibration +0.0050"
    )
