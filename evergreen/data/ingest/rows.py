"""The rows of a file in their order, with all their columns as they came: what batch scoring reads."""

import itertools
import logging
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from evergreen.base.artifacts.refs import Item
from evergreen.config.contract.sources import Layout
from evergreen.data.ingest import faults, readers
from evergreen.data.typed.schema import ROW, UNREADABLE

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Rows:
    """The rows of a file, batch by batch, once.

    `schema`: the columns as they came: of a text file every one is text, missing values too as they are written. Each
    of the `batches` has them and ROW and UNREADABLE after them, as `readers.read` says; no row is out of its place.
    `coded`: the columns of texts that come as dictionaries, in a batch or in all.
    """

    schema: pa.Schema
    batches: Iterator[pa.RecordBatch]
    coded: Collection[str] = ()


def read(item: Item, layout: Layout | None = None) -> Rows:
    """Return the rows of a file, read as `layout` says.

    Raises
    ------
    DataError, here or with a later batch, if the file cannot be parsed or has no rows.
    """
    batches = _ordered(readers.read(item, missing=(), coded=True, layout=layout))
    if item.is_json:  # where a column may appear with any line
        there = readers.read(item, missing=(), layout=layout)
        names = dict.fromkeys(name for batch in there for name in batch.schema.names[:-2])
        schema = pa.schema([(name, pa.string()) for name in names])
        batches = (_aligned(batch, schema) for batch in batches)
    first = next(batches, None)
    if first is None:
        raise faults.empty(item)
    came = list(first.schema)[:-2]
    coded = {field.name for field in came if pa.types.is_dictionary(field.type)}
    schema = pa.schema([field.with_type(pa.string()) if field.name in coded else field for field in came])
    if item.format == "parquet":
        stored = pq.read_schema(item.uri)
        schema = schema.with_metadata(stored.metadata)  # by which pandas, for one, knows its own types again
        if nested := {*stored.names} - {*schema.names}:
            log.warning("%s: nested columns are left out: %s", item.name, ", ".join(sorted(nested)))
    return Rows(schema, itertools.chain([first], batches), coded)


def without_missing(batch: pa.RecordBatch, names: Collection[str], missing: Sequence[str]) -> pa.RecordBatch:
    """Return rows of a text file with null in the columns `names` where a text stands for a value that is not there."""
    absent = pc.SetLookupOptions(pa.array(missing, pa.string()))
    null = pa.scalar(None, pa.string())
    for at, name in enumerate(batch.schema.names):
        if name in names and pa.types.is_string(batch.schema.field(at).type):
            texts = batch.column(at)
            batch = batch.set_column(at, name, pc.if_else(pc.is_in(texts, options=absent), null, texts))
    return batch


def _ordered(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Put rows that cannot be split, which readers give in batches of their own, back among those around them."""
    held: pa.RecordBatch | None = None
    for batch in batches:
        if not batch.num_rows:
            continue
        if held is not None and not batch.column(UNREADABLE).null_count:
            held = _merged(held, batch)
            continue
        if held is not None:
            yield held
        held = batch
    if held is not None:
        yield held


def _merged(rows: pa.RecordBatch, unreadable: pa.RecordBatch) -> pa.RecordBatch:
    (together,) = pa.Table.from_batches([rows, unreadable.cast(rows.schema)]).combine_chunks().to_batches()
    return together.take(pc.sort_indices(together.column(ROW)))


def _aligned(batch: pa.RecordBatch, schema: pa.Schema) -> pa.RecordBatch:
    """Return a batch with all columns of `schema`, null where it has none, and the two that come last."""
    known = set(batch.schema.names)
    arrays = [batch.column(name) if name in known else pa.nulls(batch.num_rows, pa.string()) for name in schema.names]
    return pa.RecordBatch.from_arrays(
        [*arrays, batch.column(ROW), batch.column(UNREADABLE)], names=[*schema.names, ROW, UNREADABLE]
    )
