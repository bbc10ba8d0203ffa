"""Which columns follow a season: those whose days a fit to other spans predicts better with the waves of a year."""

from datetime import timedelta

import numpy as np
import pytest
from simulated import FIRST, period, profile_of

from evergreen.decisions.drift.shift.days import Period, design, period_of
from evergreen.decisions.drift.shift.means import Means
from evergreen.decisions.drift.shift.scores import Scores
from evergreen.decisions.drift.shift.season import follow_a_season


def window_after(n_days: int, length: int = 30) -> Period:
    return period_of(profile_of(np.full(length, 20), {}, {}, first=FIRST + timedelta(days=n_days)))


def means_of_days(by_day, lanes=1) -> Means:
    """Return columns of `lanes` scores each with these means by day, shape (columns * lanes, days)."""
    names = tuple(f"s{lane}" for lane in range(lanes))
    scores = tuple(Scores(names, np.zeros((lanes, 3))) for _ in range(len(by_day) // lanes))
    return Means(scores, by_day, np.zeros((len(by_day), 30)), np.ones(len(by_day)))


def wave(n_days: int, per_year: float = 1.0, phase: float = 0.0):
    return np.sin(2 * np.pi * per_year * np.arange(n_days) / 365.2425 + phase)


@pytest.mark.parametrize("n_days", [364, 730, 1_100])
def test_waves_of_the_year_and_of_half_of_it_are_followed_and_most_noise_is_not(n_days):
    rng = np.random.default_rng(1)
    by_day = 0.3 * rng.standard_normal((400, n_days))
    by_day[0] += wave(n_days)
    by_day[1] += wave(n_days, 2, phase=1.0)
    follows = follow_a_season(means_of_days(by_day), period([20] * n_days), window_after(n_days))
    print(f"{follows[2:].mean():.3f} of columns of noise over {n_days} days follow")
    assert follows[:2].all()
    assert follows[2:].mean() < 0.2


def test_less_than_a_year_tells_of_no_season():
    strong = means_of_days(5 * wave(359)[None])
    assert follow_a_season(strong, period([20] * 359), window_after(359)).tolist() == [False]


def test_a_weekly_rhythm_is_no_season():
    n = 730
    weekly = (np.arange(n) % 7 >= 5) + 0.2 * np.random.default_rng(2).standard_normal(n)
    assert follow_a_season(means_of_days(weekly[None]), period([20] * n), window_after(n)).tolist() == [False]


def test_a_column_follows_with_all_of_its_scores():
    rng = np.random.default_rng(3)
    by_day = 0.3 * rng.standard_normal((4, 730))
    by_day[1] += wave(730)  # the second score of the first column alone
    follows = follow_a_season(means_of_days(by_day, lanes=2), period([20] * 730), window_after(730))
    assert follows.tolist() == [True, False]


@pytest.mark.parametrize(("length", "of_span"), [(21, 21), (3, 7)])
def test_it_is_a_fit_to_the_other_spans_for_each_span(length, of_span):
    rng = np.random.default_rng(4)
    rows = np.where(rng.random(500) < 0.8, rng.integers(1, 60, 500), 0)
    rows[[0, -1]] = 10
    reference, window = period(rows), window_after(500, length=length)
    n = len(reference.days)
    by_day = rng.standard_normal((40, n)) + np.linspace(0, 0.4, 40)[:, None] * wave(500)[reference.at]
    errors = []
    for season in (False, True):
        x = design(reference, window, season=season)[0]
        total = np.zeros(40)
        for span in range(0, 500, of_span):
            held = (reference.at >= span) & (reference.at < span + of_span)
            root = np.sqrt(reference.weights[~held])
            fitted = np.linalg.lstsq(x[~held] * root[:, None], (by_day[:, ~held] * root).T, rcond=None)[0]
            off = by_day[:, held] - (x[held] @ fitted).T
            total += np.average(off, axis=1, weights=reference.weights[held]) ** 2
        errors.append(total)
    follows = follow_a_season(means_of_days(by_day), reference, window)
    assert 5 < follows.sum() < 35
    assert follows.tolist() == (errors[1] < errors[0]).tolist()
