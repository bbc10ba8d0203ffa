"""One pass over rows against pandas, however they are cut into batches, and rows that nobody would wish for."""

from datetime import UTC, date, datetime
from itertools import pairwise

import numpy as np
import profiled
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from profiled import BINS, SCHEMA, ZONE, ZONES, assert_same, by_pandas, table

from evergreen.data.typed.times import INSTANT
from evergreen.decisions.drift.profile.bins import bins_of
from evergreen.decisions.drift.profile.build import profile
from evergreen.decisions.drift.profile.profile import (
    ESTIMATE,
    FINITE,
    INFINITE,
    LABEL,
    LEAST,
    MOST,
    ColumnBins,
    Profile,
    combined,
)

HALVES = {"x": ColumnBins("number", edges=np.array([0.5]))}


def of_a_day(**columns: pa.Array | list[object]) -> pa.Table:
    n = len(next(iter(columns.values())))
    return pa.table({"at": pa.array(range(n), INSTANT), **columns})


def seen(rows: pa.Table, bins: dict[str, ColumnBins]) -> Profile:
    return profile(rows, bins, time="at", zone="UTC")


@given(profiled.rows, st.sampled_from(ZONES))
def test_counts_are_those_of_pandas(rows, zone):
    found = profile(table(rows), BINS, time="at", zone=zone)
    n_rows, counts = by_pandas(table(rows), zone)
    assert dict(zip(found.days, found.rows.tolist(), strict=True)) == n_rows
    assert found.undated == len(rows) - sum(n_rows.values())
    assert found.lost == {}
    for name in BINS:
        assert dict(zip(found.days, found.counts[name].tolist(), strict=True)) == counts[name], name


@given(profiled.rows, st.lists(st.integers(0, 30), max_size=4), st.randoms(use_true_random=False))
def test_neither_batches_nor_the_order_of_rows_matters(rows, cuts, random):
    whole = profile(table(rows), BINS, time="at", zone=ZONE)
    bounds = [0, *sorted(min(cut, len(rows)) for cut in cuts), len(rows)]
    pieces = [pa.RecordBatch.from_pylist(rows[low:high], SCHEMA) for low, high in pairwise(bounds)]
    assert_same(whole, profile(pieces, BINS, time="at", zone=ZONE))
    assert_same(whole, profile(table(random.sample(rows, len(rows))), BINS, time="at", zone=ZONE, threads=1))


def test_many_rows_of_many_days_in_any_order_are_counted_as_pandas_does():
    rng = np.random.default_rng(7)
    n = 60_000
    rows = pa.table(
        {
            "at": pa.array(1_300_000_000_000_000 + rng.integers(0, 90 * 86_400, n) * 1_000_000, INSTANT),
            "x": pa.array(rng.normal(1, 2, n).round(1), mask=rng.random(n) < 0.1),
            "n": pa.array(rng.poisson(3, n)),
            "seen": pa.array(rng.integers(-(10**15), 10**15, n), INSTANT),
            "c": pa.array(rng.choice(["a", "b", "new"], n)).dictionary_encode(),
            "b": pa.array(rng.random(n) < 0.5),
            "text": pa.array(["t"] * n),
        }
    )
    found = profile(rows.to_batches(40_000), BINS, time="at", zone=ZONE)
    n_rows, counts = by_pandas(rows, ZONE)
    assert dict(zip(found.days, found.rows.tolist(), strict=True)) == n_rows
    for name in BINS:
        assert dict(zip(found.days, found.counts[name].tolist(), strict=True)) == counts[name], name
    frame = rows.to_pandas()
    by_day = frame["x"].groupby(frame["at"].dt.tz_convert(ZONE).dt.date)
    np.testing.assert_allclose(found.means("x"), by_day.mean(), rtol=1e-12)
    np.testing.assert_allclose(found.variances("x"), by_day.var(), rtol=1e-9)
    assert_same(found, profile(rows.sort_by("at").to_batches(7_777), BINS, time="at", zone=ZONE))


