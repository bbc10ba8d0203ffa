"""Joins: what pandas joins, row for row, and nothing that was not known before the observation."""

import json
from datetime import UTC, datetime, timedelta

import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evergreen.base.errors import DataError
from evergreen.config.contract.contract import Contract
from evergreen.data.ingest.joins import attach, lookup
from evergreen.data.typed.schema import ROW, UNREADABLE, arrow_schema, conform

START = datetime(2013, 1, 1, tzinfo=UTC)


def contract_of(*, as_of=None, by=None, columns=None, pii=None) -> Contract:
    join = {
        "source": {"kind": "file", "path": "other.csv"},
        "by": by or {"k": "key"},
        "columns": columns or {"v": "value", "w": "word"},
        "as_of": as_of,
    }
    declared = [
        {"name": "v", "type": "number", "role": "feature", "nullable": True},
        {"name": "at", "type": "timestamp", "role": "time"},
        {"name": "k", "type": "category", "role": "ignore", "pii": pii},
        {"name": "n", "type": "integer", "role": "feature"},
        {"name": "w", "type": "text", "role": "ignore", "nullable": True},
        {"name": "y", "type": "boolean", "role": "target"},
    ]
    about = {"name": "c", "description": "d", "source": {"kind": "file", "path": "a.csv"}, "timezone": "UTC"}
    return Contract.model_validate({**about, "label_delay_days": 0, "joins": [join], "columns": declared})


AS_OF = contract_of(as_of={"time": "seen", "tolerance_hours": 6})
PLAIN = contract_of()


def observations(rows: list[dict], contract: Contract) -> pa.RecordBatch:
    own = [column for column in contract.columns if column.name not in contract.joined]
    schema = pa.schema([field for field in arrow_schema(own) if field.name not in (ROW, UNREADABLE)])
    return conform(pa.RecordBatch.from_pylist(rows, schema), own, zone="UTC")


def others(rows: list[dict], size: int = 100) -> list[pa.RecordBatch]:
    schema = pa.schema(
        [("key", pa.string()), ("num", pa.int64()), ("seen", pa.timestamp("us", "UTC")), ("value", pa.string()),
         ("word", pa.string())]
    )  # fmt: skip
    return [pa.RecordBatch.from_pylist(rows[n : n + size], schema) for n in range(0, len(rows), size)]


def joined(ours: list[dict], theirs: list[dict], contract: Contract, size: int = 100) -> list[dict]:
    """Return the joined rows, whose order and other values must be those of `ours`."""
    batch = observations(ours, contract)
    made = lookup(contract.joins[0], others(theirs, size), contract, name="other.csv")
    found = attach(batch, [made], contract)
    found.validate(full=True)
    assert found.schema.equals(arrow_schema(contract.stored))
    untouched = [name for name in batch.schema.names if name != UNREADABLE]
    assert found.select(untouched).equals(batch.select(untouched))
    return found.to_pylist()


def hours(n) -> datetime:
    return START + timedelta(hours=n)


KEYS = st.sampled_from(["a", "b", "c", None])
OURS = st.lists(
    st.fixed_dictionaries(
        {"k": KEYS, "n": st.sampled_from([1, 2, None]), "at": st.none() | st.integers(0, 30).map(hours)}
    ),
    max_size=12,
)  # fmt: skip
THEIRS = st.lists(
    st.fixed_dictionaries(
        {"key": KEYS, "num": st.sampled_from([1, 2, None]), "seen": st.none() | st.integers(-5, 35).map(hours),
         "value": st.sampled_from(["1.5", "2", None]), "word": st.text("xyz", max_size=3)}
    ),
    max_size=12,
)  # fmt: skip


