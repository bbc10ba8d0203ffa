"""When labels are complete, and when they cannot be believed."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from scipy import stats

from evergreen.record.labels.verdict import ALPHA, Labels, fed_back, judged, watermark

END = datetime(2024, 6, 1, tzinfo=UTC)
DELAY = timedelta(days=2)


def verdict(**counts):
    as_of = END + DELAY
    labels = Labels(verdict="unknown", evidence="", as_of=as_of, start=None, end=END, needed=0.8, **counts)
    return judged(labels, delay=DELAY, error_at_gate=counts and 0.2)


@pytest.mark.parametrize(
    ("counts", "expected", "said"),
    [
        ({"tasks": ("binary",)}, "no traffic", "no prediction"),
        (
            {"n": 9, "n_due": 9, "coverage": 0.0},
            "none",
            "not one of 9 predictions has a label; the last",
        ),
        ({"n": 9, "n_labelled": 3}, "immature", "no label is due yet; the last of them is due on 2024-06-03 00:00 UTC"),
        (
            {"n": 9, "n_due": 9, "n_labelled": 3, "coverage": 1 / 3},
            "immature",
            "33.3% of 9 due labels are known, 80.0% needed; of 9 predictions 3 are labelled, enough of them up to no",
        ),
        ({"n": 9, "n_due": 9, "n_labelled": 8, "coverage": 8 / 9, "watermark": END}, "complete", "88.9% of 9"),
        ({"n": 90, "n_labelled": 90, "n_equal": 90}, "unknown", "look like predictions that were fed back"),
        ({"n": 9, "tasks": ("binary", "regression")}, "unknown", "several tasks (binary, regression)"),
    ],
)
def test_verdict_says_how_far_the_labels_are(counts, expected, said):
    found = verdict(**counts)
    assert found.verdict == expected
    assert said in found.evidence


def test_watermark_is_the_latest_time_that_a_search_through_all_finds():
    rng = np.random.default_rng(3)
    for _ in range(300):
        n = int(rng.integers(0, 12))
        events, labelled = np.sort(rng.integers(0, 10, n)), rng.random(n) < 0.6
        until, needed = int(rng.integers(1, 12)), float(rng.choice([0.3, 0.5, 0.8, 1.0]))
        fits = [
            w
            for w in range(1, until + 1)
            if (events < w).any() and labelled[events < w].mean() >= needed and (w == until or w in events)
        ]
        assert watermark(events, labelled, until=until, needed=needed) == max(fits, default=None)


@pytest.mark.parametrize("error", [0.02, 0.1, 0.3, 1.0])
def test_echo_is_told_once_chance_cannot_explain_it(error):
    n = next(n for n in range(50, 2_000) if (1 - error) ** n <= ALPHA)
    assert fed_back(n, n, error)
    assert n == 50 or not fed_back(n - 1, n - 1, error)
    assert not fed_back(49, 49, error)


def test_honest_labels_are_not_taken_for_an_echo():
    for error in (0.001, 0.01, 0.05, 0.3):
        for n in (50, 1_000, 100_000):
            most = int(stats.binom.ppf(1 - 1e-5, n, 1 - error))
            assert not fed_back(n, most, error)
    assert not fed_back(10_000, 9_000, 0.3)  # a model that became better is no echo
    assert not fed_back(10_000, 10_000, None)
    assert not fed_back(10_000, 10_000, 0.0)
