"""The store of dataset versions: each item of a source read once, and versions made of what was read."""

import hashlib
import logging
import shutil
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import pyarrow as pa

from evergreen.base.ahead import ahead
from evergreen.base.artifacts.refs import DatasetRef, Item, SourceRef
from evergreen.base.artifacts.workspace import Workspace
from evergreen.base.errors import DataError, explain_os_errors, printable
from evergreen.base.files import write_bytes
from evergreen.base.values import Value, digest_of
from evergreen.config.contract.columns import Column
from evergreen.config.contract.contract import Contract
from evergreen.config.contract.sources import BundledSource, Layout
from evergreen.config.params.ingest import IngestParams
from evergreen.data import datasets, ingest
from evergreen.data.datasets import Fragment, IngestedItem, Manifest
from evergreen.data.ingest.appearing import Appearing
from evergreen.data.ingest.items import check_unchanged
from evergreen.data.ingest.joins import JoinedTable, attach, lookup
from evergreen.data.ingest.privacy import protect
from evergreen.data.typed.schema import arrow_schema, conform
from evergreen.data.typed.times import Offsets

log = logging.getLogger(__name__)
ITEM_FILE = "item.json"


class ItemRead(Value):
    """What reading an item gave: kept beside its fragments."""

    about: IngestedItem
    fragments: tuple[Fragment, ...]


def sync(source: SourceRef, contract: Contract, store: Path, *, made_with: str, secret: bytes) -> tuple[Path, Manifest]:
    """Return the dataset version that holds the rows of all items, reading only the items that are new.

    An item is known by its bytes: one that was read before, under any name, is not read again, and one that is there
    twice counts once.

    Parameters
    ----------
    store : folder of the dataset's versions and of the items that they are made of.
    made_with : digest of the code that reads; other code reads anew.
    secret : what personal values are hashed under.

    Raises
    ------
    DataError if an item cannot be parsed, lacks a declared column, mixes times with and without an offset, or changes
    while it is read.
    """
    reads = digest_of({"contract": _what_reading_needs(contract), "code": made_with, "joined": source.joined})
    reads += hashlib.sha256(secret).hexdigest() if any(column.pii == "hash" for column in contract.columns) else ""
    lookups: list[JoinedTable] | None = None
    items: list[IngestedItem] = []
    fragments: list[Fragment] = []
    files: dict[str, Path] = {}
    known: dict[str, IngestedItem] = {}
    columns = Appearing(contract, several=len(source.items) > 1)
    for item in source.items:
        if first := known.get(item.rows_sha256):
            names = printable(item.name), printable(first.name)
            log.warning("ingest: %s has the bytes of %s; its rows are counted once", *names)
            items.append(first.model_copy(update={"name": item.name, "rows": 0, "duplicate_of": first.name}))
            continue
        folder = store / "items" / hashlib.sha256(f"{item.rows_sha256}:{item.format}:{reads}".encode()).hexdigest()[:32]
        item_read = _known(folder)
        if item_read is None:
            lookups = _lookups(source, contract) if lookups is None else lookups
            item_read = _read_item(item, contract, lookups, folder, secret=secret, columns=columns)
            log.info("ingest: %s, %d rows", printable(item.name), item_read.about.rows)
        if item_read.about.rows:
            columns.add(item, item_read.about.absent)
        if item_read.about.absent:
            absent = ", ".join(item_read.about.absent)
            log.warning("ingest: %s has no column %s; null in its rows", printable(item.name), printable(absent))
        known[item.rows_sha256] = item_read.about.model_copy(update={"name": item.name})
        items.append(item_read.about.model_copy(update={"name": item.name}))
        fragments += item_read.fragments
        files |= {fragment.path: folder / fragment.path for fragment in item_read.fragments}
    columns.require_all()
    types = {field.name: str(field.type) for field in arrow_schema(contract.stored)}
    manifest = Manifest(
        name=contract.name,
        digest=datasets.digest(types, fragments),
        rows=sum(fragment.rows for fragment in fragments),
        types=types,
        items=tuple(items),
        joined={item.name: item.sha256 for joined in source.joined for item in joined},
        fragments=tuple(sorted(fragments, key=lambda fragment: (fragment.partition, fragment.path))),
        source=contract.source.kind,
        made_with=digest_of({"contract": contract, "code": made_with}),
        ingested_at=datetime.now(UTC),
    )
    path = store / manifest.digest[:16]
    return path, datasets.publish(path, manifest, files)


