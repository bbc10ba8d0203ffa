"""The gate errs as often as it says, and sees what it says: each figure is stated, measured in a known world, printed.

Run with ``-s`` to read the figures. A tolerance is what chance leaves with so many runs: a rate is refused that would
be as great with a probability of 0.1 %.
"""

from dataclasses import replace
from datetime import timedelta
from typing import NamedTuple

import numpy as np
import pytest
from gates import NOW, POLICY, World, contender, held, one_by_one, prior, question, rival
from scipy import stats

from evergreen.decisions.gate import decision as gate
from evergreen.decisions.gate.campaign import Asked, next_level
from evergreen.decisions.gate.checks import slices
from evergreen.decisions.gate.paired import FEWEST_CLUSTERS, compare
from evergreen.decisions.gate.sees import exceeds, sees
from evergreen.learning.evaluation.clusters import Clusters, clustered_error

ALPHA = POLICY.alpha
FIRST = next_level((), now=NOW, alpha=ALPHA).level  # of a campaign
ROWS, DAYS = World(5_000), World(5_000, days=30, shock=0.2)
STORMS = {
    "90 days": World(5_000, days=90, shock=0.2),
    "30 days": DAYS,
    "14 days": World(5_000, days=14, shock=0.2),
}
REMEMBERED = {
    f"{days} days, {memory} from day to day": World(5_000, days=days, shock=0.2, memory=memory)
    for days in (14, 30)
    for memory in (0.3, 0.5)
}


def most(runs, share=ALPHA):
    """Return the greatest rate that so many runs of an error of `share` show but once in a thousand."""
    return stats.binom.isf(0.001, runs, share) / runs


def generators(runs, seed):
    return (np.random.default_rng([seed, run]) for run in range(runs))


def pairs(world, aucs, runs, seed=0):
    """Yield the comparison of two models, in new rows each time."""
    for rng in generators(runs, seed):
        rows, (ours, theirs) = world.draw(rng, *aucs)
        yield compare("roc_auc", rows, ours, theirs)


def share(outcomes, of):
    return sum(outcome == of for outcome in outcomes) / len(outcomes)


def answers(world, aucs, runs, *, rule, level, seed=0, margin=POLICY.champion_margin):
    """Return what a rule answers in new rows each time."""
    policy = POLICY.model_copy(update={"champion_margin": margin})
    outcomes = []
    for rng in generators(runs, seed):
        rows, (ours, theirs) = world.draw(rng, *aucs)
        given = {"policy": policy, "rule": rule, "level": level}
        outcomes.append(held(rows, contender(ours), rival(theirs), **given).outcome)
    return outcomes


# Superiority


def test_superiority_promotes_the_same_recipe_no_more_often_than_stated():
    promoted = share(answers(World(500), (0.7, 0.7), 400, rule="superiority", level=ALPHA), "passed")

    print(f"same recipe twice, 500 rows: stated {ALPHA:.1%}, measured {promoted:.1%}")
    assert promoted <= most(400)


@pytest.mark.long
@pytest.mark.parametrize("world", [ROWS, DAYS], ids=["rows", "days"])
@pytest.mark.parametrize("level", [ALPHA, FIRST])
def test_superiority_promotes_the_same_recipe_no_more_often_than_stated_in_long(world, level):
    promoted = share(answers(world, (0.7, 0.7), 1_000, rule="superiority", level=level), "passed")

    print(f"same recipe twice, {world.days or 'no'} days: stated {level:.2%}, measured {promoted:.2%}")
    assert promoted <= most(1_000, level)


@pytest.mark.long
def test_whole_gate_promotes_the_same_recipe_no_more_often_than_stated():
    promoted = 0
    for rng in generators(500, 1):
        rows, (ours, theirs) = ROWS.draw(rng, 0.7, 0.7)
        promoted += gate.decide(question(rows, theirs, rule="superiority"), [contender(ours)]).promote

    print(f"same recipe twice before the whole gate: stated {FIRST:.2%}, measured {promoted / 500:.2%}")
    assert promoted / 500 <= most(500, FIRST)


# Refresh


