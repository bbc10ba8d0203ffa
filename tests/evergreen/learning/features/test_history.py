"""Features of the past: what a brute-force reading of the definition gives, whatever comes later and however cut."""

import math
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from evergreen.base import memory
from evergreen.base.errors import ResourceError
from evergreen.config.contract.contract import Contract
from evergreen.config.params.features import FeatureParams
from evergreen.learning.features import history
from evergreen.learning.features.history import PastRows

DELAY = 2
TRIPS = Contract.model_validate(
    {
        "name": "trips",
        "description": "rows with a past",
        "source": {"kind": "file", "path": "trips.csv"},
        "timezone": "UTC",
        "label_delay_days": DELAY,
        "columns": [
            {"name": "at", "type": "timestamp", "role": "time"},
            {"name": "zone", "type": "category", "role": "feature", "nullable": True},
            {"name": "driver", "type": "integer", "role": "ignore", "nullable": True},
            {"name": "fare", "type": "number", "role": "feature", "nullable": True},
            {"name": "paid", "type": "number", "role": "leakage", "nullable": True},
            {"name": "tip", "type": "boolean", "role": "target", "nullable": True},
        ],
    }
)
AGGREGATES = ("count", "mean", "sum", "min", "max", "std")
DECLARED = {
    **{f"zone_fare_{a}": {"of": "fare", "by": ["zone"], "aggregate": a, "window_days": 3} for a in AGGREGATES},
    **{
        f"tip_{a}": {"of": "tip", "by": ["zone", "driver"], "aggregate": a, "window_days": 2} for a in ("mean", "count")
    },
    "all_paid": {"of": "paid", "aggregate": "sum", "window_days": 1},
    "rows": {"by": ["driver"], "aggregate": "count", "window_days": 5},
    "last_fare": {"of": "fare", "by": ["zone"], "lag": 1},
    "third_fare": {"of": "fare", "by": ["zone"], "lag": 3},
    "last_tip": {"of": "tip", "by": ["driver"], "lag": 1},
}
PARAMS = FeatureParams.model_validate({"history": DECLARED, "rare_category": 1, "test_days": 1})
DAY = pd.Timedelta(days=1)


def derive(rows, params=PARAMS, cuts=()):
    """Return the history features of rows, derived batch by batch in the order of time."""
    past = PastRows(TRIPS, params)
    edges = [0, *sorted(cuts), len(rows)]
    batches = [past.derive(rows.iloc[a:b]) for a, b in pairwise(edges)]
    return pd.concat(batches)[list(params.history)]


def by_hand(rows, params=PARAMS):
    """Return what the definition says, one row and one feature at a time."""
    found = {}
    for name, each in params.history.items():
        late = each.of in ("tip", "paid")
        column = []
        for _, row in rows.iterrows():
            if any(pd.isna(row[by]) for by in each.by):
                column.append(np.nan)
                continue
            end = row["at"] - (DELAY * DAY if late else pd.Timedelta(0))
            seen = rows[rows["at"] < end]
            for by in each.by:
                seen = seen[seen[by] == row[by]]
            if each.lag:
                ordered = seen.assign(v=seen[each.of].astype("float64")).sort_values(["at", "v"])
                column.append(ordered["v"].iloc[-each.lag] if len(ordered) >= each.lag else np.nan)
                continue
            seen = seen[seen["at"] >= end - each.window_days * DAY]
            if each.of is None:
                column.append(float(len(seen)))
                continue
            values = seen[each.of].dropna().astype("float64")
            if each.aggregate == "count":
                column.append(float(len(values)))
            else:
                column.append(getattr(values, each.aggregate)() if len(values) else np.nan)
        found[name] = column
    return pd.DataFrame(found, index=rows.index, dtype="float64")


def drawn(n, seed, *, span_hours=24 * 12):
    """Return rows in the order of time, many of them at the same hour."""
    rng = np.random.default_rng(seed)
    hours = np.sort(rng.integers(0, span_hours, n))
    return pd.DataFrame(
        {
            "at": pd.Timestamp("2024-03-01T00:00:00Z") + pd.to_timedelta(hours, unit="h"),
            "zone": rng.choice(np.array(["a", "b", None], dtype=object), n, p=[0.6, 0.3, 0.1]),
            "driver": pd.array(rng.integers(0, 3, n), dtype="Int64"),
            "fare": np.where(rng.random(n) < 0.2, np.nan, rng.normal(10, 5, n).round(2)),
            "paid": rng.normal(size=n),
            "tip": pd.array(rng.random(n) < 0.5, dtype="boolean"),
        }
    ).assign(tip=lambda t: t["tip"].mask(t.index % 7 == 0), driver=lambda t: t["driver"].mask(t.index % 11 == 0))


