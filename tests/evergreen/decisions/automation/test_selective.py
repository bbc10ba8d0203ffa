"""The error among automatic answers where people look at the hard rows: the plain mean is off, the audit is not."""

from datetime import date, timedelta

import automated
import numpy as np
import pytest
from scipy.special import expit, logit

from evergreen.decisions.automation.selective import judge

FIRST = date(2026, 1, 1)


def month(seed, *, base, hang, n_days=30, per_day=400, share=0.1):
    """Return what is judged of a month of `partial`, and what was really wrong of its automatic answers and of all."""
    rng = np.random.default_rng(seed)
    day = np.repeat(np.arange(n_days), per_day)
    n = len(day)
    is_sure = rng.random(n) < 0.8
    odds = np.where(is_sure, logit(base), logit(0.3)) + hang * automated.effects(rng, n_days, 0.5)[day]
    wrong = rng.random(n) < expit(odds)
    by = np.where(is_sure & (rng.random(n) < share), "audit", np.where(is_sure, "automatic", "unsure"))
    labels = np.where((by == "automatic") | (rng.random(n) < 0.03), np.nan, wrong)
    days = [FIRST + timedelta(int(each)) for each in day]
    found = judge(automated.decided(list(by), labels, days, shares=np.full(n, share)), confidence=0.95)
    return found, float(wrong[by == "automatic"].mean()), float(wrong.mean())


def test_counts_are_those_of_the_rows_and_automatic_labels_are_not_looked_at():
    by = ["automatic"] * 6 + ["audit"] * 2 + ["unsure"] * 2
    wrong = [1, 1, 1, np.nan, 0, 0, 0, np.nan, 1, 0]
    found = judge(
        automated.decided(by, wrong, [FIRST] * 10, shares=[np.nan] * 6 + [0.25] * 2 + [np.nan] * 2), confidence=0.95
    )

    assert (found.n_rows, found.n_automatic, found.referred) == (10, 6, 0.2)
    assert (found.n_plain, found.plain) == (3, pytest.approx(1 / 3))
    assert (found.automatic.n_asked, found.automatic.n_labels, found.automatic.n_ignored) == (2, 1, 5)
    assert found.automatic.verdict == found.everything.verdict == "not enough data"


def test_without_rows_nothing_is_known():
    found = judge(automated.decided([], [], []), confidence=0.95)
    assert (found.n_rows, found.plain, found.automatic.loss) == (0, None, None)


def test_all_answers_weigh_by_how_they_came_to_be_looked_at():
    by = ["audit"] * 40 + ["unsure"] * 60
    wrong = np.r_[np.arange(40) < 4, np.arange(60) < 30]
    days = [FIRST + timedelta(row % 10) for row in range(100)]
    found = judge(automated.decided(by, wrong, days, shares=np.full(100, 0.1)), confidence=0.95)

    assert found.automatic.loss == pytest.approx(0.1)
    assert found.everything.loss == pytest.approx((4 / 0.1 + 30) / (40 / 0.1 + 60))


def covered(runs, **of):
    """Return how often the truth of automatic answers and of all lies in its interval, and how far the mean is off."""
    months = [month(seed, **of) for seed in range(runs)]
    automatic = sum(found.automatic.low <= real <= found.automatic.high for found, real, _ in months)
    everything = sum(found.everything.low <= real <= found.everything.high for found, _, real in months)
    return automatic, everything, min(found.plain - real for found, real, _ in months)


def test_plain_mean_is_off_and_the_audit_covers_the_truth_in_a_thinned_campaign():
    automatic, everything, off = covered(25, base=0.05, hang=0.4)
    assert off > 0.03
    assert automatic >= 23
    assert everything >= 23


@pytest.mark.long
@pytest.mark.parametrize(("base", "hang", "share"), [(0.05, 0.0, 0.1), (0.02, 0.4, 0.05), (0.05, 0.8, 0.1)])
def test_plain_mean_is_off_and_the_audit_covers_the_truth_in_95_percent_of_200_months(base, hang, share):
    automatic, everything, off = covered(200, base=base, hang=hang, share=share)
    print(f"{base} {hang} {share}: {automatic} and {everything} of 200 covered, the plain mean is off by {off:.3f}")
    assert off > 0.03
    assert automatic >= 190
    assert everything >= 190
