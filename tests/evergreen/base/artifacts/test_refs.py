"""References say what a table holds: its rows, its bytes, and its schema."""

import hashlib

import pyarrow.parquet as pq


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def test_reference_says_rows_and_the_digest_of_the_bytes(ws, table):
    ref = ws.write("t", table)
    content = ws.path(ref.uri).read_bytes()
    assert (ref.rows, ref.sha256) == (3, sha256(content))
    assert ref.uri == f"t-{ref.sha256[:16]}.parquet"
    assert pq.read_metadata(ws.path(ref.uri)).num_rows == 3


def test_schema_hash_follows_names_and_types_but_not_values(ws, table):
    first = ws.write("t", table)
    assert ws.write("t", table.assign(whole=[7, 8, 9])).schema_hash == first.schema_hash
    assert ws.write("t", table.astype({"whole": "float64"})).schema_hash != first.schema_hash
    assert ws.write("t", table.rename(columns={"whole": "part"})).schema_hash != first.schema_hash
