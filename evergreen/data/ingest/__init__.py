"""Ingestion: where a dataset's rows come from, and their reading."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from evergreen.base.artifacts.refs import Item, SourceRef
from evergreen.config.contract.contract import Contract
from evergreen.config.contract.sources import BundledSource, Source
from evergreen.config.settings import Settings

if TYPE_CHECKING:
    import pyarrow as pa


def locate(contract: Contract, settings: Settings) -> SourceRef:
    """Find the items of a dataset's source and of those it is joined with; objects and query results are fetched.

    Raises
    ------
    DataError if one is missing, cannot be read, or leads out of its declared root; Unavailable if a server does not
    answer.
    """
    return SourceRef(
        items=find(contract.source, settings), joined=tuple(find(join.source, settings) for join in contract.joins)
    )


def find(source: Source, settings: Settings) -> tuple[Item, ...]:
    """Return the items of one source, sorted by name."""
    if isinstance(source, BundledSource):
        from evergreen.data.ingest import flights
        from evergreen.data.ingest.items import item_of

        path = flights.file(source.table)
        return (item_of(path, name=f"{source.kind}/{path.name}"),)
    from evergreen.data.ingest import sources

    return sources.find(source, settings)


def batches(item: Item, source: Source, missing: tuple[str, ...]) -> "Iterator[pa.RecordBatch]":
    """Yield the rows of an item as they come."""
    if isinstance(source, BundledSource):
        from evergreen.data.ingest import flights

        yield from flights.read(Path(item.uri))
    else:
        from evergreen.data.ingest import readers

        yield from readers.read(item, missing=missing)