def take(path: Path, manifest: Manifest, ws: Workspace, contract: Contract, params: IngestParams) -> DatasetRef:
    """Put the rows of a version whose time lies in the period into the workspace.

    A row without a time belongs to no period; it is taken into each, so that validation can count and quarantine it.

    Raises
    ------
    DataError if no row lies in the period.
    """
    if contract.time is None and (params.start or params.end):
        raise DataError(
            "DQ007",
            "ingest.start and ingest.end name a period, but no column has role time",
            where=contract.name,
            next_step="Remove them from the parameters, or give the time column its role in the contract.",
        )
    if contract.time is None or not (params.start or params.end):
        fragments, files = manifest.fragments, {part.path: path / part.path for part in manifest.fragments}
        ref = _publish(ws, manifest, fragments, files)
    else:
        scratch = ws.root / f".period-{uuid4().hex[:8]}"
        try:
            with explain_os_errors(scratch):
                scratch.mkdir(parents=True)
                fragments, files = datasets.within(
                    path,
                    manifest,
                    time=contract.time,
                    zone=contract.timezone,
                    start=params.start,
                    end=params.end,
                    scratch=scratch,
                )
            ref = _publish(ws, manifest, fragments, files)
        finally:
            shutil.rmtree(scratch, ignore_errors=True)
    dated = [partition for partition in manifest.partitions if partition != datasets.UNDATED]
    # Rows that all lack a time are for validation to judge; it says what is wrong with them.
    if not any(part.rows for part in fragments if part.partition != datasets.UNDATED or not dated):
        span = f", {dated[0]} to {dated[-1]}" if dated and contract.time else ""
        period = f" between {params.start or 'the beginning'} and {params.end or 'the end'}" if contract.time else ""
        is_period = bool(contract.time and manifest.rows)
        raise DataError(
            "DQ007",
            f"no rows{period}; the source holds {manifest.rows} rows{span}",
            where=", ".join(item.name for item in manifest.items[:3]),
            next_step=f"{'Change ingest.start and ingest.end in the parameters' if is_period else 'Put rows into it'}.",
        )
    return ref


def _publish(ws: Workspace, manifest: Manifest, fragments: tuple[Fragment, ...], files: dict[str, Path]) -> DatasetRef:
    published = manifest.model_copy(
        update={
            "fragments": fragments,
            "rows": sum(fragment.rows for fragment in fragments),
            "digest": datasets.digest(manifest.types, fragments),
        }
    )

    uri = f"raw-{published.digest[:16]}-{published.facts[:8]}" if ws.by_content else "raw"
    datasets.publish(ws.path(uri), published, files)
    return datasets.reference(ws.root, uri)


def _what_reading_needs(contract: Contract) -> dict[str, object]:
    """Return the part of a contract that decides what is stored; rules and roles do not."""
    return {
        "columns": [
            column.model_dump(include={"name", "type", "spelling", "pii"}) for column in contract.columns
        ],
        "time": contract.time,
        "bundled": contract.source.table if isinstance(contract.source, BundledSource) else "",
        "layout": contract.source.model_dump(include=set(Layout.model_fields) - {"format"}),
        **contract.model_dump(mode="json", include={"joins", "timezone", "missing"}),
    }  # fmt: skip