def same(found, expected):
    pd.testing.assert_frame_equal(found, expected, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize(("n", "span_hours"), [(1, 1), (40, 3), (120, 24 * 12), (60, 24 * 60)])
def test_history_equals_the_definition_read_row_by_row(n, span_hours):
    rows = drawn(n, seed=n, span_hours=span_hours)
    same(derive(rows), by_hand(rows))


def test_history_of_hand_computed_rows():
    rows = pd.DataFrame(
        {
            "at": pd.to_datetime(["2024-01-01", "2024-01-02", "2024-01-02", "2024-01-03", "2024-01-05"], utc=True),
            "zone": ["a", "a", "b", "a", "a"],
            "driver": [1, 1, 1, 1, 1],
            "fare": [1.0, 2.0, 9.0, np.nan, 5.0],
            "paid": [1.0, 1.0, 1.0, 1.0, 1.0],
            "tip": [True, False, True, True, None],
        }
    )
    found = derive(rows)
    assert found["zone_fare_sum"].tolist()[1:] == [1.0, pytest.approx(np.nan, nan_ok=True), 3.0, 2.0]
    assert found["zone_fare_count"].tolist() == [0.0, 1.0, 0.0, 2.0, 1.0]
    assert found["last_fare"].tolist() == pytest.approx([np.nan, 1.0, np.nan, 2.0, np.nan], nan_ok=True)
    # Targets count two days later: on the 5th, those before the 3rd.
    assert found["tip_mean"].tolist() == pytest.approx([np.nan, np.nan, np.nan, np.nan, 0.5], nan_ok=True)
    assert found["tip_count"].tolist() == [0.0, 0.0, 0.0, 0.0, 2.0]


moments = st.lists(st.integers(0, 200), min_size=1, max_size=25).map(sorted)


def table_of(hours, random):
    n = len(hours)
    pick = lambda values: [random.choice(values) for _ in range(n)]  # noqa: E731  used six times here
    return pd.DataFrame(
        {
            "at": pd.Timestamp("2024-03-01T00:00:00Z") + pd.to_timedelta(hours, unit="h"),
            "zone": pd.Series(pick(["a", "b", None]), dtype="object"),
            "driver": pd.array(pick([1, 2, None]), dtype="Int64"),
            "fare": pd.Series(pick([1.0, 2.5, -3.0, None]), dtype="float64"),
            "paid": pd.Series(pick([0.0, 1.0]), dtype="float64"),
            "tip": pd.array(pick([True, False, None]), dtype="boolean"),
        }
    )


@given(moments, st.integers(0, 25), st.randoms(use_true_random=False))
@settings(max_examples=30, deadline=None)
def test_rows_that_arrive_later_never_change_a_feature(hours, n, random):
    rows = table_of(hours, random)
    same(derive(rows.iloc[:n]) if n else derive(rows).iloc[:0], derive(rows).iloc[:n])
    # nor does what a row of the same time or later says, nor a target that is not known yet
    moment = rows["at"].iloc[min(n, len(rows) - 1)]
    earlier, known = rows["at"] < moment, rows["at"] < moment - DELAY * DAY
    late = {"paid": rows["paid"].where(known, 9.0), "tip": rows["tip"].where(known)}
    changed = rows.assign(fare=rows["fare"].where(earlier, 1e6), **late)
    upto = (rows["at"] <= moment).to_numpy()
    same(derive(changed)[upto], derive(rows)[upto])


@given(moments, moments, st.randoms(use_true_random=False))
@settings(max_examples=30, deadline=None)
def test_copies_and_rows_of_the_same_time_that_arrive_later_change_no_bit(hours, more, random):
    rows = table_of(hours, random)
    later = table_of([hours[-1] + hour for hour in [0, *more]], random)
    found = derive(pd.concat([rows, rows.tail(1), later], ignore_index=True))
    pd.testing.assert_frame_equal(found.iloc[: len(rows)], derive(rows), check_exact=True)


@given(moments, st.lists(st.integers(0, 25), max_size=4), st.randoms(use_true_random=False))
@settings(max_examples=30, deadline=None)
def test_how_rows_are_cut_into_batches_does_not_matter(hours, cuts, random):
    rows = table_of(hours, random)
    same(derive(rows, cuts=[min(cut, len(rows)) for cut in cuts]), derive(rows))


@pytest.mark.parametrize("step", [1, 7, 50])
def test_how_rows_are_cut_into_batches_changes_no_bit(step):
    rows = drawn(300, seed=9)
    rows = rows.assign(fare=rows["fare"] * 10.0 ** (rows.index % 9), at=rows["at"] - 30_000 * DAY)  # before 1970
    pd.testing.assert_frame_equal(derive(rows, cuts=range(step, 300, step)), derive(rows), check_exact=True)


def test_large_value_that_left_the_window_leaves_no_trace():
    rows = drawn(6, seed=1).assign(
        at=pd.date_range("2024-03-01", periods=6, freq="36h", tz="UTC"), zone="a", fare=[1e17, 0.1, 0.1, 0.1, 0.1, 1.0]
    )
    found = derive(rows)
    assert found["zone_fare_sum"].tolist()[4:] == [0.1 + 0.1, 0.1 + 0.1]
    assert found["zone_fare_std"].tolist()[4:] == [0.0, 0.0]


def test_infinite_value_is_missing_and_so_is_a_sum_that_no_number_holds():
    at = pd.date_range("2024-03-01", periods=4, freq="1h", tz="UTC")
    found = derive(drawn(4, seed=1).assign(at=at, zone="a", fare=[np.inf, 1e308, 1e308, 0.0]))
    assert found["zone_fare_sum"].tolist() == pytest.approx([np.nan, np.nan, 1e308, np.nan], nan_ok=True)
    assert found["zone_fare_count"].tolist() == [0.0, 0.0, 1.0, 2.0]
    assert found["last_fare"].tolist() == pytest.approx([np.nan, np.nan, 1e308, 1e308], nan_ok=True)


def test_row_without_a_time_has_no_past_and_is_in_none():
    rows = drawn(40, seed=8, span_hours=60)
    untimed = rows["at"].mask(rows.index % 5 == 2)
    found = derive(rows.assign(at=untimed), cuts=[2, 3, 20])
    assert found[untimed.isna()].isna().all(axis=None)
    same(found[untimed.notna()], derive(rows[untimed.notna()]))


def test_past_that_does_not_fit_into_memory_is_refused_in_time(monkeypatch):
    rows, past = drawn(200, seed=1), PastRows(TRIPS, PARAMS)
    monkeypatch.setattr(memory, "available", lambda: 100_000)
    past.derive(rows.iloc[:100])
    with pytest.raises(ResourceError, match=r"looking back on \d+ rows of 'trips' needs about"):
        past.derive(rows.iloc[100:].assign(at=rows["at"].iloc[99]))


def test_order_of_rows_within_a_batch_does_not_matter():
    rows = drawn(80, seed=3)
    shuffled = rows.sample(frac=1, random_state=1)
    same(derive(shuffled).sort_index(), derive(rows))


def test_rows_keep_their_columns_order_and_index_and_are_not_changed():
    rows = drawn(30, seed=5).set_index(pd.Index(range(30, 0, -1)))
    before = rows.copy(deep=True)
    found = PastRows(TRIPS, PARAMS).derive(rows)
    pd.testing.assert_frame_equal(found[list(rows)], before)
    assert list(found.columns) == [*rows.columns, *DECLARED]
    assert (found[list(DECLARED)].dtypes == "float64").all()


def test_batch_that_goes_back_in_time_is_refused():
    rows, past = drawn(20, seed=2), PastRows(TRIPS, PARAMS)
    past.derive(rows.iloc[10:])
    with pytest.raises(ValueError, match="before the last one"):
        past.derive(rows.iloc[:10])


def test_rows_that_nothing_can_look_back_on_are_forgotten():
    params = FeatureParams.model_validate(
        {
            "history": {"last": DECLARED["last_fare"], "sum": DECLARED["zone_fare_sum"]},
            "rare_category": 1,
            "test_days": 1,
        }
    )
    rows, past = drawn(3_000, seed=4, span_hours=24 * 300), PastRows(TRIPS, params)
    for begin in range(0, 3_000, 500):
        past.derive(rows.iloc[begin : begin + 500])
    assert past._kept is not None
    assert len(past._kept) < 60  # three days of rows, and the last one of each zone


def test_many_groups_over_many_years_do_not_overflow():
    n = 20_000
    rng = np.random.default_rng(1)
    rows = drawn(n, seed=6, span_hours=24 * 365 * 200).assign(
        zone=rng.integers(0, 5_000, n).astype(str), driver=pd.array(rng.integers(0, 9, n), dtype="Int64")
    )
    found = derive(rows)
    expected = rows.groupby("zone")["fare"].shift(1)
    apart = rows.groupby("zone")["at"].diff() > pd.Timedelta(0)
    pd.testing.assert_series_equal(found["last_fare"][apart], expected[apart], check_names=False)


@pytest.mark.parametrize("beyond", [{"lag": 10_001}, {"aggregate": "sum", "window_days": 36_501}])
def test_reach_that_no_clock_or_memory_holds_is_no_parameter(beyond):
    with pytest.raises(ValidationError, match="less than or equal to"):
        FeatureParams.model_validate({"history": {"far": {"of": "fare", **beyond}}, "rare_category": 1, "test_days": 1})


def test_nothing_is_added_and_no_day_looked_back_on_without_history():
    none = FeatureParams(rare_category=1, test_days=1)
    rows = drawn(5, seed=1)
    assert PastRows(TRIPS, none).derive(rows) is rows
    assert history.needed(TRIPS, none) == ()
    assert history.days_back(TRIPS, none) == 0


def test_days_reach_back_as_far_as_windows_do_and_to_the_beginning_for_a_lag():
    windows = FeatureParams.model_validate(
        {"history": {"a": DECLARED["zone_fare_sum"], "b": DECLARED["all_paid"]}, "rare_category": 1, "test_days": 1}
    )
    assert history.days_back(TRIPS, windows) == 6
    assert history.days_back(TRIPS, PARAMS) == math.inf
    assert history.needed(TRIPS, PARAMS) == ("at", "zone", "driver", "fare", "paid", "tip")