@given(OURS, THEIRS, st.integers(1, 5), st.booleans())
@settings(max_examples=60)
def test_join_by_keys_gives_what_a_search_gives(ours, theirs, size, two_keys):
    by = {"k": "key", "n": "num"} if two_keys else {"k": "key"}
    unique = {tuple(row[other] for other in by.values()): row for row in theirs}
    kept = list(unique.values())
    rows = joined(ours, kept, contract_of(by=by), size)
    for row, ask in zip(rows, ours, strict=True):
        key = tuple(ask[own] for own in by)
        match = unique.get(key, {}) if None not in key else {}
        assert (row["v"], row["w"]) == (float(match["value"]) if match.get("value") else None, match.get("word"))


def searched(ask: dict, theirs: list[dict], by: dict[str, str], tolerance: float | None) -> dict:
    if ask["at"] is None or any(ask[own] is None for own in by):
        return {}
    known = [
        row for row in theirs
        if row["seen"] is not None and row["seen"] < ask["at"] and all(row[b] == ask[a] for a, b in by.items())
        and (tolerance is None or ask["at"] - row["seen"] <= timedelta(hours=tolerance))
    ]  # fmt: skip
    return max(known, key=lambda row: row["seen"]) if known else {}


def one_per_instant(theirs: list[dict]) -> list[dict]:
    return list({(row["key"], row["num"], row["seen"]): row for row in theirs}.values())


@given(OURS, THEIRS, st.sampled_from([None, 6, 0.5]), st.booleans())
@settings(max_examples=80)
def test_join_as_of_a_time_gives_the_last_row_before(ours, theirs, tolerance, two_keys):
    by = {"k": "key", "n": "num"} if two_keys else {"k": "key"}
    theirs = one_per_instant(theirs) if two_keys else list({(row["key"], row["seen"]): row for row in theirs}.values())
    contract = contract_of(by=by, as_of={"time": "seen", "tolerance_hours": tolerance})
    for row, ask in zip(joined(ours, theirs, contract), ours, strict=True):
        match = searched(ask, theirs, by, tolerance)
        assert (row["v"], row["w"]) == (float(match["value"]) if match.get("value") else None, match.get("word"))


def test_join_as_of_gives_what_pandas_gives_on_a_large_table():
    import numpy as np

    draw = np.random.default_rng(7)
    ours = [
        {"k": "abcd"[k], "n": 1, "at": hours(float(h))}
        for k, h in zip(draw.integers(0, 4, 3_000), draw.random(3_000) * 500, strict=True)
    ]
    theirs = [
        {"key": "abc"[k], "num": 1, "seen": hours(int(h)), "value": f"{v:.3f}", "word": "w"}
        for k, h, v in zip(draw.integers(0, 3, 900), draw.permutation(900) % 450, draw.random(900), strict=True)
    ]
    theirs = one_per_instant(theirs)
    left = pd.DataFrame(ours).assign(position=range(len(ours))).sort_values("at")
    right = pd.DataFrame(theirs).rename(columns={"key": "k"}).sort_values("seen")
    expected = pd.merge_asof(
        left,
        right,
        left_on="at",
        right_on="seen",
        by="k",
        direction="backward",
        allow_exact_matches=False,
        tolerance=pd.Timedelta(hours=6),
    ).sort_values("position")["value"]
    found = [row["v"] for row in joined(ours, theirs, AS_OF)]
    assert found == [None if pd.isna(value) else float(value) for value in expected]
    assert 1_000 < sum(value is not None for value in found) < 3_000


@given(OURS, THEIRS, THEIRS, st.randoms(use_true_random=False))
@settings(max_examples=60)
def test_nothing_of_the_future_changes_what_is_joined(ours, past, future, shuffle):
    begins = hours(15)
    past = [row for row in past if row["seen"] is None or row["seen"] < begins]
    future = [{**row, "seen": row["seen"] if row["seen"] and row["seen"] >= begins else begins} for row in future]
    asks = [row for row in ours if row["at"] is None or row["at"] <= begins]
    together = [*past, *future]
    before = joined(asks, past, AS_OF)
    assert joined(asks, together, AS_OF) == before
    shuffled = sorted(together, key=lambda row: (row["seen"] is not None and row["seen"] >= begins, shuffle.random()))
    ties = {(row["key"], row["seen"]) for row in past}
    if len(ties) == len(past):
        assert joined(asks, shuffled, AS_OF) == before


