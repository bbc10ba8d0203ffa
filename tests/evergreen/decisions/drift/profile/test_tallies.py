"""Counts of one column by day, against plain loops over its values."""

import numpy as np
import pyarrow as pa
import pytest

from evergreen.decisions.drift.profile.profile import ColumnBins
from evergreen.decisions.drift.profile.tallies import Ordered, Scratch, Stretch, Tally


def tallied(values: pa.Array, bins: ColumnBins, ordered: Ordered) -> Tally:
    tally = Tally(bins)
    tally.add(values, ordered, Scratch())
    return tally


@pytest.mark.parametrize("n_edges", [0, 1, 9, 47, 48, 49, 255, 300])
def test_every_value_lies_in_the_cell_whose_upper_edge_is_the_first_not_below_it(n_edges):
    rng = np.random.default_rng(n_edges)
    edges = np.unique(rng.normal(size=n_edges))
    values = np.concatenate([rng.normal(size=500), edges, np.nextafter(edges, np.inf), np.nextafter(edges, -np.inf)])
    values = np.append(values, [np.nan, np.inf, -np.inf])
    whole = Ordered(None, (Stretch(0, len(values), np.array([0]), np.array([len(values)]), np.array([0])),))
    found = tallied(pa.array(values), ColumnBins("number", edges=edges), whole)
    expected = [0] * (len(edges) + 2)
    for value in values:
        expected[-1 if np.isnan(value) else sum(edge < value for edge in edges)] += 1
    assert found.counts.tolist() == [expected]


def test_rows_are_taken_in_the_order_of_their_days_and_stretches_add_up():
    values = pa.array(["b", "a", "b", None, "c"])
    first = Stretch(0, 3, starts=np.array([0, 1]), lengths=np.array([1, 2]), slots=np.array([2, 0]))
    second = Stretch(3, 5, starts=np.array([0, 1]), lengths=np.array([1, 1]), slots=np.array([0, 1]))
    ordered = Ordered(np.array([4, 1, 0, 2, 3]), (first, second))
    found = tallied(values, ColumnBins("category", categories=("a", "b")), ordered)
    assert found.counts[:3].tolist() == [[1, 2, 0, 0], [0, 0, 0, 1], [0, 0, 1, 0]]


def test_moments_are_those_of_the_finite_values_of_each_day():
    values = pa.array([1.0, 4.0, np.inf, None, -np.inf, np.nan, 2.0, 3.0])
    ordered = Ordered(None, (Stretch(0, 8, np.array([0, 4, 6]), np.array([4, 2, 2]), np.array([0, 1, 2])),))
    found = tallied(values, ColumnBins("number", edges=np.array([2.0]), origin=2.0), ordered)
    assert found.moments[:3].tolist() == [
        [2, 5.0, 5.0, 1.0, 4.0, 1], [0, 0.0, 0.0, np.inf, -np.inf, 1], [2, 5.0, 1.0, 2.0, 3.0, 0],
    ]  # fmt: skip
