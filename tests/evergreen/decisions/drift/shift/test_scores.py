"""What of a column is compared: scores of its cells."""

import numpy as np
import pytest

from evergreen.decisions.drift.profile.profile import ColumnBins
from evergreen.decisions.drift.shift.scores import MOST_LEVELS, scores_of


def test_scores_of_numbers_have_mean_zero_and_variance_one_over_the_reference():
    before, after = np.array([5, 20, 40, 30, 5, 25]), np.array([10, 20, 30, 20, 20, 10])
    scores = scores_of(ColumnBins("number", edges=np.array([1.0, 2.0, 3.0, 4.0])), before, after)
    assert scores.names == ("location", "spread", "missing")
    shares = before / before.sum()
    present = before[:-1] / before[:-1].sum()
    assert scores.values @ shares == pytest.approx(np.zeros(3), abs=1e-12)
    assert scores.values[:2, :-1] @ np.diag(present) @ scores.values[:2, :-1].T == pytest.approx(np.eye(2), abs=1e-12)
    assert (np.diff(scores.values[0, :-1]) > 0).all()


def test_levels_that_are_rare_in_a_window_are_one():
    bins = ColumnBins("category", categories=("a", "b", "c", "d"))
    scores = scores_of(bins, np.array([900, 80, 15, 5, 0, 0]), np.array([95, 5, 0, 0, 0, 0]))
    assert scores.names == ("'a'", "'b'", "other levels")
    assert (scores.values[2] > 0).tolist() == [False, False, True, True, True, False]


def test_values_on_one_cell_alone_are_compared_by_where_the_others_lie():
    bins = ColumnBins("number", edges=np.array([1.0, 2.0]))
    scores = scores_of(bins, np.array([0, 100, 0, 0]), np.array([0, 50, 50, 0]))
    assert scores.values[scores.names.index("location")].tolist() == [-1.0, 0.0, 1.0, 0.0]
    assert scores_of(bins, np.array([0, 100, 0, 0]), np.array([0, 50, 0, 0])).names == ()


def test_missing_values_move_no_score_but_their_own():
    bins = ColumnBins("number", edges=np.array([1.0, 2.0, 3.0]))
    before, more = np.array([10, 20, 30, 40, 10]), np.array([10, 20, 30, 40, 100])
    scores = scores_of(bins, before, more)
    assert scores.names == ("location", "spread", "missing")
    moved = scores.values @ (more / more.sum())
    assert moved == pytest.approx([0.0, 0.0, 100 / 200 - 10 / 110])


def test_the_unit_and_the_tail_of_a_number_do_not_matter():
    before, after = np.array([10, 20, 30, 0]), np.array([20, 20, 20, 0])
    near, far = (scores_of(ColumnBins("number", edges=np.array(edges)), before, after) for edges in ([1, 2], [-5, 1e9]))
    assert near.names == far.names
    assert np.array_equal(near.values, far.values)


def test_levels_after_the_twentieth_are_one():
    n = MOST_LEVELS + 5
    bins = ColumnBins("category", categories=tuple(f"{level:02}" for level in range(n)))
    counts = np.append(np.arange(1_000, 1_000 + n), [0, 0])
    scores = scores_of(bins, counts, counts)
    assert scores.names == (*(f"'{level:02}'" for level in range(5, n)), "other levels")
    assert np.flatnonzero(scores.values[-1] > 0).tolist() == [0, 1, 2, 3, 4, n]


def test_a_column_without_values_before_is_compared_by_those_of_the_window():
    bins = ColumnBins("number", edges=np.array([1.0, 2.0]))
    scores = scores_of(bins, np.array([0, 0, 0, 50]), np.array([10, 10, 10, 0]))
    assert np.isfinite(scores.values).all()
    assert scores.values[scores.names.index("missing")].tolist() == [-1.0, -1.0, -1.0, 0.0]
