"""Values that travel between steps: frozen, JSON-sized, and digested alike everywhere."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict


class Value(BaseModel):
    """Base of everything that travels between steps: frozen and JSON-sized."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def digest_of(value: Any) -> str:
    """Return the sha256 of a JSON-sized value; where something lies (`uri`) does not count, what it is does.

    Examples
    --------
    >>> from evergreen.base.artifacts.refs import TableRef
    >>> a = TableRef(uri="a.parquet", rows=1, schema_hash="s", sha256="x")
    >>> digest_of(a) == digest_of(a.model_copy(update={"uri": "elsewhere.parquet"}))
    True
    """
    return hashlib.sha256(json.dumps(_plain(value), sort_keys=True, default=str).encode()).hexdigest()


def _plain(value: Any) -> Any:
    if isinstance(value, BaseModel):
        return _plain(value.model_dump(mode="json"))
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items() if key != "uri"}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, (set, frozenset)):  # their order differs from process to process
        return sorted(json.dumps(_plain(item), sort_keys=True, default=str) for item in value)
    return value
