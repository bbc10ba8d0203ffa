"""The test of every column at once: how far each moved, its p, and their correction."""

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest
from simulated import FIRST, TENTHS, evenly, normal_profile, profile_of, shocks

from evergreen.decisions.drift.profile.profile import Profile
from evergreen.decisions.drift.shift.comparison import Compared, compare, corrected_p


def pair(means, n_days=60, length=30, *, per_day=30, seed=0) -> tuple[Profile, Profile]:
    """Return a reference of normal values about 0, and the window after it about a mean for each column."""
    rng = np.random.default_rng(seed)
    before, after = np.zeros((n_days, len(means))), np.tile(np.asarray(means, dtype=float), (length, 1))
    return (
        normal_profile(before, 1.0, evenly(per_day * n_days, n_days), rng, first=FIRST),
        normal_profile(after, 1.0, evenly(per_day * length, length), rng, first=FIRST + timedelta(days=n_days)),
    )


def test_a_column_is_as_odd_as_the_oddest_of_its_scores_times_how_many_there_are():
    compared = Compared(("location", "spread", "missing"), np.zeros(3), np.array([0.2, 0.01, 0.9]), "none seen")
    assert compared.column_p == pytest.approx(0.03)
    assert replace(compared, p=np.array([0.5, 0.6, 0.7])).column_p == 1.0
    assert Compared((), np.empty(0), np.empty(0), "none seen").column_p == 1.0


def test_columns_are_corrected_by_holm_and_in_their_order():
    of = {"a": 0.04, "b": 0.01, "c": 0.03, "d": 0.02}
    compared = {name: Compared(("missing",), np.zeros(1), np.array([p]), "none seen") for name, p in of.items()}
    found = corrected_p(compared)
    assert list(found) == list(of)
    assert list(found.values()) == pytest.approx([0.06, 0.04, 0.06, 0.06])
    assert corrected_p({}) == {}


def test_no_column_is_compared_with_nothing():
    assert compare(*pair([0.0]), []) == {}


def test_what_moved_is_told_in_standard_deviations_of_a_row():
    before, after = pair([0.0, 0.6], n_days=28, length=28, per_day=200)
    found = compare(before, after, ["c0", "c1"])["c1"]
    ranks = np.append(np.linspace(0.05, 0.95, 10), 0.0)
    shares = [side.counts["c1"].sum(axis=0) / side.n_rows for side in (before, after)]
    within = np.sqrt(np.mean([share @ ranks**2 - (share @ ranks) ** 2 for share in shares]))
    assert found.names == ("location", "spread")
    assert found.moved[0] == pytest.approx((shares[1] - shares[0]) @ ranks / within, abs=0.01)


def test_a_move_to_the_other_side_is_as_far_and_as_odd():
    before, after = pair([0.4])
    mirrored = tuple(
        replace(side, counts={"c0": np.hstack([side.counts["c0"][:, -2::-1], side.counts["c0"][:, -1:]])})
        for side in (before, after)
    )
    one, other = (compare(*sides, ["c0"])["c0"] for sides in ((before, after), mirrored))
    assert other.moved == pytest.approx(one.moved * [-1, 1])
    assert other.p == pytest.approx(one.p)


def test_what_is_said_of_a_column_does_not_depend_on_the_others():
    before, after = pair([0.1, 0.2, 0.3])
    together = compare(before, after, ["c2", "c0", "c1"])
    for name in ("c0", "c1", "c2"):
        alone = compare(before, after, [name])[name]
        assert alone.p == pytest.approx(together[name].p)
        assert alone.moved == pytest.approx(together[name].moved)


def test_a_weekly_rhythm_is_no_move_of_a_window_of_a_weekend():
    rng = np.random.default_rng(1)
    weekend = (np.arange(62) % 7 >= 5)[:, None] * 2.0
    by_day, rows = weekend + 0.1 * shocks(62, 1, 0.0, rng), evenly(30 * 62, 62)
    before = normal_profile(by_day[:54], 1.0, rows[:54], rng, first=FIRST)
    after = normal_profile(by_day[54:56], 1.0, rows[54:56], rng, first=FIRST + timedelta(days=54))
    assert abs(compare(before, after, ["c0"])["c0"].moved[0]) < 0.3
    as_monday = replace(after, days=tuple(day + timedelta(days=2) for day in after.days))
    assert compare(before, as_monday, ["c0"])["c0"].moved[0] > 1.5


def test_a_column_of_one_value_has_nothing_to_compare_and_leaves_the_others_theirs():
    before, after = pair([0.0, 0.5])
    alone = compare(before, after, ["c0", "c1"])
    constant = tuple(
        profile_of(
            side.rows,
            {"one": np.outer(side.rows, np.eye(11, dtype=int)[3]), **side.counts},
            {"one": TENTHS, **side.bins},
            first=side.days[0],
        )
        for side in (before, after)
    )
    found = compare(*constant, ["c0", "one", "c1"])
    assert (found["one"].names, found["one"].column_p) == ((), 1.0)
    for name in ("c0", "c1"):
        assert found[name].p == pytest.approx(alone[name].p)


@pytest.mark.parametrize(("n_days", "season"), [(60, "cannot be told apart"), (400, "none seen")])
def test_it_says_whether_season_could_be_told(n_days, season):
    assert compare(*pair([0.0], n_days, per_day=10), ["c0"])["c0"].season == season