@pytest.mark.parametrize(("at", "value"), [(0, None), (1e-9, 1.5), (0.001, 1.5), (6, 1.5), (6.001, None), (-1, None)])
def test_row_of_the_very_moment_is_not_yet_known(at, value):
    theirs = [{"key": "a", "seen": START, "value": "1.5"}]
    assert joined([{"k": "a", "at": hours(at)}], theirs, AS_OF)[0]["v"] == value


def test_key_that_is_there_twice_is_refused():
    theirs = [{"key": None, "value": "1"}] * 2 + [{"key": "a", "value": "1"}, {"key": "b"}, {"key": "a"}]
    with pytest.raises(DataError) as caught:
        lookup(PLAIN.joins[0], others(theirs, size=1), PLAIN, name="other.csv")
    assert (caught.value.code, caught.value.what, caught.value.where) == (
        "DQ032",
        "more than one row for k a",
        "other.csv",
    )
    private = contract_of(pii="hash")
    with pytest.raises(DataError) as caught:
        lookup(private.joins[0], others(theirs), private, name="other.csv")
    assert caught.value.what == "more than one row for k (withheld: personal)"
    lookup(AS_OF.joins[0], others(theirs), AS_OF, name="other.csv")


def test_column_that_is_missing_is_named():
    batches = [batch.drop_columns(["word", "key"]) for batch in others([{"value": "1"}])]
    with pytest.raises(DataError) as caught:
        lookup(PLAIN.joins[0], batches, PLAIN, name="other.csv")
    assert (caught.value.code, caught.value.what) == ("DQ001", "missing columns: key, word; found: num, seen, value")


def test_column_that_comes_with_a_later_batch_is_null_before():
    first, second = others([{"key": "a", "value": "1"}, {"key": "b", "value": "2", "word": "w"}], size=1)
    made = lookup(PLAIN.joins[0], [first.drop_columns(["word"]), second], PLAIN, name="other.jsonl")
    found = attach(observations([{"k": "b"}, {"k": "a"}], PLAIN), [made], PLAIN)
    assert found["w"].to_pylist() == ["w", None]


@pytest.mark.parametrize("contract", [PLAIN, AS_OF])
@pytest.mark.parametrize("batches", [[], others([{"key": None, "value": "1"}])])
def test_source_without_a_usable_row_brings_nulls(contract, batches):
    made = lookup(contract.joins[0], batches, contract, name="other.csv")
    found = attach(observations([{"k": "a", "at": START}, {"k": None}], contract), [made], contract)
    assert found["v"].to_pylist() == [None, None]
    assert attach(observations([], contract), [made], contract).num_rows == 0


def test_what_cannot_be_read_there_is_noted_in_every_row_that_it_is_brought_to():
    theirs = [{"key": "a", "value": "1,2", "word": "w"}, {"key": "b", "value": "1"}]
    contract = PLAIN
    own = [column for column in contract.columns if column.name not in contract.joined]
    raw = pa.RecordBatch.from_pydict({"k": ["a", "b", "a"], "n": ["1", "x", "y"], "at": [None] * 3, "y": [None] * 3})
    made = lookup(contract.joins[0], others(theirs), contract, name="other.csv")
    found = attach(conform(raw, own, zone="UTC"), [made], contract)
    notes = [json.loads(note) for note in found[UNREADABLE].to_pylist()]
    assert notes == [{"v": "1,2"}, {"n": "x"}, {"n": "y", "v": "1,2"}]
    assert found["v"].to_pylist() == [None, 1.0, None]


def test_without_joins_rows_are_left_as_they_are():
    rows = observations([{"k": "a"}], PLAIN)
    assert attach(rows, [], PLAIN) is rows
