"""Personal values: what is stored instead of them."""

import json
from collections.abc import Callable, Sequence

import pyarrow as pa

from evergreen.config.contract.columns import Column
from evergreen.config.contract.contract import Contract
from evergreen.data.personal import hasher, masked
from evergreen.data.typed.schema import UNREADABLE, WHOLE_ROW

WITHHELD = "(withheld: personal)"


def protect(rows: pa.RecordBatch, contract: Contract, secret: bytes) -> pa.RecordBatch:
    """Return rows with personal values hashed (HMAC-SHA-256 under `secret`, 32 hex digits) or masked by letters x.

    Hashes are equal for equal values, so that a hashed column can still be a key; without the secret they cannot be
    looked up by trying values. Raw text that was kept because it could not be read loses personal values too.
    """
    columns = [column for column in contract.columns if column.pii not in (None, "keep")]
    if not columns:
        return rows
    for column in columns:
        if column.pii == "drop":
            continue
        values = rows.column(column.name)
        protected = _each(values, hasher(secret) if column.pii == "hash" else masked)
        rows = rows.set_column(rows.schema.get_field_index(column.name), column.name, protected)
    at = rows.schema.get_field_index(UNREADABLE)
    return rows.set_column(at, UNREADABLE, withheld(rows.column(UNREADABLE), columns))


def _each(values: pa.Array, stands_for: Callable[[str], str]) -> pa.Array:
    coded = values.dictionary_encode()
    return pa.array(map(stands_for, coded.dictionary.to_pylist()), pa.string()).take(coded.indices)


def withheld(texts: pa.Array, columns: Sequence[Column]) -> pa.Array:
    """Blank the personal part of unreadable values; of a row that could not be split, all of it may be personal."""
    if texts.null_count == len(texts):
        return texts
    personal = {column.name for column in columns} | {WHOLE_ROW}
    notes = [json.loads(text or "{}") for text in texts.to_pylist()]
    kept = [{name: WITHHELD if name in personal else text for name, text in note.items()} for note in notes]
    return pa.array([json.dumps(note, ensure_ascii=False) if note else None for note in kept], pa.string())
