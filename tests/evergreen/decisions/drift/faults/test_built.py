"""Broken columns in Arrow tables, profiled as they are when Evergreen looks at a window."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from evergreen.config.contract.columns import ColumnType
from evergreen.decisions.drift.faults import decision
from evergreen.decisions.drift.faults.verdict import Faults
from evergreen.decisions.drift.profile.bins import bins_of
from evergreen.decisions.drift.profile.build import profile

TYPES: dict[str, ColumnType] = {
    "price": "number",
    "rain": "number",
    "booked": "timestamp",
    "weekend": "boolean",
    "carrier": "category",
    "remark": "text",
    "_estimate": "number",
    "_label": "category",
}
START = datetime(2024, 1, 1, tzinfo=UTC)


def rows(first: int, n_days: int, *, each: int, seed: int) -> pa.Table:
    rng = np.random.default_rng(seed)
    n = n_days * each
    days = first + np.repeat(np.arange(n_days), each)
    at = [START + timedelta(days=int(day), minutes=int(minute)) for day, minute in zip(days, rng.integers(0, 1_440, n))]  # noqa: B905
    estimate = rng.beta(2, 5, n)
    return pa.table(
        {
            "at": pa.array(at, pa.timestamp("us", "UTC")),
            "price": 1e6 + 500 * (rng.normal(size=n) + rng.normal(size=n_days)[days - first]),
            "rain": np.where(rng.random(n) < 0.1, rng.exponential(2, n), 0.0),
            "booked": pa.array([time - timedelta(days=float(ago)) for time, ago in zip(at, rng.exponential(20, n))]),  # noqa: B905
            "weekend": days % 7 > 4,
            "carrier": rng.choice(["AA", "B6", "DL"], n),
            "remark": [f"row {i}" for i in range(n)],
            "_estimate": estimate,
            "_label": np.where(estimate > 0.5, "true", "false"),
        }
    )


REFERENCE = rows(0, 60, each=50, seed=1)
BINS = bins_of(REFERENCE, TYPES)


def look(window: pa.Table) -> Faults:
    reference, seen = (profile(table, BINS, time="at", zone="Europe/Berlin") for table in (REFERENCE, window))
    return decision.decide(reference, seen)


def changed(name: str, change: Callable[[pa.ChunkedArray], object]) -> Faults:
    window = rows(60, 20, each=50, seed=2)
    return look(window.set_column(window.column_names.index(name), name, pa.chunked_array([change(window[name])])))


def test_an_unchanged_window_has_no_faults():
    for seed in range(2, 8):
        found = look(rows(60, 20, each=50, seed=seed))
        assert found.verdict == "none", found.evidence


def null_but_a_tenth(values: pa.ChunkedArray) -> pa.Array:
    return pa.array([value if i % 10 == 0 else None for i, value in enumerate(values.to_pylist())], values.type)


@pytest.mark.parametrize("name", TYPES)
def test_a_column_that_is_mostly_null_is_missing(name: str):
    found = changed(name, null_but_a_tenth)
    assert [(fault.column, fault.kind) for fault in found.columns] == [(name, "missing")]


@pytest.mark.parametrize("name", ["price", "rain", "booked", "carrier", "_estimate"])
def test_a_column_that_is_one_value_is_constant(name: str):
    def first(values: pa.ChunkedArray) -> pa.Array:
        value = next(value for value in values.to_pylist() if value)
        return pa.array([value] * len(values), values.type)

    assert [(fault.column, fault.kind) for fault in changed(name, first).columns] == [(name, "constant")]


@pytest.mark.parametrize(("name", "factor"), [("price", 1_000.0), ("price", 0.01), ("price", 2.54), ("rain", 1_000.0)])
def test_a_column_in_another_unit_is_found_far_from_zero_and_mostly_zero(name: str, factor: float):
    found = changed(name, lambda values: pc.multiply(values, factor).combine_chunks())
    assert [(fault.column, fault.kind) for fault in found.columns] == [(name, "unit")]


def test_times_a_thousandth_of_what_they_were_are_out_of_range():
    found = changed(
        "booked", lambda values: pc.divide(values.cast(pa.int64()), 1_000).combine_chunks().cast(values.type)
    )
    assert [(fault.column, fault.kind) for fault in found.columns] == [("booked", "out of range")]


@pytest.mark.parametrize("name", TYPES)
def test_a_column_of_another_type_or_absent_cannot_be_read(name: str):
    found = changed(name, lambda values: pa.array([[1]] * len(values)))
    assert [(fault.column, fault.kind) for fault in found.columns] == [(name, "unreadable")]
    found = look(rows(60, 20, each=50, seed=2).drop_columns([name]))
    assert [(fault.column, fault.kind) for fault in found.columns] == [(name, "absent")]


def test_new_categories_are_a_note_and_renamed_ones_a_fault():
    renamed = changed("carrier", lambda values: pc.utf8_lower(values).combine_chunks())
    assert [(fault.column, fault.kind) for fault in renamed.columns] == [("carrier", "unseen")]

    def a_few(values: pa.ChunkedArray) -> pa.Array:
        return pa.array(["NEW" if i % 150 == 0 else value for i, value in enumerate(values.to_pylist())])

    few = changed("carrier", a_few)
    assert few.verdict == "none"
    assert few.notes[0].startswith("carrier: 0.70%")


def test_rows_without_a_time_are_a_fault_and_never_no_traffic():
    window = rows(60, 20, each=50, seed=2)
    found = look(window.set_column(0, "at", pa.nulls(len(window), pa.timestamp("us", "UTC"))))
    assert found.verdict == "fault"
    assert "rows without a time" in found.evidence
    assert look(window.slice(0, 0)).verdict == "no traffic"


ODD = (
    [0.0],
    [np.nan],
    [np.inf, -np.inf],
    [1e308, -1e308],
    [1e200],
    [5e-324, -0.0],
    [1e15, 1e15 + 1],
    [np.nan, np.inf, 0.0, 1e308],
    [-9_999.0, 5.0, 6.0],
)


def odd_rows(rng: np.random.Generator, first: int) -> pa.Table:
    n, days = int(rng.choice([0, 1, 30, 100, 1_000])), int(rng.choice([1, 2, 7, 30, 100]))
    x = rng.choice(ODD[rng.integers(len(ODD))], n)
    x = np.where(rng.random(n) < rng.choice([0.0, 0.5, 1.0]), x, rng.normal(size=n) * 10.0 ** rng.integers(-300, 160))
    at = (first + rng.integers(0, days, n)) * 86_400_000_000
    return pa.table(
        {
            "at": pa.array(at, pa.timestamp("us", "UTC")),
            "x": x,
            "t": pa.array(rng.integers(-(2**55), 2**57, n), pa.timestamp("us", "UTC")),
            "c": pa.array(rng.choice(["a", "b", "c"], n), mask=rng.random(n) < 0.3),
            "b": pa.array(rng.random(n) < 0.5, mask=rng.random(n) < rng.choice([0.0, 1.0])),
        }
    )


def test_odd_tables_have_a_verdict_and_never_a_traceback_or_a_warning():
    rng = np.random.default_rng(10)
    types: dict[str, ColumnType] = {"x": "number", "t": "timestamp", "c": "category", "b": "boolean"}
    for _ in range(100):
        reference = odd_rows(rng, 0)
        bins = bins_of(reference, types)
        sides = [profile(table, bins, time="at", zone="UTC") for table in (reference, odd_rows(rng, 200))]
        found = decision.decide(*sides)
        assert found.evidence
        if found.verdict == "none":
            assert sides[1].n_rows >= decision.LEAST_ROWS
            assert not found.unjudged
        assert Faults.model_validate_json(found.model_dump_json()) == found
