"""Readers: every row once, numbered, as text or typed; what cannot be read is said, and bombs are not opened."""

import io
import json

import hypothesis
import hypothesis.strategies as st
import pyarrow as pa
import pyarrow.parquet as pq

from evergreen.base.errors import DataError
from evergreen.config.contract.columns import MISSING
from evergreen.data.ingest import readers
from evergreen.data.ingest.items import item_of


def good(rows):
    return [{k: v for k, v in row.items() if k[0] != "_"} for row in rows if row["_unreadable"] is None]


def bad(rows):
    return {row["_row"]: json.loads(row["_unreadable"])["*"] for row in rows if row["_unreadable"] is not None}


def parquet_bytes(table, **options):
    buffer = io.BytesIO()
    pq.write_table(pa.table(table), buffer, **options)
    return buffer.getvalue()


def test_batch_has_text_columns_then_row_number_then_what_could_not_be_read(item):
    (batch,) = readers.read(item("a.csv", "a,b\n1,2\n"), missing=())
    assert batch.schema == pa.schema(
        [("a", pa.string()), ("b", pa.string()), ("_row", pa.int64()), ("_unreadable", pa.string())]
    )


def test_columns_are_chosen_and_those_that_the_file_lacks_left_out(rows):
    for name, content in (("a.csv", "a,b,c\n1,2,3\n"), ("a.jsonl", '{"a":1,"b":2,"c":3}\n')):
        assert good(rows(name, content, columns=["c", "a", "z"])) == [{"c": "3", "a": "1"}]
    found = rows("a.parquet", parquet_bytes({"a": [1], "b": [2], "c": [3]}), columns=["c", "a", "z"])
    assert good(found) == [{"a": 1, "c": 3}]


def test_unreadable_text_is_kept_up_to_10_kb(rows):
    (text,) = bad(rows("a.csv", "a,b\n1,2,é" + "é" * 20_000)).values()
    assert len(text.encode()) == 10_000


def test_other_formats_under_a_text_name_are_refused(refusal):
    assert refusal("a.csv", parquet_bytes({"a": [1]})).what == "cannot be parsed: this is a Parquet file, not text"
    assert refusal("a.parquet", "a,b\n1,2\n").code == "DQ002"


PIECES = [
    b"a",
    b",",
    b"\n",
    b'"',
    b"\r",
    b"\0",
    b"\xff",
    "é".encode(),
    b"NA",
    b"{",
    b"}",
    b":",
    b"\\u",
    b"[",
    b"\t",
    b"\xff\xfe",
]


BEGINNINGS = {"csv": b"a,b\n", "tsv": b"a\tb\n", "jsonl": b'{"a":1}\n', "parquet": b"PAR1"}


@hypothesis.given(st.sampled_from(sorted(BEGINNINGS)), st.booleans(), st.lists(st.sampled_from(PIECES), max_size=50))
@hypothesis.settings(max_examples=500, suppress_health_check=[hypothesis.HealthCheck.function_scoped_fixture])
def test_any_bytes_give_every_row_once_or_one_clear_error(tmp_path, format, begun, pieces):
    path = tmp_path / f"a.{format}"
    path.write_bytes(BEGINNINGS[format] * begun + b"".join(pieces))
    try:
        batches = list(readers.read(item_of(path, name=path.name), missing=MISSING))
    except DataError:
        return
    numbers = sorted(number for batch in batches for number in batch["_row"].to_pylist())
    assert numbers == list(range(1, len(numbers) + 1))