@pytest.mark.long
@pytest.mark.parametrize("world", [ROWS, STORMS["90 days"], DAYS], ids=["rows", "90 days", "30 days"])
@pytest.mark.parametrize("loss", [0.01, 0.03, None])
def test_worse_model_is_refused_as_often_as_the_gate_said_it_would_be(world, loss):
    margins, runs = np.array([0.0, 0.01]), 1_000
    if loss is None:  # what it detects, without a margin
        given = {"rule": "refresh", "margin": 0.0, "alpha": ALPHA, "level": ALPHA}
        before = [sees(paired, **given) for paired in pairs(world, (0.7, 0.7), 60, seed=2)]
        loss = float(np.mean([said.detects for said in before if said]))
    printed, refused = np.zeros(2), np.zeros(2)
    for paired in pairs(world, (0.7 - loss, 0.7), runs, seed=3):
        if not paired.why_not:
            printed += [exceeds(paired.error, loss - margin, ALPHA) for margin in margins]
            refused += paired.high(ALPHA) < -margins

    for margin, said, done in zip(margins, printed / runs, refused / runs, strict=True):
        print(f"{world.days or 'no'} days, {loss:.3f} worse, margin {margin}: printed {said:.1%}, refused {done:.1%}")
    # So few days tell their own error less exactly: where a loss is refused half the time, 2 to 3.4 points too many are
    # printed.
    assert refused / runs == pytest.approx(printed / runs, abs=0.05 if world is DAYS else 0.03)


def test_worse_model_is_refused_about_as_often_as_said_in_short():
    said, refused = [], 0
    for rng in generators(100, 4):
        rows, (ours, theirs) = World(1_000).draw(rng, 0.67, 0.7)
        paired = compare("roc_auc", rows, ours, theirs)
        said.append(sees(paired, rule="refresh", margin=0.0, alpha=ALPHA, level=ALPHA).worse[1].probability)
        given = {"policy": POLICY.model_copy(update={"champion_margin": 0.0}), "rule": "refresh", "level": ALPHA}
        refused += held(rows, contender(ours), rival(theirs), **given).outcome == "failed"

    print(f"1,000 rows, 3 pp worse: printed {np.mean(said):.1%}, refused {refused / 100:.0%}")
    assert 0.5 < np.mean(said) < 0.99
    assert refused / 100 == pytest.approx(np.mean(said), abs=0.1)


# A gain of three points


@pytest.mark.parametrize(("rule", "level"), [("superiority", FIRST), ("refresh", ALPHA)])
def test_gain_of_three_points_passes_on_5000_rows(rule, level):
    passed = share(answers(ROWS, (0.73, 0.7), 60, rule=rule, level=level, seed=5), "passed")

    print(f"{rule}, +3 pp, 5,000 rows: stated 80 %, measured {passed:.0%}")
    assert passed >= 0.8


@pytest.mark.parametrize(("rule", "level"), [("superiority", FIRST), ("refresh", ALPHA)])
def test_gain_of_three_points_is_left_open_by_100_rows(rule, level):
    left_open = share(answers(World(100), (0.73, 0.7), 200, rule=rule, level=level, seed=6), "inconclusive")

    print(f"{rule}, +3 pp, 100 rows: inconclusive {left_open:.0%}")
    assert left_open > (0.9 if rule == "superiority" else 0.5)


@pytest.mark.long
@pytest.mark.parametrize("rule", ["superiority", "refresh"])
@pytest.mark.parametrize("world", [ROWS, STORMS["90 days"], DAYS], ids=["rows", "90 days", "30 days"])
def test_whole_gate_passes_a_gain_of_three_points(rule, world):
    passed = 0
    for rng in generators(200, 7):
        rows, (ours, theirs) = world.draw(rng, 0.73, 0.7)
        passed += gate.decide(question(rows, theirs, rule=rule), [contender(ours)]).verdict == "PASS"

    print(f"{rule}, +3 pp, 5,000 rows in {world.days or 'no'} days: stated 80 %, measured {passed / 200:.0%}")
    # 30 days with storms, each of which counts once, do not see three points at the level of a campaign: 58 %.
    assert passed / 200 >= (0.8 if rule == "refresh" or world is not DAYS else 0.45)


# One slice