def _known(folder: Path) -> ItemRead | None:
    try:
        item_read = ItemRead.model_validate_json((folder / ITEM_FILE).read_bytes())
    except (OSError, ValueError):
        return None
    return item_read if all(datasets.is_whole(folder, part) for part in item_read.fragments) else None


def _lookups(source: SourceRef, contract: Contract) -> list[JoinedTable]:
    return [
        lookup(
            join,
            (batch for item in items for batch in ingest.batches(item, join.source, contract.missing)),
            contract,
            name=", ".join(item.name for item in items),
        )
        for join, items in zip(contract.joins, source.joined, strict=True)
    ]


def _read_item(
    item: Item, contract: Contract, lookups: Sequence[JoinedTable], folder: Path, *, secret: bytes, columns: Appearing
) -> ItemRead:
    temporary = folder.with_name(f".{folder.name}.{uuid4().hex[:8]}")
    own = contract.as_written(column for column in contract.stored if column.name not in contract.joined)
    sourced = [column for column in own if not column.parts]
    offsets = Offsets()
    with explain_os_errors(folder):
        try:
            temporary.mkdir(parents=True)
            writer = datasets.Writer(temporary, item=item.rows_sha256, time=contract.time, zone=contract.timezone)
            names: list[str] = []
            physical: dict[str, str] = {}

            def typed() -> Iterator[pa.RecordBatch]:
                for batch in ahead(ingest.batches(item, contract.source, contract.missing)):
                    names[:] = [name for name in batch.schema.names if not name.startswith("_")]
                    physical.update((field.name, str(field.type)) for field in batch.schema)
                    if not item.is_json:
                        columns.require(names, item)
                    batch = _filled(batch, sourced)
                    rows = conform(
                        batch,
                        own,
                        zone=contract.timezone,
                        missing=contract.missing,
                        offsets=offsets,
                        from_json=item.is_json,
                    )
                    yield protect(attach(rows, lookups, contract), contract, secret)

            writer.write(ahead(typed()))
            absent = columns.require(names, item) if names else ()
            refuse_mixture(offsets, item)
            check_unchanged(item)
            fragments = writer.close()
            declared = {column.name for column in contract.columns}
            about = IngestedItem(
                name=item.name,
                size=item.size,
                sha256=item.rows_sha256,
                rows=sum(fragment.rows for fragment in fragments),
                unordered=writer.unordered,
                undeclared=tuple(name for name in names if name not in declared),
                absent=absent,
                physical={c.name: physical[c.name] for c in sourced if c.name in physical}
                if item.format == "parquet" and names
                else {},
            )
            item_read = ItemRead(about=about, fragments=fragments)
            write_bytes(temporary / ITEM_FILE, item_read.model_dump_json(indent=1).encode())
            return _placed(item_read, temporary, folder)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)


def _placed(item_read: ItemRead, temporary: Path, folder: Path) -> ItemRead:
    """Rename what was read into place, or return what another process has put there meanwhile."""
    for _ in range(3):
        try:
            temporary.rename(folder)
        except OSError:
            known = _known(folder)
            if known:
                return known
            shutil.rmtree(folder, ignore_errors=True)
        else:
            return item_read
    temporary.rename(folder)
    return item_read


def _filled(batch: pa.RecordBatch, columns: Sequence[Column]) -> pa.RecordBatch:
    """Return rows with every column; JSON lines name one only from the batch on that has a value of it."""
    for column in columns:
        if column.name not in batch.schema.names:
            batch = batch.append_column(column.name, pa.nulls(batch.num_rows))
    return batch


def refuse_mixture(offsets: Offsets, item: Item) -> None:
    """Raise DataError if a column has times with an offset from UTC and times without."""
    for column in offsets.mixed:
        raise DataError(
            "DQ002",
            f"column '{column}' has {offsets.with_offset[column]} times with an offset from UTC and "
            f"{offsets.without[column]} without",
            where=item.name,
            next_step="Write them as ISO 8601, such as 2013-01-31T17:05:00Z.",
        )