def test_a_day_of_the_zone_has_its_own_length_when_clocks_change():
    hours = [datetime(2013, 11, 2, 4, tzinfo=UTC).timestamp() + 3_600 * hour for hour in range(73)]
    rows = pa.table({"at": pa.array([int(second) * 1_000_000 for second in hours], INSTANT), "x": [0.0] * 73})
    found = profile(rows, HALVES, time="at", zone="America/New_York")
    assert dict(zip(found.days, found.rows.tolist(), strict=True)) == {
        date(2013, 11, 2): 24, date(2013, 11, 3): 25, date(2013, 11, 4): 24,
    }  # fmt: skip


def test_infinite_is_not_missing():
    found = seen(of_a_day(x=[np.inf, -np.inf, np.nan, None, 0.25]), HALVES)
    assert found.total("x").tolist() == [2, 1, 2]
    finite, total, _, least, most, infinite = combined(found.moments["x"])
    assert (finite, total, least, most, infinite) == (1, 0.25, 0.25, 0.25, 2)


def test_nan_and_null_are_both_missing():
    assert_same(seen(of_a_day(x=[np.nan, 1.0]), HALVES), seen(of_a_day(x=[None, 1.0]), HALVES))


@pytest.mark.parametrize("values", [pa.nulls(3), pa.nulls(3, pa.float64()), pa.array([np.nan] * 3)])
def test_a_column_without_a_value_has_missing_rows_and_no_moments(values):
    found = seen(of_a_day(x=values), HALVES)
    assert found.lost == {}
    assert found.total("x").tolist() == [0, 0, 3]
    assert found.moments["x"].tolist() == [[0, 0, 0, np.inf, -np.inf, 0]]
    assert np.isnan(found.means("x")).all()


def test_a_constant_moves_to_another_cell_on_either_side():
    bins = bins_of(of_a_day(x=[5.0] * 100), {"x": "number"})
    assert seen(of_a_day(x=[5.0] * 100), bins).total("x").tolist() == [0, 100, 0, 0]
    assert seen(of_a_day(x=[4.999] * 9), bins).total("x").tolist() == [9, 0, 0, 0]
    assert seen(of_a_day(x=[np.nextafter(5.0, 6.0)] * 9), bins).total("x").tolist() == [0, 0, 9, 0]


def test_no_row_and_no_batch_are_no_day():
    for nothing in (of_a_day(x=pa.array([], pa.float64())), iter(())):
        found = seen(nothing, HALVES)
        assert (found.days, found.n_rows, found.lost, found.undated) == ((), 0, {}, 0)
        assert found.counts["x"].shape == (0, 3)
        assert found.total("x").tolist() == [0, 0, 0]


def test_one_row_is_one_row():
    found = seen(of_a_day(x=[0.25]), HALVES)
    assert (found.rows.tolist(), found.total("x").tolist()) == ([1], [1, 0, 0])
    assert np.isnan(found.variances("x")).all()


def test_large_integers_keep_their_order_and_their_variance():
    big = 2**62
    found = seen(of_a_day(x=pa.array([big, -big, 2**63 - 1, -(2**63)])), HALVES)
    assert found.total("x").tolist() == [2, 2, 0]
    assert combined(found.moments["x"])[[LEAST, MOST]].tolist() == [-(2.0**63), 2.0**63]
    rows = of_a_day(x=pa.array([10**12 + at for at in (0, 1, 2, 3)]))
    (variance,) = seen(rows, bins_of(rows, {"x": "integer"})).variances("x")
    assert variance == pytest.approx(5 / 3)


