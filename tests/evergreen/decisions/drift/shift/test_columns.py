"""What is said of one column: why it cannot be judged, what it has too little of, and its verdict."""

from dataclasses import replace

import numpy as np
import pytest
from simulated import profile_of

from evergreen.decisions.drift.profile.profile import ColumnBins, Profile
from evergreen.decisions.drift.shift.columns import judge, scarcity, trouble
from evergreen.decisions.drift.shift.comparison import Compared

BINS = ColumnBins("number", edges=np.array([1.0]))
TOTALS = np.array([50, 50, 0]), np.array([30, 60, 10])


def sides(n_days=10, cells=(5, 5, 0)) -> tuple[Profile, Profile]:
    """Return a reference and a window whose column x has these counts by cell on every day."""
    counts = np.tile(cells, (n_days, 1))
    return tuple(profile_of(counts.sum(axis=1), {"x": counts}, {"x": BINS}) for _ in range(2))


def with_counts(of: Profile, counts) -> Profile:
    return replace(of, counts={"x": np.asarray(counts)})


def judged(p=(0.2, 0.4, 0.004), *, corrected_p=0.012, limit=0.01, importance=2.0, scarce="", **about):
    names = ("location", "spread", "missing")[: len(p)]
    moved = np.array([0.1, -0.2, 0.3])[: len(p)]
    compared = replace(Compared(names, moved, np.array(p), "cannot be told apart"), **about)
    return judge("x", BINS, TOTALS, compared, corrected_p, limit=limit, importance=importance, scarce=scarce)


def test_columns_on_the_same_cells_are_no_trouble():
    assert trouble(*sides(), "x") == ""


def test_what_is_wrong_with_a_column_is_told_with_its_side():
    before, after = sides()
    counts = after.counts["x"]
    for broken, why in (
        (replace(after, counts={}, lost={"x": "text, not numbers"}), "lost in the window: text, not numbers"),
        (replace(after, counts={}), "absent from the window"),
        (replace(after, bins={}), "absent from the window"),
        (with_counts(after, counts[:, :-1]), "counts of the window do not fit its days and cells"),
        (with_counts(after, counts[:-1]), "counts of the window do not fit its days and cells"),
        (with_counts(after, counts + 1), "counts of the window do not add up to its rows"),
        (with_counts(after, counts + np.array([-6, 6, 0])), "counts of the window do not add up to its rows"),
    ):
        assert trouble(before, broken, "x") == why
        assert trouble(broken, after, "x") == why.replace("window", "reference")
    for other in (ColumnBins("number", edges=np.array([2.0])), ColumnBins("category", categories=("a",))):
        moved = replace(after, bins={"x": other})
        assert trouble(before, moved, "x") == "counted on other cells in the window than in the reference"


def test_a_column_without_a_value_is_trouble_only_where_neither_side_has_one():
    full, empty = sides()[0], sides(cells=(0, 0, 10))[0]
    assert trouble(empty, empty, "x") == "every value is missing, in the reference and in the window"
    assert trouble(full, empty, "x") == trouble(empty, full, "x") == ""


def test_scarce_are_days_and_rows_with_values_and_not_those_without():
    before, after = sides()
    few = after.counts["x"].copy()
    few[3:] = [0, 0, 10]
    least = {"min_blocks": 4, "min_rows": 30}
    assert scarcity(before, after, "x", **least) == ""
    window, reference = "values on 3 days of the window", "values on 3 days of the reference"
    assert scarcity(before, with_counts(after, few), "x", **least) == f"{window}, at least 4 are needed"
    assert scarcity(with_counts(before, few), after, "x", **least) == f"{reference}, at least 4 are needed"
    few[:, 0], few[:, 1], few[:, 2] = 2, 0, 8
    assert scarcity(before, with_counts(after, few), "x", min_blocks=4, min_rows=20) == ""
    assert (
        scarcity(before, with_counts(after, few), "x", min_blocks=4, min_rows=21)
        == "20 values in the window, at least 21 are needed"
    )


def test_a_column_is_shifted_below_its_limit_and_not_at_it():
    assert judged(corrected_p=0.0099).verdict == "shifted"
    assert judged(corrected_p=0.01).verdict == "steady"
    assert judged(corrected_p=0.0099, scarce="few").verdict == "shifted"
    assert judged(corrected_p=0.01, scarce="few").verdict == "not enough data"


def test_its_figures_are_those_of_the_score_that_moved_most_surely():
    column = judged()
    assert (column.score, column.statistic) == ("missing", 0.3)
    assert (column.p, column.corrected_p) == (pytest.approx(3 * 0.004), 0.012)
    assert column.psi == pytest.approx(0.404, abs=0.001)  # as in the docstring of `distances`
    assert column.band == "significant"
    assert (column.missing_reference, column.missing_window) == (0.0, 0.1)
    assert column.effect == pytest.approx(2 * 0.2)
    assert column.evidence == (
        "missing moved by +0.300 standard deviations of a row: corrected p 0.012 against a limit of 0.01; PSI 0.404, "
        "missing 0.0% before and 10.0% now"
    )


def test_season_is_only_spoken_of_where_it_may_be_the_reason():
    said = "the reference has less than a year: season, cannot be told apart"
    assert judged(corrected_p=0.001).evidence.endswith(f"; {said}")
    assert said not in judged(corrected_p=0.5).evidence
    assert said not in judged(corrected_p=0.001, season="followed").evidence


@pytest.mark.parametrize(("importance", "weight"), [(-3.0, 0.0), (np.nan, 0.0), (np.inf, 0.0), (0.5, 0.5)])
def test_an_importance_that_is_none_weighs_nothing(importance, weight):
    column = judged(importance=importance)
    assert (column.importance, column.effect) == (weight, pytest.approx(0.2 * weight))


@pytest.mark.parametrize(
    "about", [{"corrected_p": np.nan}, {"p": (0.2, np.nan, 0.1)}, {"moved": np.array([0.1, np.inf, 0.2])}]
)
def test_figures_that_are_no_numbers_are_unknown_and_not_steady(about):
    column = judged(**about)
    assert (column.verdict, column.p, column.psi) == ("unknown", None, None)


def test_a_column_of_one_value_is_steady_and_says_so():
    column = judged((), corrected_p=1.0)
    assert (column.verdict, column.score, column.statistic, column.p) == ("steady", None, None, 1.0)
    assert column.evidence.startswith("one value only, in the reference and in the window: ")
