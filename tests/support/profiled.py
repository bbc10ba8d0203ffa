"""Rows of every kind to be profiled, and what pandas makes of them."""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from hypothesis import strategies as st

from evergreen.data.typed.times import INSTANT
from evergreen.decisions.drift.profile.profile import (
    FINITE,
    INFINITE,
    LEAST,
    MOST,
    SQUARES,
    SUM,
    ColumnBins,
    Profile,
)  # fmt: skip

ZONES = ("UTC", "America/New_York", "America/St_Johns", "Asia/Kathmandu", "Pacific/Apia", "America/Sao_Paulo")
ZONE = "America/New_York"
SECOND = 1_000_000
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
BINS = {
    "x": ColumnBins("number", edges=np.array([-1.0, np.nextafter(0.0, -1.0), 0.0, 2.5])),
    "n": ColumnBins("number", edges=np.array([-(2.0**60), 3.0, 2.0**53])),
    "seen": ColumnBins("timestamp", edges=np.array([-1e15, 0.0, 1e15]), origin=1e14),
    "c": ColumnBins("category", categories=("a", "b", "")),
    "b": ColumnBins("boolean", categories=("false", "true")),
    "text": ColumnBins("category", categories=()),
}
SCHEMA = pa.schema(
    {"at": INSTANT, "x": pa.float64(), "n": pa.int64(), "seen": INSTANT, "c": pa.string(), "b": pa.bool_(),
     "text": pa.string()}
)  # fmt: skip
instants = st.integers(-8_000_000_000 * SECOND, 7_000_000_000 * SECOND)  # 1716 to 2191
rows = st.lists(
    st.fixed_dictionaries(
        {
            "at": st.none() | instants | st.integers(1_300_000_000 * SECOND, 1_300_400_000 * SECOND),
            "x": st.none() | st.sampled_from([0.0, -0.0, -1.0, 2.5, np.inf, -np.inf, np.nan]) | st.floats(-1e99, 1e99),
            "n": st.none() | st.integers(-5, 5) | st.integers(-(2**63), 2**63 - 1),
            "seen": st.none() | instants,
            "c": st.none() | st.sampled_from(["a", "b", "", "new"]),
            "b": st.none() | st.booleans(),
            "text": st.none() | st.text(max_size=3),
        }
    ),
    max_size=30,
)


def table(given: Sequence[dict[str, Any]]) -> pa.Table:
    """Return rows with the types of Evergreen's tables."""
    return pa.Table.from_pylist(list(given), SCHEMA)


def by_pandas(given: pa.Table, zone: str) -> tuple[dict[date, int], dict[str, dict[date, list[int]]]]:
    """Return the rows by day, and the counts by column, day and cell."""
    frame = pd.DataFrame({name: pd.Series(given[name].to_pylist(), dtype="object") for name in given.column_names})
    frame["day"] = [at and pd.Timestamp(at).tz_convert(zone).date() for at in frame["at"]]
    frame = frame[frame["day"].notna()]
    counts = {}
    for name, bins in BINS.items():
        cells = _cells(frame[name], bins).reindex(frame.index).fillna(bins.n_cells - 1).astype(int)
        counts[name] = {
            day: of.value_counts().reindex(range(bins.n_cells), fill_value=0).tolist()
            for day, of in cells.groupby(frame["day"])
        }
    return frame["day"].value_counts().to_dict(), counts


def _cells(values: pd.Series, bins: ColumnBins) -> pd.Series:
    present = values.dropna()
    if bins.edges is not None:
        if bins.kind == "timestamp":
            present = present.map(lambda at: (at - EPOCH) // pd.Timedelta("1us").to_pytimedelta())
        ends = present.astype(float).clip(-1.7e308, 1.7e308)
        return pd.cut(ends, [-np.inf, *bins.edges, np.inf], labels=False)
    named = present.map(lambda value: str(value).lower() if bins.kind == "boolean" else value)
    codes = {category: at for at, category in enumerate(bins.categories or ())}
    return named.map(lambda value: codes.get(value, len(codes)))


def assert_same(one: Profile, other: Profile, *, rounding: float = 1e-12) -> None:
    """Fail unless two profiles are equal: counts and ends exactly, sums but for rounding."""
    assert (one.days, one.lost, one.undated) == (other.days, other.lost, other.undated)
    assert one.bins.keys() == other.bins.keys()
    assert all(bins.equals(other.bins[name]) for name, bins in one.bins.items())
    np.testing.assert_array_equal(one.rows, other.rows)
    assert one.counts.keys() == other.counts.keys()
    for name, counts in one.counts.items():
        np.testing.assert_array_equal(counts, other.counts[name])
    assert one.moments.keys() == other.moments.keys()
    for name, moments in one.moments.items():
        theirs, exact = other.moments[name], [FINITE, LEAST, MOST, INFINITE]
        np.testing.assert_array_equal(moments[:, exact], theirs[:, exact])
        ends = np.where(moments[:, [FINITE]] > 0, moments[:, [LEAST, MOST]], 0.0)
        most = moments[:, FINITE] * np.abs(ends).max(axis=1)
        assert (np.abs(moments[:, SUM] - theirs[:, SUM]) <= rounding * most).all()
        np.testing.assert_allclose(moments[:, SQUARES], theirs[:, SQUARES], rtol=rounding)
