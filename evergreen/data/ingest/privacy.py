"""Personal values: what is stored instead of them."""

import hmac
import json
import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

import pyarrow as pa
import pyarrow.compute as pc

from evergreen.base.errors import explain_os_errors
from evergreen.config.contract.columns import Column
from evergreen.config.contract.contract import Contract
from evergreen.data.typed.schema import UNREADABLE, WHOLE_ROW

WITHHELD = "(withheld: personal)"


def key(path: Path) -> bytes:
    """Return the key that personal values are hashed under; made, for its owner alone, where there is none."""
    with explain_os_errors(path):
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            temporary = path.with_name(f".{path.name}.{uuid4().hex[:8]}")
            try:
                with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                    file.write(os.urandom(32))
                    file.flush()
                    os.fsync(file.fileno())
                with suppress(FileExistsError):  # the first one is everybody's
                    os.link(temporary, path)
            finally:
                temporary.unlink(missing_ok=True)
        return path.read_bytes()


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
        protected = _hashed(values, secret) if column.pii == "hash" else _masked(values)
        rows = rows.set_column(rows.schema.get_field_index(column.name), column.name, protected)
    at = rows.schema.get_field_index(UNREADABLE)
    return rows.set_column(at, UNREADABLE, _withheld(rows.column(UNREADABLE), columns))


def _hashed(values: pa.Array, secret: bytes) -> pa.Array:
    coded = values.dictionary_encode()
    hashes = [hmac.digest(secret, text.encode(), "sha256").hex()[:32] for text in coded.dictionary.to_pylist()]
    return pa.array(hashes, pa.string()).take(coded.indices)


def _masked(values: pa.Array) -> pa.Array:
    return pc.replace_substring_regex(values, r"[\p{L}\p{N}]", "x")


def _withheld(texts: pa.Array, columns: Sequence[Column]) -> pa.Array:
    """Blank the personal part of unreadable values; of a row that could not be split, all of it may be personal."""
    if texts.null_count == len(texts):
        return texts
    personal = {column.name for column in columns} | {WHOLE_ROW}
    notes = [json.loads(text or "{}") for text in texts.to_pylist()]
    kept = [{name: WITHHELD if name in personal else text for name, text in note.items()} for note in notes]
    return pa.array([json.dumps(note, ensure_ascii=False) if note else None for note in kept], pa.string())
