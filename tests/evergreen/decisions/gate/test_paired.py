"""Two models on the same rows: the sign, the size and the error of their difference, held against other ways to it."""

from dataclasses import replace

import numpy as np
import pytest
from gates import World, classes, numbers, one_by_one, said
from scipy import stats
from sklearn.metrics import balanced_accuracy_score, log_loss, r2_score, roc_auc_score

from evergreen.decisions.gate.evidence import GateRows
from evergreen.decisions.gate.paired import compare
from evergreen.learning.evaluation.clusters import Clusters
from evergreen.learning.evaluation.difference import difference
from evergreen.learning.evaluation.estimates import Estimates


def drawn(world, seed, *aucs):
    return world.draw(np.random.default_rng(seed), *aucs)


def test_gain_is_ours_minus_theirs_where_more_is_better():
    rows, (ours, theirs) = drawn(World(2_000), 1, 0.75, 0.68)

    paired = compare("roc_auc", rows, ours, theirs)

    first, second = (roc_auc_score(rows.labels, model.values) for model in (ours, theirs))
    assert (paired.ours, paired.theirs) == pytest.approx((first, second))
    assert paired.gain == pytest.approx(first - second)
    assert paired.gain > 0.03


def test_gain_is_theirs_minus_ours_where_less_is_better():
    rows, (ours, theirs) = drawn(World(2_000), 1, 0.75, 0.6)

    paired = compare("log_loss", rows, ours, theirs)

    assert paired.gain == pytest.approx(log_loss(rows.labels, theirs.values) - log_loss(rows.labels, ours.values))
    assert paired.gain > 0.01


def test_swapped_models_have_the_opposite_gain_with_the_same_error():
    rows, (ours, theirs) = drawn(World(1_000, days=20, shock=0.2), 2, 0.75, 0.7)

    there, back = compare("roc_auc", rows, ours, theirs), compare("roc_auc", rows, theirs, ours)

    assert back.gain == pytest.approx(-there.gain)
    assert back.error.se == pytest.approx(there.error.se)
    assert back.high(0.05) == pytest.approx(-there.low(0.05))


def test_gains_of_classes_and_numbers_are_those_of_their_metrics():
    rows, (ours, theirs) = classes(np.random.default_rng(3), {"ash": 60, "beech": 40}, 0.8, 0.6)
    answers = [model.compared.astype(str) for model in (ours, theirs)]
    first, second = (balanced_accuracy_score(rows.labels.astype(str), said) for said in answers)
    assert compare("balanced_accuracy", rows, ours, theirs).gain == pytest.approx(first - second)

    rows, (ours, theirs) = numbers(np.random.default_rng(3), 100, 0.5, 0.7)
    first, second = (r2_score(rows.labels, model.values) for model in (ours, theirs))
    assert compare("r2", rows, ours, theirs).gain == pytest.approx(first - second)


def test_error_of_rows_alone_is_that_of_delong():
    rows, (ours, theirs) = drawn(World(1_000), 4, 0.72, 0.7)

    by_delong = difference("binary", rows.labels, ours.values, theirs.values, confidence=0.95)

    se = (by_delong.high - by_delong.difference) / stats.norm.isf(0.025)
    assert compare("roc_auc", rows, ours, theirs).error.se == pytest.approx(se, rel=0.01)


def test_error_of_days_is_that_of_leaving_out_one_day_after_the_other():
    rows, (ours, theirs) = drawn(World(2_000, days=40, shock=0.3), 5, 0.72, 0.7)
    alike = replace(rows, clusters=replace(rows.clusters, in_time=False))
    without = []
    for day in range(40):
        kept = rows.clusters.codes != day
        without.append(np.subtract(*(roc_auc_score(rows.labels[kept], m.values[kept]) for m in (ours, theirs))))

    jackknife = np.sqrt(39 / 40 * ((without - np.mean(without)) ** 2).sum())

    assert compare("roc_auc", alike, ours, theirs).error.se == pytest.approx(jackknife, rel=0.05)
    assert jackknife > 1.5 * compare("roc_auc", one_by_one(rows), ours, theirs).error.se


def test_low_and_high_are_as_far_from_the_gain_as_students_t_says():
    rows, (ours, theirs) = drawn(World(2_000), 6, 0.72, 0.7)

    paired = compare("roc_auc", rows, ours, theirs)

    half = stats.t.isf(0.05, paired.error.df) * paired.error.se
    assert (paired.low(0.05), paired.high(0.05)) == pytest.approx((paired.gain - half, paired.gain + half))


def test_comparison_looks_at_the_rows_it_is_given_alone():
    rows, (ours, theirs) = drawn(World(2_000), 7, 0.75, 0.7)
    half = np.arange(2_000) < 1_000
    elsewhere = Estimates("binary", np.where(half, ours.values, 1 - ours.values))

    assert compare("roc_auc", rows, elsewhere, theirs, on=half) == compare("roc_auc", rows, ours, theirs, on=half)
    assert compare("roc_auc", rows, ours, theirs, on=half).n_rows == 1_000


@pytest.mark.parametrize(
    ("labels", "days", "why_not"),
    [
        ([True] * 40, 10, "undefined on these rows"),
        ([True, False] * 20, 7, "7 days; at least 8 are needed"),
        ([True] * 4 + [False] * 36, 40, "4 days with the rarest class; at least 5 are needed"),
        ([], 0, "undefined on these rows"),
    ],
)
def test_rows_that_say_nothing_or_too_little_say_why(labels, days, why_not):
    n = len(labels)
    rng = np.random.default_rng(8)
    rows = GateRows(np.array(labels, dtype=bool), Clusters("day", np.arange(n) % max(days, 1), in_time=False))

    paired = compare("roc_auc", rows, *(Estimates("binary", rng.random(n)) for _ in range(2)))

    assert paired.why_not == why_not


