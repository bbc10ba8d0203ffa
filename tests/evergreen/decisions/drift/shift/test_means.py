"""Means of days and the variance of rows, held against the rows themselves."""

from datetime import timedelta

import numpy as np
import pytest
from simulated import FIRST, profile_of

from evergreen.decisions.drift.profile.profile import ColumnBins
from evergreen.decisions.drift.shift.days import period_of
from evergreen.decisions.drift.shift.means import LEAST_WITHIN, means_of

NUMBER = ColumnBins("number", edges=np.array([1.0, 2.0, 3.0]))
LETTER = ColumnBins("category", categories=("a", "b"))
BINS = {"x": NUMBER, "y": LETTER}
LATER = FIRST + timedelta(days=100)


def sides_of(rows_before, rows_after, *, seed=0):
    """Return a reference and a window with random values of a number and a letter."""
    rng = np.random.default_rng(seed)
    made = []
    for rows, first in ((rows_before, FIRST), (rows_after, LATER)):
        counts = {name: rng.multinomial(rows, np.full(b.n_cells, 1 / b.n_cells)) for name, b in BINS.items()}
        made.append(profile_of(np.array(rows), counts, BINS, first=first))
    return tuple(made)


def found_of(sides, names=("x", "y")):
    return means_of(sides, tuple(period_of(side) for side in sides), names)


def scores_by_day(side, found, name, at):
    """Return the scores of single rows, an array of shape (scores, rows) for each day that has some."""
    values = found.scores[at].values
    return [np.repeat(values, cells, axis=1) for cells in side.counts[name] if cells.sum()]


def test_means_are_those_of_the_rows_of_each_day():
    sides = sides_of([5, 0, 12, 40], [30, 1, 0, 8])
    found = found_of(sides)
    assert found.reference.shape == found.window.shape == (len(found.row_variance), 3)
    for side, means in zip(sides, (found.reference, found.window), strict=True):
        for at, (name, of_column) in enumerate(zip(BINS, np.split(means, [len(found.scores[0].names)]), strict=True)):
            by_hand = [day.mean(axis=1) for day in scores_by_day(side, found, name, at)]
            assert of_column == pytest.approx(np.transpose(by_hand))


def test_rows_vary_as_they_do_about_the_mean_of_their_day():
    sides = sides_of([5, 0, 12, 40], [30, 1, 0, 8])
    found = found_of(sides)
    for at, (name, variances) in enumerate(zip(BINS, found.by_column(found.row_variance), strict=True)):
        days = [day for side in sides for day in scores_by_day(side, found, name, at)]
        squares = sum(((day - day.mean(axis=1, keepdims=True)) ** 2).sum(axis=1) for day in days)
        assert variances == pytest.approx(squares / (5 + 12 + 40 + 30 + 1 + 8 - 6))


def test_of_days_of_one_row_all_variance_is_that_of_rows():
    sides = sides_of([1] * 40, [1] * 40)
    found = found_of(sides)
    for at, (name, variances) in enumerate(zip(BINS, found.by_column(found.row_variance), strict=True)):
        rows = np.hstack([day for side in sides for day in scores_by_day(side, found, name, at)])
        assert variances == pytest.approx(rows.var(axis=1))


def test_rows_that_are_alike_within_each_day_still_vary_a_little():
    cells = np.eye(3, dtype=np.int64)[np.arange(20) % 3, :2]
    counts = 50 * np.hstack([cells, 1 - cells.sum(axis=1, keepdims=True), np.zeros((20, 1), dtype=np.int64)])
    rows = np.full(20, 50)
    letters = {"y": ColumnBins("category", categories=("a", "b"))}
    sides = tuple(profile_of(rows, {"y": counts}, letters, first=first) for first in (FIRST, LATER))
    found = found_of(sides, ("y",))
    all_rows = np.hstack([day for side in sides for day in scores_by_day(side, found, "y", 0)])
    assert found.row_variance == pytest.approx(LEAST_WITHIN * all_rows.var(axis=1))


def test_lanes_are_cut_into_their_columns_and_one_of_one_value_has_none():
    rows = np.full(10, 20)
    constant = np.tile([20, 0, 0, 0], (10, 1))
    sides = tuple(
        profile_of(rows, {**side.counts, "one": constant}, {**BINS, "one": LETTER})
        for side in sides_of([20] * 10, [20] * 10)
    )
    found = found_of(sides, ("x", "one", "y"))
    parts = found.by_column(np.arange(len(found.row_variance)))
    assert [len(part) for part in parts] == [3, 0, len(found.scores[2].names)]
    assert np.concatenate(parts).tolist() == list(range(len(found.row_variance)))
