"""Ingestion: the rows of an item, whatever it is."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from evergreen.base.artifacts.refs import Item
from evergreen.config.contract.sources import BundledSource, Layout, Source

if TYPE_CHECKING:
    import pyarrow as pa


def batches(item: Item, source: Source, missing: tuple[str, ...]) -> "Iterator[pa.RecordBatch]":
    """Yield the rows of an item as they come, and what its folders say of them in columns of its own."""
    if isinstance(source, BundledSource):
        from evergreen.data.ingest import flights

        yield from flights.read(Path(item.uri))
    else:
        from evergreen.data.ingest import readers

        layout = source if isinstance(source, Layout) else None
        for batch in readers.read(item, missing=missing, layout=layout):
            yield readers.with_values(batch, item.values)


def unread(item: Item, source: Source) -> dict[str, str]:
    """Return the columns of an item that `batches` leaves out: their types by name."""
    if isinstance(source, BundledSource):
        return {}
    from evergreen.data.ingest import readers

    return readers.unread(item)
