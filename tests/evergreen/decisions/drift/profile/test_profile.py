"""What a profile says of its blocks."""

from datetime import date, timedelta

import numpy as np
import pyarrow as pa
import pytest
from profiled import BINS, assert_same, table

from evergreen.decisions.drift.profile.build import profile
from evergreen.decisions.drift.profile.merging import merge
from evergreen.decisions.drift.profile.profile import ColumnBins, combined

DAY = 86_400_000_000


def test_a_period_is_half_open_and_periods_that_follow_each_other_are_the_whole():
    rows = table([{"at": day * DAY, "x": float(day), "c": "a"} for day in range(5) for _ in range(day)])
    whole = profile(rows, BINS, time="at", zone="UTC")
    cut = date(1970, 1, 4)
    before, after = whole.within(end=cut), whole.within(cut)
    assert (before.days, after.days) == (whole.days[:2], whole.days[2:])
    assert before.rows.tolist() == [1, 2]
    assert_same(merge(after, before), whole)
    assert_same(whole.within(date(1970, 1, 1), date(1970, 1, 6)), whole)
    nothing = whole.within(cut, cut)
    assert (nothing.days, nothing.n_rows, nothing.total("c").tolist()) == ((), 0, [0] * 5)


def test_rows_without_a_time_lie_in_no_period():
    whole = profile(table([{"at": None}, {"at": 0}]), BINS, time="at", zone="UTC")
    assert (whole.undated, whole.within(date(1970, 1, 1)).undated) == (1, 0)


def test_moments_over_all_days_are_those_of_all_values():
    rng = np.random.default_rng(5)
    values, days = rng.normal(1e6, 1, 1_000), np.sort(rng.integers(0, 9, 1_000))
    rows = table([{"at": int(day) * DAY, "x": value} for day, value in zip(days, values, strict=True)])
    bins = {"x": ColumnBins("number", edges=np.array([1e6]), origin=1e6)}
    found = profile(rows, bins, time="at", zone="UTC")
    finite, total, squares, least, most, infinite = combined(found.moments["x"])
    assert (finite, least, most, infinite) == (1_000, values.min(), values.max(), 0)
    assert total / finite == pytest.approx(values.mean(), rel=1e-14)
    assert squares == pytest.approx(((values - 1e6) ** 2).sum(), rel=1e-12)
    for at, day in enumerate(found.days):
        of_day = values[days == (day - date(1970, 1, 1)) // timedelta(days=1)]
        assert found.means("x")[at] == pytest.approx(of_day.mean(), rel=1e-14)
        assert found.variances("x")[at] == pytest.approx(of_day.var(ddof=1), rel=1e-9)


def test_cells_are_as_many_as_counts():
    found = profile(pa.table({"at": pa.array([], pa.timestamp("us", "UTC"))}), BINS, time="at", zone="UTC")
    assert found.counts == {}
    found = profile(table([{"at": 0}]), BINS, time="at", zone="UTC")
    assert {name: counts.shape for name, counts in found.counts.items()} == {
        name: (1, bins.n_cells) for name, bins in BINS.items()
    }


def test_cells_are_equal_by_what_they_count():
    cells = ColumnBins("number", edges=np.array([1.0, 2.0]))
    assert cells.equals(ColumnBins("number", edges=np.array([1.0, 2.0])))
    for other in (
        ColumnBins("number", edges=np.array([1.0])),
        ColumnBins("timestamp", edges=np.array([1.0, 2.0])),
        ColumnBins("number", edges=np.array([1.0, 2.0]), origin=1.0),
        ColumnBins("category", categories=("a",)),
    ):
        assert not cells.equals(other)
    assert not ColumnBins("category", categories=("a", "b")).equals(ColumnBins("category", categories=("b", "a")))
