"""Profiles of parts, merged, are that of the whole, in any order and any grouping."""

from itertools import pairwise

import numpy as np
import profiled
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from profiled import BINS, ZONE, assert_same, table

from evergreen.data.typed.times import INSTANT
from evergreen.decisions.drift.profile.build import profile
from evergreen.decisions.drift.profile.merging import merge
from evergreen.decisions.drift.profile.profile import ColumnBins


@given(profiled.rows, st.lists(st.integers(0, 30), min_size=2, max_size=4), st.randoms(use_true_random=False))
def test_parts_are_merged_into_the_whole_in_any_order_and_grouping(rows, cuts, random):
    bounds = [0, *sorted(min(cut, len(rows)) for cut in cuts), len(rows)]
    parts = [profile(table(rows[low:high]), BINS, time="at", zone=ZONE) for low, high in pairwise(bounds)]
    whole = profile(table(rows), BINS, time="at", zone=ZONE)
    assert_same(whole, merge(*parts))
    assert_same(whole, merge(parts[0], merge(*parts[1:])))
    random.shuffle(parts)
    assert_same(whole, merge(merge(*parts[:-1]), parts[-1]))


def test_a_profile_without_rows_changes_nothing():
    some = profile(table([{"at": 0, "x": 1.0}]), BINS, time="at", zone=ZONE)
    none = profile(table([]), BINS, time="at", zone=ZONE)
    assert_same(merge(some, none), some)
    assert_same(merge(none, some), some)
    assert_same(merge(none, none), none)
    assert_same(merge(some), some)


def test_a_column_lost_in_one_part_is_lost_whichever_part_comes_first():
    bins = {"x": ColumnBins("number", edges=np.array([0.5]))}
    at = pa.array([0], INSTANT)
    found, absent, text = (
        profile(rows, bins, time="at", zone="UTC")
        for rows in (pa.table({"at": at, "x": [1.0]}), pa.table({"at": at}), pa.table({"at": at, "x": ["1"]}))
    )
    assert merge(found, absent).lost == merge(absent, found).lost == {"x": "absent"}
    assert merge(text, absent, found).lost == merge(absent, merge(found, text)).lost == {"x": "absent"}
    assert (merge(found, absent).counts, merge(found, absent).moments, merge(found, absent).n_rows) == ({}, {}, 2)


def test_profiles_on_different_cells_are_refused():
    one, other = (
        profile(table([]), {"x": ColumnBins("number", edges=np.array([edge]))}, time="at", zone=ZONE) for edge in (1, 2)
    )
    with pytest.raises(ValueError, match="different cells"):
        merge(one, other)
    with pytest.raises(ValueError, match="different cells"):
        merge(one, profile(table([]), BINS, time="at", zone=ZONE))
