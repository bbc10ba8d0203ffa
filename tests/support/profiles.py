"""Profiles made from numbers, for tests of what is decided on them."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta

import numpy as np
import numpy.typing as npt

from evergreen.decisions.drift.profile.profile import ColumnBins, Profile

FIRST = date(2024, 1, 1)
CELLS = 10
Array = npt.NDArray[np.float64]


def quantile_bins(values: Array, cells: int = CELLS) -> ColumnBins:
    """Return bins by quantile of the values, shape (n,)."""
    edges = np.unique(np.nanquantile(values, np.linspace(0, 1, cells + 1)[1:-1]))
    return ColumnBins("number", edges=edges)


def profile_of(
    days: npt.NDArray[np.int64], columns: Mapping[str, Array], bins: Mapping[str, ColumnBins], *, first: date = FIRST
) -> Profile:
    """Return the profile of rows on days after `first`, shape (n,); categories are given as codes, -1 is missing."""
    found, codes = np.unique(days, return_inverse=True)
    counts = {}
    for name, values in columns.items():
        one = bins[name]
        if one.edges is not None:
            cells = np.searchsorted(one.edges, values, side="left")
            cells[np.isnan(values)] = one.n_cells - 1
        else:
            cells = np.where(values < 0, one.n_cells - 1, np.minimum(values, one.n_cells - 2)).astype(np.int64)
        flat = np.bincount(codes * one.n_cells + cells, minlength=len(found) * one.n_cells)
        counts[name] = flat.reshape(len(found), one.n_cells).astype(np.int64)
    return Profile(
        bins=bins,
        days=tuple(first + timedelta(days=int(day)) for day in found),
        rows=np.bincount(codes, minlength=len(found)).astype(np.int64),
        counts=counts,
        moments={},
        lost={},
    )


def shocks(n_days: int, n_columns: int, memory: float, rng: np.random.Generator) -> Array:
    """Return a series of variance 1 for each column that forgets geometrically, shape (n_days, n_columns)."""
    out = rng.standard_normal((n_days, n_columns))
    for day in range(1, n_days):
        out[day] = memory * out[day - 1] + np.sqrt(1 - memory**2) * out[day]
    return out


def evenly(n: int, days: Sequence[int]) -> npt.NDArray[np.int64]:
    """Return the day of each of n rows, as even as can be."""
    return np.sort(np.resize(np.asarray(days, dtype=np.int64), n))