def test_the_variance_of_times_is_right_to_nine_digits():
    rng = np.random.default_rng(3)
    times = 1_700_000_000_000_000 + rng.integers(0, 86_400_000_000, 5_000)
    rows = pa.table({"at": pa.array(times, INSTANT), "x": pa.array(times, INSTANT)})
    found = profile(rows, bins_of(rows, {"x": "timestamp"}), time="at", zone="UTC")
    assert len(found.days) == 2
    for day, variance in zip(found.days, found.variances("x"), strict=True):
        of_day = times[times // 86_400_000_000 == (day - date(1970, 1, 1)).days]
        assert variance == pytest.approx(np.var(of_day - of_day.min(), ddof=1), rel=1e-9)


def test_numbers_at_the_end_of_float64_do_not_stop_anything():
    found = seen(of_a_day(x=[1.7e308, 1.7e308, -1.7e308, 5e-324]), HALVES)
    assert found.total("x").tolist() == [2, 2, 0]
    assert combined(found.moments["x"])[[FINITE, INFINITE, LEAST, MOST]].tolist() == [4, 0, -1.7e308, 1.7e308]


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        (pa.array(["1", "2"]), "string where a number was expected"),
        (pa.array([True, False]), "bool where a number was expected"),
        (pa.array([[1.0], [2.0]]), "list<item: double> where a number was expected"),
        (pa.array([1, 2], INSTANT), "timestamp[us, tz=UTC] where a number was expected"),
    ],
)
def test_a_changed_type_is_lost_and_says_so(values, reason):
    found = seen(of_a_day(x=values, y=[1.0, 2.0]), {**HALVES, "y": HALVES["x"]})
    assert found.lost == {"x": reason}
    assert (found.counts.keys(), found.moments.keys()) == ({"y"}, {"y"})


def test_a_column_that_one_batch_lacks_is_lost():
    with_x, without = of_a_day(x=[1.0]), of_a_day(y=[1.0])
    for batches in ([with_x, without], [without, with_x]):
        found = profile([batch for rows in batches for batch in rows.to_batches()], HALVES, time="at", zone="UTC")
        assert (found.lost, found.counts, found.n_rows) == ({"x": "absent"}, {}, 2)


def test_a_column_that_is_there_twice_is_lost():
    twice = pa.table([pa.array([0], INSTANT), [1.0], [2.0]], names=["at", "x", "x"])
    assert seen(twice, bins_of(twice, {"x": "number"})).lost == {"x": "there twice"}


def test_a_column_that_fails_is_lost_and_the_others_are_not(monkeypatch):
    from evergreen.decisions.drift.profile import tallies

    def explode(*_):
        raise MemoryError("no room")

    monkeypatch.setattr(tallies, "coded", explode)
    bins = {**HALVES, "c": ColumnBins("category", categories=("a",))}
    found = seen(of_a_day(x=[1.0], c=["a"]), bins)
    assert found.lost == {"c": "failed: MemoryError: no room"}
    assert found.total("x").tolist() == [0, 1, 0]


def test_rows_without_a_time_are_undated():
    never = pa.array([None, 0, -(2**62), 2**62], INSTANT)
    found = profile(pa.table({"at": never, "x": [1.0] * 4}), HALVES, time="at", zone="UTC")
    assert (found.undated, found.n_rows, found.total("x").tolist()) == (3, 1, [0, 1, 0])
    for time in ("elsewhen", "x", "void"):
        rows = pa.table({"at": never, "x": [1.0] * 4, "void": pa.nulls(4)})
        found = profile(rows, HALVES, time=time, zone="UTC")
        assert (found.undated, found.days) == (4, ())


def test_what_the_model_says_is_a_column_too():
    rows = of_a_day(**{ESTIMATE: [0.1, 0.9], LABEL: pa.array(["no", "yes"]).dictionary_encode()})
    bins = bins_of(rows, {ESTIMATE: "number", LABEL: "category"}, n_bins=2, min_rows=1)
    found = seen(rows, bins)
    assert (found.total(ESTIMATE).tolist(), found.total(LABEL).tolist()) == ([0, 1, 1, 0], [1, 1, 0, 0])
