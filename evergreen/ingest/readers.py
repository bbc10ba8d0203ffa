"""From an item to Arrow batches, one at a time, with the number of every row and what could not be read of it."""

import json
import lzma
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import pyarrow as pa

from evergreen.artifacts import Item
from evergreen.errors import DataError
from evergreen.ingest.items import changed
from evergreen.schema import ROW, UNREADABLE, WHOLE_ROW

LONGEST_SHOWN = 10_000
# What the parsers, and the decompressors below them, raise on bytes that are not what the file's name says.
NOT_PARSED = (
    ValueError, OSError, EOFError, NotImplementedError, RuntimeError, pa.ArrowException, zlib.error, lzma.LZMAError,
    zipfile.BadZipFile,
)  # fmt: skip


def read(item: Item, *, missing: tuple[str, ...], columns: Sequence[str] | None = None) -> Iterator[pa.RecordBatch]:
    """Yield a file's rows in batches, only `columns` of them if given; a name that the file lacks is left out.

    Text files give every value as text, null where it is one of `missing`; JSON gives numbers as they are spelled and
    nested values as JSON. Parquet gives its own types, dictionaries decoded and nested columns left out.

    Two columns come last. `_row` (int64): the number of the row in the file, from 1, the header and blank lines not
    counted. `_unreadable` (text): null, or for a row that cannot be read the JSON object {"*": its raw text}, and then
    every other column is null. Such rows come in batches of their own, after the rows around them.

    Raises
    ------
    DataError if the file is empty (DQ007), cannot be parsed (DQ002), has a header that names no columns (DQ029),
    would expand beyond reason (DQ030), or a nested column is asked for (DQ002).
    """
    from evergreen.ingest import delimited, json_lines, parquet

    with _parsing(item):
        if item.size == 0:
            raise empty(item)
        if item.format == "parquet":
            batches = parquet.batches(item, columns)
        elif item.format == "jsonl":
            batches = json_lines.batches(item, missing)
        else:
            batches = delimited.batches(item, missing)
        for batch in batches:
            if columns is not None:
                batch = batch.select([c for c in (*columns, ROW, UNREADABLE) if c in batch.schema.names])
            yield batch


@contextmanager
def _parsing(item: Item) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError as error:
        raise changed(item.name) from error
    except NOT_PARSED as error:
        raise not_parsed(item, str(error)) from error


def not_parsed(item: Item, why: str) -> DataError:
    return DataError(
        "DQ002",
        f"cannot be parsed: {why.partition(chr(10))[0] or 'the bytes are not what the name says'}",
        where=item.name,
        next_step="Check that the file is whole, and that its name ends in what it is, such as .csv or .parquet.",
    )


def empty(item: Item) -> DataError:
    return DataError("DQ007", "the table is empty", where=item.name, next_step="Put rows into the file.")


def bad_header(item: Item, what: str, next_step: str) -> DataError:
    return DataError("DQ029", what, where=item.name, next_step=next_step)


def with_rows(batch: pa.RecordBatch, numbers: pa.Array) -> pa.RecordBatch:
    """Return a batch of readable rows with the two columns that come last."""
    return pa.RecordBatch.from_arrays(
        [*batch.columns, numbers, pa.nulls(len(batch), pa.string())],
        names=[*batch.schema.names, ROW, UNREADABLE],
    )


def unreadable_rows(schema: pa.Schema, numbers: Sequence[int], texts: Sequence[str]) -> pa.RecordBatch:
    """Return a batch of rows of which nothing is known but their raw text; `schema` is that of the readable ones."""
    cells = [json.dumps({WHOLE_ROW: _shortened(text)}, ensure_ascii=False) for text in texts]
    return pa.RecordBatch.from_arrays(
        [*(pa.nulls(len(cells), kind) for kind in schema.types), pa.array(numbers, pa.int64()), pa.array(cells)],
        names=[*schema.names, ROW, UNREADABLE],
    )


def _shortened(text: str) -> str:
    raw = text.encode("utf-8", "backslashreplace")
    return raw[:LONGEST_SHOWN].decode("utf-8", "ignore")
