"""From an item to Arrow batches, one at a time, with the number of every row and what could not be read of it."""

import lzma
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import pyarrow as pa

from evergreen.base.artifacts.refs import Item
from evergreen.config.contract.sources import Layout
from evergreen.data.ingest.faults import empty, not_parsed
from evergreen.data.ingest.items import changed
from evergreen.data.typed.schema import ROW, UNREADABLE

# What the parsers, and the decompressors below them, raise on bytes that are not what the file's name says.
NOT_PARSED = (
    ValueError, OSError, EOFError, NotImplementedError, RuntimeError, pa.ArrowException, zlib.error, lzma.LZMAError,
    zipfile.BadZipFile,
)  # fmt: skip


def read(
    item: Item, *, missing: tuple[str, ...], columns: Sequence[str] | None = None, coded: bool = False,
    layout: Layout | None = None,
) -> Iterator[pa.RecordBatch]:  # fmt: skip
    """Yield a file's rows in batches, only `columns` of them if given; a name that the file lacks is left out.

    Text files give every value as text, null where it is one of `missing`; JSON gives numbers as they are spelled and
    nested values as JSON. Parquet gives its own types, dictionaries decoded, unless `coded` texts may come as such, and
    nested columns left out. Workbooks give their first sheet, numbers, times and truth values as such where a column
    has no others.

    `layout` says of text and workbooks what their names and first bytes do not.

    Two columns come last. `_row` (int64): the number of the row in the file, from 1, the header and blank lines not
    counted. `_unreadable` (text): null, or for a row that cannot be read the JSON object {"*": its raw text}, and then
    every other column is null. Such rows come in batches of their own, after the rows around them.

    Raises
    ------
    DataError if the file is empty (DQ007), cannot be parsed (DQ002), has a header that names no columns (DQ029),
    would expand beyond reason (DQ030), or a nested column is asked for (DQ002).
    """
    from evergreen.data.ingest import delimited, json_lines, parquet, sheets

    layout = layout or Layout()
    with parsing(item):
        if item.size == 0:
            raise empty(item)
        if item.format == "parquet":
            batches = parquet.batches(item, columns, coded=coded)
        elif item.format in ("jsonl", "json"):
            batches = json_lines.batches(item, missing, layout)
        elif item.format == "xlsx":
            batches = sheets.batches(item, missing, layout)
        else:
            batches = delimited.batches(item, missing, layout)
        for batch in batches:
            if columns is not None:
                batch = batch.select([c for c in (*columns, ROW, UNREADABLE) if c in batch.schema.names])
            yield batch


def unread(item: Item) -> dict[str, str]:
    """Return the columns of a file that `read` leaves out, being nested: their types by name.

    Raises
    ------
    DataError if the file cannot be parsed (DQ002).
    """
    from evergreen.data.ingest import parquet

    with parsing(item):
        return parquet.unread(item) if item.format == "parquet" else {}


def with_values(batch: pa.RecordBatch, values: Mapping[str, str | None]) -> pa.RecordBatch:
    """Return rows with the columns that their folders name, unless they have them; ROW and UNREADABLE stay last."""
    for name, value in values.items():
        if name not in batch.schema.names:
            constant = pa.repeat(pa.scalar(value, pa.string()), batch.num_rows)
            batch = batch.add_column(batch.num_columns - 2, name, constant)
    return batch


@contextmanager
def parsing(item: Item) -> Iterator[None]:
    """Say of errors that a file's bytes cause what they mean: DataError (DQ002), or that the file has changed."""
    try:
        yield
    except FileNotFoundError as error:
        raise changed(item.name) from error
    except NOT_PARSED as error:
        raise not_parsed(item, str(error)) from error