def test_days_that_hang_together_count_as_few():
    level = np.repeat([0.5, -0.5], 7)  # of two models, one is better for a week, and the other for the next
    labels = np.tile([1.0, -1.0], 140)
    codes = np.repeat(np.arange(14), 20)
    rows = GateRows(labels, Clusters("day", codes, in_time=True))
    ours, theirs = (Estimates("regression", labels * (1 + sign * level[codes])) for sign in (1, -1))
    theirs = Estimates("regression", labels * (1 - 0.6 * level[codes] + 0.3))

    paired = compare("r2", rows, ours, theirs)

    assert paired.error.autocorrelation > 0.5
    assert paired.why_not.startswith("14 days that hang together")


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_estimate_that_is_no_number_leaves_nothing_to_compare(bad):
    rows, (ours, theirs) = numbers(np.random.default_rng(9), 100, 0.5, 0.7)
    broken = Estimates("regression", np.where(np.arange(100) == 50, bad, ours.values))

    assert compare("r2", rows, broken, theirs).why_not == "undefined on these rows"
    assert compare("r2", rows, theirs, broken).why_not == "undefined on these rows"


def test_class_with_few_rows_is_left_out_and_blocks_nothing():
    rng = np.random.default_rng(10)
    rows, (ours, theirs) = classes(rng, {"ash": 100, "beech": 100, "yew": 4}, 0.8, 0.6)
    common = rows.labels != "yew"

    paired = compare("balanced_accuracy", rows, ours, theirs)

    right = [model.compared[common] == rows.labels[common] for model in (ours, theirs)]
    first, second = (of[:100].mean() / 2 + of[100:].mean() / 2 for of in right)
    assert paired.why_not == ""
    assert paired.n_rows == 200
    assert paired.gain == pytest.approx(first - second)


def test_class_of_few_days_is_left_out_however_many_rows_it_has():
    rows, (ours, theirs) = classes(np.random.default_rng(11), {"ash": 100, "beech": 100, "yew": 40}, 0.8, 0.6)
    days = np.where(rows.labels == "yew", np.arange(240) % 4, np.arange(240) % 20)

    paired = compare("balanced_accuracy", replace(rows, clusters=Clusters("day", days)), ours, theirs)

    assert (paired.n_rows, paired.why_not) == (200, "")


def test_log_loss_counts_rows_of_every_class_however_few():
    rows, (ours, theirs) = classes(np.random.default_rng(10), {"ash": 100, "beech": 100, "yew": 4}, 0.8, 0.6)

    paired = compare("log_loss", rows, ours, theirs)

    first, second = (log_loss(rows.labels.astype(str), model.values, labels=model.classes) for model in (ours, theirs))
    assert (paired.n_rows, paired.why_not) == (204, "")
    assert paired.gain == pytest.approx(second - first)


def test_degrees_of_freedom_are_those_of_the_rarest_class():
    labels = np.arange(1_000) < 9
    rows = GateRows(labels, Clusters("row", np.arange(1_000)))
    known_by = []
    for seed in range(20):
        rng = np.random.default_rng([12, seed])
        models = [said(rng.normal(size=1_000) + labels, 0.7) for _ in range(2)]
        known_by.append(compare("roc_auc", rows, *models).error.df)

    assert max(known_by) == 8


def test_few_great_days_among_small_ones_count_as_few():
    sizes = [1_000] * 3 + [10] * 27
    day = np.repeat(np.arange(30), sizes)
    rng = np.random.default_rng(13)
    world = World(len(day), days=30, shock=0.5)
    even, (ours, theirs) = world.draw(rng, 0.7, 0.7)
    rows = GateRows(even.labels, Clusters("day", day))
    apart = rng.normal(size=30)[day]
    ours = said(rng.normal(size=len(day)) + 0.7 * even.labels + 0.3 * apart * even.labels, 0.7)

    paired = compare("roc_auc", rows, ours, theirs)

    assert paired.error.n == 30
    assert paired.error.df < 6  # three days make nearly all of it


@pytest.mark.parametrize("n_true", [5, 8, 20])
def test_error_is_kept_with_few_true_rows_where_one_degree_for_each_row_would_make_it_many_times_as_great(n_true):
    level, runs = 0.0077, 500
    kept = taken_as_many = 0
    for seed in range(runs):
        rng = np.random.default_rng([n_true, seed])
        labels = np.arange(400) < n_true
        common = rng.normal(size=400)
        models = [
            said(np.sqrt(0.9) * common + np.sqrt(0.1) * rng.normal(size=400) + 0.74 * labels, 0.7) for _ in range(2)
        ]
        paired = compare("roc_auc", GateRows(labels, Clusters("row", np.arange(400))), *models)
        kept += paired.low(level) > 0
        taken_as_many += paired.gain > stats.t.isf(level, 399) * paired.error.se

    print(f"{n_true} true rows: stated {level:.2%}, measured {kept / runs:.2%}, as many {taken_as_many / runs:.2%}")
    assert kept <= stats.binom.isf(0.001, runs, level)
    assert n_true > 8 or taken_as_many > 2.5 * level * runs
