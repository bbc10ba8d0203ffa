"""The cells of a reference: quantiles, categories, and one sample of a long reference however it is cut."""

from itertools import pairwise

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evergreen.data.typed.times import INSTANT
from evergreen.decisions.drift.profile.bins import bins_of, quantile_edges


def edges(values, **given):
    return bins_of(pa.table({"x": values}), {"x": "number"}, **given)["x"].edges


def test_bins_hold_equal_shares_of_the_reference():
    values = np.random.default_rng(1).normal(size=10_000)
    found = edges(values, n_bins=10)
    assert len(found) == 9
    shares = np.histogram(values, [-np.inf, *np.nextafter(found, np.inf), np.inf])[0]
    assert np.abs(shares - 1_000).max() <= 1


def test_a_frequent_value_has_a_cell_of_its_own():
    found = edges([0.0] * 800 + list(np.linspace(0.1, 1, 200)))
    below, at = found[:2]
    assert (below, at) == (np.nextafter(0.0, -1.0), 0.0)


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1), st.integers(1, 20))
def test_edges_rise_and_no_cell_is_much_fuller_than_a_quantile(values, n_bins):
    found = quantile_edges(np.array(values), n_bins)
    assert (np.diff(found) > 0).all()
    assert len(found) <= 2 * n_bins
    cells = np.bincount(np.searchsorted(found, values, side="left"), minlength=len(found) + 1)
    assert cells.max() <= len(values) / n_bins + np.unique(values, return_counts=True)[1].max()


@pytest.mark.parametrize("nothing", [pa.nulls(5), pa.array([np.nan, np.inf]), ["1"], [[1.0]]])
def test_a_reference_without_finite_values_or_of_another_type_has_one_cell(nothing):
    (found,) = bins_of(pa.table({"x": nothing}), {"x": "number"}).values()
    assert (found.edges.tolist(), found.n_cells, found.origin) == ([], 2, 0.0)


def test_an_absent_column_and_an_empty_reference_have_one_cell():
    types = {"x": "number", "c": "category", "t": "timestamp"}
    for rows in (pa.table({"y": [1]}), pa.table({"x": pa.array([], pa.float64()), "c": pa.array([], pa.string())})):
        assert {name: of.n_cells for name, of in bins_of(rows, types).items()} == {"x": 2, "c": 2, "t": 2}


def test_times_are_cut_in_microseconds_whatever_their_unit():
    micros = np.arange(-50, 51) * 86_400_000_000
    for unit, per in (("us", 1), ("ms", 1_000), ("s", 1_000_000)):
        rows = pa.table({"x": pa.array(micros // per, pa.timestamp(unit, "UTC"))})
        assert bins_of(rows, {"x": "timestamp"}, n_bins=2)["x"].edges.tolist() == [0.0]
    rows = pa.table({"x": pa.array(micros, INSTANT).cast(pa.timestamp("ns", "Asia/Tokyo"))})
    assert bins_of(rows, {"x": "timestamp"}, n_bins=2)["x"].edges.tolist() == [0.0]


def test_rare_categories_share_a_cell_and_the_most_frequent_come_first():
    values = ["b"] * 30 + ["a"] * 30 + ["c"] * 40 + ["rare"] * 19 + [None] * 50
    assert bins_of(pa.table({"x": values}), {"x": "category"})["x"].categories == ("c", "a", "b")
    coded = pa.table({"x": pa.array(values).dictionary_encode()})
    assert bins_of(coded, {"x": "category"}, max_categories=2)["x"].categories == ("c", "a")


def test_a_text_has_a_cell_for_whatever_it_says_and_a_truth_value_for_either():
    rows = pa.table({"x": ["same"] * 100, "b": [True] * 100})
    bins = bins_of(rows, {"x": "text", "b": "boolean"})
    assert (bins["x"].categories, bins["b"].categories) == ((), ("false", "true"))


@given(st.lists(st.integers(1, 4_000), max_size=6))
def test_a_long_reference_is_sampled_alike_however_it_is_cut(cuts):
    rng = np.random.default_rng(2)
    rows = pa.table({"x": rng.normal(size=5_000), "c": rng.choice(["a", "b", "c"], 5_000)})
    types = {"x": "number", "c": "category"}
    whole = bins_of(rows, types, max_sampled=1_000)
    bounds = sorted({0, *cuts, 5_000})
    parts = [rows.slice(low, high - low) for low, high in pairwise(bounds)]
    found = bins_of((batch for part in parts for batch in part.to_batches()), types, max_sampled=1_000)
    assert all(found[name].equals(whole[name]) for name in types)


def test_the_sample_of_a_long_reference_cuts_it_nearly_evenly():
    values = np.random.default_rng(4).lognormal(size=200_000)
    found = edges(values, max_sampled=50_000)
    shares = np.bincount(np.searchsorted(found, values)) / len(values)
    assert len(shares) == 10
    assert np.abs(shares - 0.1).max() < 0.01  # five standard errors of a quantile of 25,000 rows


def test_rows_in_pairs_of_batches_of_different_columns_do_not_mix_up():
    batches = [*pa.table({"x": [1.0] * 9, "y": [5.0] * 9}).to_batches(), *pa.table({"y": [7.0] * 9}).to_batches()]
    bins = bins_of(batches, {"x": "number", "y": "number"}, n_bins=2, max_sampled=10)
    assert bins["x"].edges[-1] == 1.0
    assert set(bins["y"].edges) & {5.0, 7.0}
