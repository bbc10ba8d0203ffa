"""What a dataset version says of itself, and how two versions differ."""

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from pydantic import Field

from evergreen.base.values import Value, digest_of
from evergreen.data.datasets.content import added, parsed, spelled
from evergreen.data.typed.schema import ROW

UNDATED, WHOLE = "undated", "all"  # partitions of rows without a time, and of tables without a time column


class IngestedItem(Value):
    """What one file, object or query result gave.

    `sha256`: of its bytes and what its folders say of them, as `Item.rows_sha256`.
    `duplicate_of`: the name of an item with the same bytes, whose rows are counted once. `unordered`: rows whose time
    lies before that of the row above. `undeclared`: columns that the contract does not name; their values are not
    stored. `absent`: columns that it has not, because they came with a later item: null in its rows. `physical`: types
    by column, of a typed source.
    """

    name: str
    size: int
    sha256: str
    rows: int
    duplicate_of: str = ""
    unordered: int = 0
    undeclared: tuple[str, ...] = ()
    absent: tuple[str, ...] = ()
    physical: Mapping[str, str] = Field(default_factory=dict)


class Fragment(Value):
    """One Parquet file of one item in one partition. `content` is of its rows, in any order; `sha256` of its bytes."""

    path: str
    item: str
    partition: str
    rows: int
    size: int
    sha256: str
    content: str


class Manifest(Value):
    """What a dataset version is, and where its rows came from.

    `digest` is of the schema and of the rows of each partition, in any order and from any source: equal rows have an
    equal digest. `types`: the stored columns. `joined`: the sha256 of each file of a joined source, by its name.
    `made_with`: the digest of contract and code.
    """

    name: str
    digest: str
    rows: int
    types: dict[str, str]
    items: tuple[IngestedItem, ...]
    joined: dict[str, str] = Field(default_factory=dict)
    fragments: tuple[Fragment, ...]
    source: str
    made_with: str
    ingested_at: datetime

    @property
    def facts(self) -> str:
        """The digest of what is known of the source beside its rows, which rules look at too."""
        known = {(item.unordered, item.undeclared, tuple(sorted(item.physical.items()))) for item in self.items}
        return digest_of(known)

    @property
    def partitions(self) -> dict[str, int]:
        """Rows by partition."""
        counts: Counter[str] = Counter()
        for fragment in self.fragments:
            counts[fragment.partition] += fragment.rows
        return dict(sorted(counts.items()))


def digest(types: Mapping[str, str], fragments: Iterable[Fragment]) -> str:
    """Return the digest of a dataset: its schema, and the rows of each partition in any order."""
    partitions: dict[str, list[Any]] = {}
    for fragment in fragments:
        rows, sums = partitions.get(fragment.partition, (0, (0, 0)))
        partitions[fragment.partition] = [rows + fragment.rows, added(tuple(sums), parsed(fragment.content))]
    about = {
        "types": [[name, kind] for name, kind in types.items() if name != ROW],
        "partitions": {name: [rows, spelled(tuple(sums))] for name, (rows, sums) in partitions.items() if rows},
    }
    return hashlib.sha256(json.dumps(about, sort_keys=True).encode()).hexdigest()


class VersionDifference(Value):
    """What changed from one version to another: columns, items by name, and rows by partition."""

    added_columns: tuple[str, ...]
    dropped_columns: tuple[str, ...]
    retyped_columns: dict[str, tuple[str, str]]
    added_items: tuple[str, ...]
    dropped_items: tuple[str, ...]
    changed_items: tuple[str, ...]
    partitions: dict[str, tuple[int, int]]
    same: bool


def diff(before: Manifest, after: Manifest) -> VersionDifference:
    """Return what changed from `before` to `after`; `partitions` names those whose rows differ, with both counts."""
    items = [{item.name: item.sha256 for item in manifest.items} for manifest in (before, after)]
    contents = [_contents(manifest) for manifest in (before, after)]
    both = before.types.keys() & after.types.keys()
    return VersionDifference(
        added_columns=tuple(name for name in after.types if name not in before.types),
        dropped_columns=tuple(name for name in before.types if name not in after.types),
        retyped_columns={
            name: (before.types[name], after.types[name])
            for name in before.types
            if name in both and before.types[name] != after.types[name]
        },
        added_items=tuple(sorted(items[1].keys() - items[0].keys())),
        dropped_items=tuple(sorted(items[0].keys() - items[1].keys())),
        changed_items=tuple(sorted(n for n in items[0].keys() & items[1].keys() if items[0][n] != items[1][n])),
        partitions={
            name: (contents[0].get(name, (0, ""))[0], contents[1].get(name, (0, ""))[0])
            for name in sorted(contents[0].keys() | contents[1].keys())
            if contents[0].get(name) != contents[1].get(name)
        },
        same=before.digest == after.digest,
    )


def _contents(manifest: Manifest) -> dict[str, tuple[int, str]]:
    partitions: dict[str, tuple[int, str]] = {}
    for fragment in manifest.fragments:
        rows, content = partitions.get(fragment.partition, (0, spelled((0, 0))))
        partitions[fragment.partition] = (
            rows + fragment.rows,
            spelled(added(parsed(content), parsed(fragment.content))),
        )
    return partitions