def sliced(n, of_slice):
    """Return ten slices of n rows, the first of which has so many."""
    edges = np.concatenate([[0, of_slice], of_slice + np.arange(1, 10) * (n - of_slice) // 9])
    at = np.arange(n)
    return {f"carrier={i}": (at >= edges[i]) & (at < edges[i + 1]) for i in range(10)}


def refused_slices(n, of_slice, runs, seed):
    inside = sliced(n, of_slice)
    named = 0
    for rng in generators(runs, seed):
        # The better mean is that of the nine others; the slice loses ten points.
        rows, (ours, theirs) = World(n).draw(rng, np.where(inside["carrier=0"], 0.60, 0.73), 0.7)
        check = slices.check(replace(rows, slices=inside), contender(ours), rival(theirs), POLICY)
        named += check.outcome == "failed" and check.evidence["worst"] == "carrier=0"
    return named / runs


def test_slice_that_loses_ten_points_is_named_and_refuses_a_better_mean():
    named = refused_slices(2_000, 400, 40, seed=8)

    print(f"one of ten slices, 400 of 2,000 rows, loses 10 pp: refused and named {named:.0%}")
    assert named >= 0.9


@pytest.mark.long
@pytest.mark.parametrize(("of_slice", "least"), [(200, 0.8), (400, 0.95), (1_000, 0.99)])
def test_slice_that_loses_ten_points_is_named_in_long(of_slice, least):
    named = refused_slices(5_000, of_slice, 200, seed=9)

    print(f"one of ten slices, {of_slice} of 5,000 rows, loses 10 pp: refused and named {named:.0%}")
    assert named >= least


# Days with a storm


def errors(world, runs, seed):
    """Return how often the same recipe is shown to be better: by clusters, and by rows as if each stood alone."""
    shown = np.zeros(2)
    for rng in generators(runs, seed):
        rows, (ours, theirs) = world.draw(rng, 0.7, 0.7)
        of_days, of_rows = (compare("roc_auc", these, ours, theirs) for these in (rows, one_by_one(rows)))
        shown += [not of_days.why_not and of_days.low(ALPHA) > 0, of_rows.low(ALPHA) > 0]
    return shown / runs


def test_storms_are_no_evidence_where_rows_alone_would_see_a_difference():
    by_days, by_rows = errors(World(2_000, days=14, shock=0.4), 250, seed=10)

    print(f"14 days with storms: stated {ALPHA:.0%}, by days {by_days:.1%}, by rows {by_rows:.1%}")
    assert by_days <= most(250)
    assert by_rows > 3 * ALPHA


@pytest.mark.long
@pytest.mark.parametrize("days", STORMS)
def test_storms_are_no_evidence_in_long(days):
    by_days, by_rows = errors(STORMS[days], 1_000, seed=11)

    print(f"{days}, correlation 0.2 within: stated {ALPHA:.0%}, by days {by_days:.1%}, by rows {by_rows:.1%}")
    assert by_days <= most(1_000)
    assert by_rows > (2 if days == "90 days" else 3) * ALPHA


@pytest.mark.long
@pytest.mark.parametrize("days", REMEMBERED)
def test_storms_that_last_are_mostly_seen_through(days):
    by_days, by_rows = errors(REMEMBERED[days], 1_000, seed=12)

    print(f"{days}: stated {ALPHA:.0%}, by days {by_days:.1%}, by rows {by_rows:.1%}")
    assert by_days <= 0.1  # not what is stated: so few days do not tell how long a storm lasts
    assert by_rows > 3 * ALPHA


@pytest.mark.long
@pytest.mark.parametrize("uneven", [0.5, 1.0])
@pytest.mark.parametrize("days", [14, 30, 90])
def test_intervals_of_uneven_days_hold_the_true_gain(days, uneven):
    world, runs = World(5_000, days=days, shock=0.2, uneven=uneven), 1_000
    held = sum(paired.low(0.025) <= 0.02 <= paired.high(0.025) for paired in pairs(world, (0.72, 0.7), runs, seed=13))

    print(f"{days} days, logarithm of sizes spread by {uneven}: stated 95 %, measured {held / runs:.1%}")
    assert held / runs >= 0.92


# Campaigns


class Levels(NamedTuple):
    """What the gates of a campaign without a promotion are given, and their limits."""

    levels: np.ndarray

    def limits(self, df):
        return stats.t.isf(self.levels, df)


def campaign_levels(nights):
    history: list[Asked] = []
    levels = []
    for night in range(nights):
        now = NOW + timedelta(days=night)
        levels.append(next_level(history, now=now, alpha=ALPHA).level)
        history.append(Asked(at=now, rule="superiority", given=levels[-1], level=0.0, promoted=False, rows=""))
    return Levels(np.array(levels))


def test_draws_of_campaigns_are_like_the_real_thing():
    ratios = [paired.gain / paired.error.se for paired in pairs(World(1_000), (0.7, 0.7), 200, seed=14)]

    assert stats.kstest(ratios, "t", (999,)).pvalue > 0.01
    gains = [paired.gain / paired.error.se for paired in pairs(World(1_000), (0.73, 0.7), 50, seed=14)]
    assert stats.kstest(gains, "t", (999,)).pvalue < 1e-6  # it would see a difference


@pytest.mark.parametrize("nights", [30, 200, 365])
def test_campaign_of_worthless_candidates_promotes_one_no_more_often_than_stated(nights):
    campaigns = 10_000
    ratios = np.random.default_rng(15).standard_t(4_999, size=(campaigns, nights))

    kept = (ratios > campaign_levels(nights).limits(4_999)).any(axis=1).mean()
    nightly = (ratios > stats.t.isf(ALPHA, 4_999)).any(axis=1).mean()

    print(f"{nights} nights, new rows: stated {ALPHA:.0%}, measured {kept:.1%}, each at 5 % {nightly:.1%}")
    assert kept <= most(campaigns)
    assert nightly == pytest.approx(1 - 0.95**nights, abs=0.015)


def windows(rng, nights, length, alike):
    """Return the gains of candidates of nights in a row on each of the last days, shape (nights, length).

    `alike`: of the variance of a day's gain, what all candidates have in common: they are of one recipe, and held
    against one champion.
    """
    of_day = np.sqrt(alike) * rng.normal(size=nights + length)
    shared = np.lib.stride_tricks.sliding_window_view(of_day, length)[:nights]
    return shared + np.sqrt(1 - alike) * rng.normal(size=(nights, length))


def overlapping(campaigns, nights, length, seed, gain_at=None):
    """Return, of campaigns whose nights share all days but one, which promote a worthless candidate and which pass the
    one at night `gain_at`, whose gain is five standard errors.
    """
    levels = campaign_levels(nights).levels
    clusters = Clusters("day", np.arange(length), in_time=True)
    promoted, passed = [], []
    for rng in generators(campaigns, seed):
        gains = windows(rng, nights, length, alike=0.5)
        means = gains.mean(axis=1)
        errors = [clustered_error((of - of.mean()) / length, clusters) for of in gains]
        usable = np.array([error.n_effective >= FEWEST_CLUSTERS for error in errors])
        limits = stats.t.isf(levels, [max(error.df, 1e-9) for error in errors]) * [error.se for error in errors]
        promoted.append(bool((usable & (means > limits)).any()))
        if gain_at is not None:
            passed.append(bool(usable[gain_at] and means[gain_at] + 5 / np.sqrt(length) > limits[gain_at]))
    return np.mean(promoted), np.mean(passed) if passed else None


def test_campaign_of_overlapping_rows_promotes_one_no_more_often_than_stated():
    promoted, _ = overlapping(40, 60, 14, seed=16)

    print(f"60 nights, 13 of 14 days shared: stated {ALPHA:.0%}, measured {promoted:.1%}")
    assert promoted <= most(40)


@pytest.mark.long
@pytest.mark.parametrize("length", [14, 30, 90])
def test_campaign_of_200_nights_of_overlapping_rows_promotes_one_no_more_often_than_stated(length):
    promoted, passed = overlapping(500, 200, length, seed=17, gain_at=99)

    print(f"200 nights, all of {length} days shared but one: stated {ALPHA:.0%}, measured {promoted:.1%}; ", end="")
    print(f"a gain of five standard errors at night 100 passes in {passed:.0%}")
    assert promoted <= most(500)


@pytest.mark.parametrize("nights", [1, 30, 100, 365])
def test_gain_of_three_points_passes_late_in_a_campaign_too(nights):
    level = campaign_levels(nights).levels[-1]

    passed = share(answers(ROWS, (0.73, 0.7), 40, rule="superiority", level=level, seed=18), "passed")

    print(f"+3 pp at night {nights}, level {level:.5f}, 5,000 rows: stated 80 %, measured {passed:.0%}")
    assert passed >= 0.8


@pytest.mark.long
@pytest.mark.parametrize("days", STORMS)
def test_gain_of_three_points_at_night_100_in_days_with_storms_passes_as_often_as_said(days):
    level, runs = campaign_levels(100).levels[-1], 300
    printed = passed = 0.0
    for paired in pairs(STORMS[days], (0.73, 0.7), runs, seed=18):
        if not paired.why_not:
            printed += exceeds(paired.error, 0.03, level)
            passed += paired.low(level) > 0

    print(f"+3 pp at night 100, 5,000 rows in {days}: printed {printed / runs:.0%}, passes in {passed / runs:.0%}")
    assert passed / runs == pytest.approx(printed / runs, abs=0.1)


# The same rows again and again


def chosen_from_the_same_rows(campaigns, *, rule, seed, policy=POLICY, candidates=20, n=1_000):
    """Return how many campaigns promote at least one of many candidates, each a point worse, before the same rows: at
    all, because it was shown to be equal or better, and by the interval that the gate had before.
    """
    counts = np.zeros(3)
    for rng in generators(campaigns, seed):
        rows, (theirs, *others) = World(n).draw(rng, 0.7, *[0.69] * candidates)
        history: list[Asked] = []
        at_all = shown = before = False
        for night, ours in enumerate(others):
            now = NOW + timedelta(hours=night)
            paired = compare("roc_auc", rows, ours, theirs)
            before = before or paired.gain - 1.96 * paired.error.se > -POLICY.champion_margin
            asks = question(rows, theirs, rule=rule, policy=policy, history=tuple(history), now=now, prior=prior(n))
            verdict = gate.decide(asks, [contender(ours)])
            shown = shown or (verdict.verdict == "PASS" and not at_all)
            at_all = at_all or verdict.promote
            given = verdict.level.level if verdict.level else 0.0
            history.append(Asked(at=now, rule=rule, given=given, level=0.0, promoted=False, rows=rows.digest))
        counts += [at_all, shown, before]
    return counts / campaigns


@pytest.mark.long
def test_superiority_promotes_one_of_20_worse_candidates_no_more_often_than_stated():
    promoted, _, before = chosen_from_the_same_rows(150, rule="superiority", seed=19)

    print(f"20 candidates 1 pp worse, the same 1,000 rows: stated {ALPHA:.0%}, measured {promoted:.1%}, ", end="")
    print(f"by an interval above the margin {before:.0%}")
    assert promoted <= ALPHA
    assert before > 3 * ALPHA


@pytest.mark.long
@pytest.mark.parametrize("unclear", ["newer", "keep"])
def test_refresh_takes_what_the_rows_leave_open_or_what_they_show_no_more_often_than_stated(unclear):
    policy = POLICY.model_copy(update={"when_unclear": unclear})
    promoted, shown, _ = chosen_from_the_same_rows(100, rule="refresh", policy=policy, seed=20)

    print(f"20 refreshes 1 pp worse, the same 1,000 rows, {unclear}: promoted {promoted:.0%}, ", end="")
    print(f"shown to be equal {shown:.0%}")
    assert promoted > 0.5 if unclear == "newer" else promoted == shown


# Creep


def lost_in_a_year(campaigns, *, guarded, seed, each=0.007, refreshes=12):
    """Return the mean loss against the first champion after a year of refreshes, each worse than the champion by less
    than the margin; a candidate that is refused leaves the champion as it is.
    """
    losses = []
    for rng in generators(campaigns, seed):
        quality, before = 0.72, []
        for _ in range(refreshes):
            rows, (theirs, ours, *others) = World(5_000, days=90, shock=0.2).draw(
                rng, quality, quality - each, *[auc for auc in before if auc != quality][:1]
            )
            former = tuple(rival(said, name=f"version {number}") for number, said in enumerate(others))
            asks = question(rows, theirs, former=former if guarded else (), prior=prior(5_000))
            if gate.decide(asks, [contender(ours)]).promote:
                before, quality = [*before, quality], quality - each
        losses.append(0.72 - quality)
    return float(np.mean(losses))


@pytest.mark.long
def test_row_of_small_losses_is_stopped_by_the_best_champion_before():
    alone, guarded = (lost_in_a_year(40, guarded=guarded, seed=30) for guarded in (False, True))

    print(f"12 refreshes, each 0.7 pp worse: {alone:.3f} are lost, with the guard {guarded:.3f}")
    assert guarded < 0.5 * alone


# All checks together


@pytest.mark.long
def test_refusals_of_equal_models_by_all_checks_add_up_to_little_more_than_one_checks_error():
    refused: list[str] = []
    for rng in generators(250, 31):
        rows, (theirs, ours, simpler, *before) = World(5_000, days=90, shock=0.2).draw(rng, *[0.7] * 6)
        rows = replace(rows, slices={f"slice {number}": rng.random(5_000) < 0.3 for number in range(8)})
        former = tuple(rival(said, name=f"version {number}") for number, said in enumerate(before))
        asks = question(rows, theirs, former=former, prior=prior(5_000))
        field = [contender(ours), contender(simpler, artifact="baseline", family="logistic")]
        first = gate.decide(asks, field).candidates[0]
        refused += [check.code for check in first.checks if check.outcome == "failed"][:1]

    print(f"equal models, three champions before, eight slices: {len(refused) / 250:.1%} refused, by {sorted(refused)}")
    assert len(refused) / 250 <= 3 * ALPHA
