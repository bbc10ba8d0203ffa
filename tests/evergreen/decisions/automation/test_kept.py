"""The promise of automatic answers, watched: which days tell of it, and how often a kept one is called broken."""

from datetime import date, timedelta

import automated
import numpy as np
import pytest
from scipy.special import expit, logit

from evergreen.decisions.automation.kept import judged_days, watch

FIRST = date(2026, 1, 1)


def test_day_counts_by_its_audit_and_not_by_labels_that_came_of_themselves():
    by = ["automatic"] * 8 + ["audit"] * 4 + ["unsure"] * 4
    wrong = [1, 1, 1, *[np.nan] * 5, 0, 0, 0, 1, 1, 1, 1, 1]
    (day,) = judged_days(by, wrong, [FIRST] * 16, needed=0.9)
    assert (day.n, day.loss) == (4, 1)


def test_day_whose_labels_all_come_counts_by_all_of_its_sure_answers():
    by = ["automatic"] * 8 + ["audit"] * 2 + ["unsure"]
    wrong = [1, *[0] * 7, 0, 1, 1]
    (day,) = judged_days(by, wrong, [FIRST] * 11, needed=0.9)
    assert (day.n, day.loss) == (10, 2)


def test_day_whose_audit_is_not_answered_yet_tells_nothing():
    by, days = ["audit"] * 20, [FIRST] * 10 + [FIRST + timedelta(1)] * 10
    wrong = [0] * 10 + [0] * 8 + [np.nan] * 2
    assert [day.day for day in judged_days(by, wrong, days, needed=0.9)] == [FIRST]
    assert judged_days(["unsure", "assist", "human"], [1, 1, 1], [FIRST] * 3, needed=0.9) == ()
    assert judged_days([], [], [], needed=0.9) == ()


def stream(seed, *, error, n_days=150, per_day=300, share=0.1, hang=0.3, worse_from=None):
    """Return the days of a stream of automatic answers, of which a share is audited and unsure rows are answered."""
    rng = np.random.default_rng(seed)
    shared = hang * automated.effects(rng, n_days)
    odds = logit(error) - hang**2 / 2 + shared
    if worse_from is not None:
        odds[worse_from:] += 1.2
    found = []
    for at in range(n_days):
        by = np.where(rng.random(per_day) < share, "audit", "automatic")
        wrong = np.where(by == "audit", rng.random(per_day) < expit(odds[at]), np.nan)
        hard = ["unsure"] * 40
        found += judged_days([*by, *hard], [*wrong, *[1.0] * 40], [FIRST + timedelta(at)] * (per_day + 40), needed=0.9)
    return found


def test_promise_that_is_kept_stays_kept_in_a_thinned_campaign_and_a_broken_one_is_dated():
    broken = [watch(stream(seed, error=0.05), error=0.06, alpha=0.05).verdict == "broken" for seed in range(10)]
    assert sum(broken) <= 1
    found = watch(stream(3, error=0.05, worse_from=80), error=0.06, alpha=0.05)
    assert found.verdict == "broken"
    assert abs((found.since - FIRST).days - 80) < 15
    assert "promised, at most 0.0600" in found.evidence


@pytest.mark.long
def test_promise_at_its_edge_is_called_broken_in_less_than_5_percent_of_200_streams():
    n_broken = sum(watch(stream(seed, error=0.05), error=0.05, alpha=0.05).verdict == "broken" for seed in range(200))
    noticed = [watch(stream(seed, error=0.05, worse_from=80), error=0.05, alpha=0.05) for seed in range(50)]
    days = [(found.noticed - FIRST).days - 80 for found in noticed if found.noticed]
    print(f"{n_broken} of 200 called broken; {len(days)} of 50 noticed, half of them within {np.median(days):.0f} days")
    assert n_broken <= 10
    assert len(days) >= 45
