"""What steps hand to each other: references to whole files, never dataframes."""

import hashlib
import json
from typing import Any, Literal

from pydantic import Field

from evergreen.base.values import Value, digest_of


class TableRef(Value):
    """A Parquet file. `uri` is relative to the workspace; `sha256` is of the file's bytes."""

    uri: str
    rows: int
    schema_hash: str
    sha256: str


class FolderRef(Value):
    """A folder with a manifest. `sha256` is of the manifest, which holds the digest of every file."""

    uri: str
    sha256: str


class Item(Value):
    """One file of a source, or the local copy of an object or a query's rows.

    `name`: as the user knows it, without secrets. `uri`: the absolute local path. `sha256`: of the bytes. `values`: by
    column, what folders named column=value above it say of all its rows; None where they have none. `stamp` says which
    state of the file was hashed; it stays in this process, and no digest and no JSON holds it.
    """

    name: str
    uri: str
    size: int
    sha256: str
    format: Literal["csv", "tsv", "parquet", "jsonl", "json", "xlsx"]
    compression: Literal["", "gzip", "zip", "zstd"] = ""
    values: dict[str, str | None] = Field(default_factory=dict)
    stamp: str = Field(default="", exclude=True, repr=False)

    @property
    def is_json(self) -> bool:
        """Whether its numbers come as the texts that spell them in JSON."""
        return self.format in ("jsonl", "json")

    @property
    def rows_sha256(self) -> str:
        """The digest of what its rows are made of: its bytes, and what its folders say of them."""
        return digest_of([self.sha256, self.values]) if self.values else self.sha256


class SourceRef(Value):
    """What a dataset is read from, found but not read: the items of its source, and those of each joined source."""

    items: tuple[Item, ...]
    joined: tuple[tuple[Item, ...], ...] = ()


class DatasetRef(Value):
    """A dataset version: a folder of Parquet files by month, and a manifest.

    `sha256` is of its rows and schema, `facts` of what else the manifest knows of the source and rules look at.
    """

    uri: str
    rows: int
    facts: str
    sha256: str


def schema_hash(schema: Any) -> str:
    """Return the digest of an Arrow schema: names and types, in order."""
    fields = [(field.name, str(field.type)) for field in schema]
    return hashlib.sha256(json.dumps(fields).encode()).hexdigest()[:16]
