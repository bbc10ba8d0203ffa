"""How far rows are labelled: counted as a plain loop over them counts, of those that are due and no others."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd
import pytest

from evergreen.record.labels.counting import counted
from evergreen.record.labels.verdict import Labels

START, END = datetime(2024, 3, 1, tzinfo=UTC), datetime(2024, 3, 11, tzinfo=UTC)
DELAY = timedelta(days=2)
LATE = END + DELAY
HOURLY = pd.Series(pd.date_range(START, END, freq="h", inclusive="left"))


def labels(events=HOURLY, labelled=None, equal=None, **more):
    labelled = np.ones(len(events), dtype=bool) if labelled is None else labelled
    equal = np.zeros(len(events), dtype=bool) if equal is None else equal
    given = {"as_of": LATE, "delay": DELAY, "start": START, "end": END, "needed": 0.9, "error_at_gate": None}
    return counted(events, labelled, equal, **{**given, **more})


def test_rows_in_any_order_are_counted_as_a_loop_counts_them():
    rng = np.random.default_rng(1)
    events = pd.Series(START + pd.to_timedelta(rng.integers(-3 * 86_400, 14 * 86_400, 500), unit="s"))
    labelled, equal = rng.random(500) < 0.7, rng.random(500) < 0.6
    found = labels(events, labelled, equal)
    inside = [(known, same) for at, known, same in zip(events, labelled, equal, strict=True) if START <= at < END]
    known = sum(1 for is_known, _ in inside if is_known)
    assert 0 < len(inside) < 500
    assert (found.n, found.n_due, found.n_labelled) == (len(inside), len(inside), known)
    assert found.coverage == pytest.approx(known / len(inside))
    assert found.n_equal == sum(1 for is_known, same in inside if is_known and same)


def test_period_ends_where_rows_are_not_due_yet():
    found = labels(as_of=START + timedelta(days=5))
    assert (found.start, found.end, found.n) == (START, START + timedelta(days=3), 3 * 24)
    assert (found.verdict, found.watermark) == ("complete", found.end)


@pytest.mark.parametrize("days", [-5, 0, 2])
def test_period_of_which_nothing_is_due_has_no_rows(days):
    found = labels(as_of=START + timedelta(days=days))
    assert (found.verdict, found.n, found.coverage, found.watermark) == ("no traffic", 0, None, None)
    assert found.start == found.end == START


def test_labels_are_complete_up_to_the_first_row_that_lacks_one():
    labelled = np.arange(len(HOURLY)) < 6 * 24 + 5
    found = labels(labelled=labelled, needed=1.0)
    assert (found.verdict, found.n_labelled) == ("immature", 6 * 24 + 5)
    assert found.watermark == START + timedelta(days=6, hours=5)
    shuffled = np.random.default_rng(2).permutation(len(HOURLY))
    assert labels(HOURLY.iloc[shuffled], labelled[shuffled], needed=1.0) == found


@pytest.mark.parametrize(("known", "verdict"), [(216, "complete"), (215, "immature"), (0, "none")])
def test_share_that_is_needed_is_enough(known, verdict):
    assert labels(labelled=np.arange(240) >= 240 - known).verdict == verdict


def test_row_of_an_unknown_time_is_of_no_period():
    assert labels(pd.concat([HOURLY, pd.Series([pd.NaT] * 9).dt.tz_localize("UTC")])).n == len(HOURLY)


def test_labels_that_are_all_as_predicted_are_not_believed_and_those_nobody_knows_do_not_count():
    same = np.ones(240, dtype=bool)
    assert labels(equal=same, error_at_gate=0.2).verdict == "unknown"
    few = labels(labelled=np.arange(240) < 40, equal=same, error_at_gate=0.2)
    assert (few.verdict, few.n_equal) == ("immature", 40)


def test_how_labels_came_is_kept_and_the_counts_are_of_these_rows():
    said = Labels(
        verdict="none", evidence="before", as_of=LATE, start=None, end=LATE, needed=0.5, n=9, n_labelled=1, late=3,
        contradicting=2, n_unknown_ids=4, tasks=("binary",),
    )  # fmt: skip
    found = labels(said=said)
    assert (found.late, found.contradicting, found.n_unknown_ids, found.tasks) == (3, 2, 4, ("binary",))
    assert (found.verdict, found.n, found.n_labelled, found.needed) == ("complete", 240, 240, 0.9)
    assert (found.start, found.end) == (START, END)
