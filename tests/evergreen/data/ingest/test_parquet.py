"""Parquet: its own types, what is nested or no text, and rows numbered across batches."""

import io
import json

import pyarrow as pa
import pyarrow.parquet as pq

from evergreen.config.contract.columns import MISSING
from evergreen.data.ingest import parquet, readers


def good(rows):
    return [{k: v for k, v in row.items() if k[0] != "_"} for row in rows if row["_unreadable"] is None]


def bad(rows):
    return {row["_row"]: json.loads(row["_unreadable"])["*"] for row in rows if row["_unreadable"] is not None}


def parquet_bytes(table, **options):
    buffer = io.BytesIO()
    pq.write_table(pa.table(table), buffer, **options)
    return buffer.getvalue()


def test_parquet_keeps_its_types_and_decodes_dictionaries(item):
    table = {
        "i": pa.array([1, None], pa.int8()),
        "d": pa.array(["x", "y"]).dictionary_encode(),
        "l": pa.array(["p", "q"], pa.large_string()),
        "m": pa.array([1, 2], pa.decimal128(10, 2)),
        "t": pa.array([1, 2], pa.timestamp("ns", "Europe/Paris")),
        "nested": pa.array([[1], [2]]),
        "s": pa.array([{"a": 1}, None]),
    }
    (batch,) = readers.read(item("a.parquet", parquet_bytes(table)), missing=MISSING)
    assert [(field.name, str(field.type)) for field in batch.schema] == [
        ("i", "int8"), ("d", "string"), ("l", "string"), ("m", "decimal128(10, 2)"),
        ("t", "timestamp[ns, tz=Europe/Paris]"), ("_row", "int64"), ("_unreadable", "string"),
    ]  # fmt: skip


def test_parquet_text_that_is_none_makes_its_row_unreadable(rows):
    broken = pa.array([b"x", b"caf\xe9", None, b"y"], pa.binary()).view(pa.string())
    found = rows("a.parquet", parquet_bytes({"a": broken, "n": [1, 2, 3, 4], "b": ["p", "q", "r", "s"]}))
    assert bad(found) == {2: "caf\\xe9,q"}
    assert [(row["_row"], row["a"], row["n"]) for row in found] == [
        (1, "x", 1),
        (2, None, None),
        (3, None, 3),
        (4, "y", 4),
    ]


def test_nested_parquet_column_is_refused_when_it_is_asked_for(refusal, rows):
    content = parquet_bytes({"a": [1], "nested": pa.array([[1]])})
    assert refusal("a.parquet", content, columns=["nested"]).what.startswith(
        "cannot be parsed: column 'nested' is nested"
    )
    assert good(rows("a.parquet", content, columns=["a"])) == [{"a": 1}]


def test_pandas_index_stays_a_column_and_rows_are_numbered_across_batches(item, monkeypatch):
    import pandas as pd

    monkeypatch.setattr(parquet, "BATCH_ROWS", 3)
    buffer = io.BytesIO()
    pd.DataFrame({"a": range(10)}, index=pd.Index([*range(10), 7], name="when")[1:]).to_parquet(buffer)
    batches = list(readers.read(item("a.parquet", buffer.getvalue()), missing=MISSING))
    assert batches[0].schema.names == ["a", "when", "_row", "_unreadable"]
    assert [n for batch in batches for n in batch["_row"].to_pylist()] == list(range(1, 11))
