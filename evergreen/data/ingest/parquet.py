"""Parquet, in its own types, within limits that its footer is held to."""

from collections.abc import Collection, Iterator, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from evergreen.base.artifacts.refs import Item
from evergreen.data.ingest.faults import bad_header, not_parsed, unreadable_rows, with_rows
from evergreen.data.ingest.streams import bomb
from evergreen.data.typed.schema import ROW, UNREADABLE

BATCH_ROWS = 65_536
GIB = 2**30
# A column of one value shrinks by thousands, so a ratio alone condemns nothing.
MOST_RATIO = 200
FILE_BYTES, GROUP_BYTES = 4 * GIB, GIB
MOST_ROWS, MOST_CELLS_PER_BYTE = 100_000_000, 10_000


def batches(item: Item, columns: Sequence[str] | None, *, coded: bool = False) -> Iterator[pa.RecordBatch]:
    """Yield the rows of a Parquet file; raises DataError before anything is decompressed if it would not end well.

    Parameters
    ----------
    coded : texts that repeat may come as the dictionaries in which they are stored.
    """
    footer = pq.read_metadata(item.uri)
    few = _repeating(footer) if coded else []
    # pre_buffer would hold all of the file.
    with pq.ParquetFile(
        item.uri, metadata=footer, page_checksum_verification=True, pre_buffer=False, read_dictionary=few
    ) as file:
        _refuse_bomb(item, footer)
        schema = file.schema_arrow
        repeated = sorted({name for name in schema.names if schema.names.count(name) > 1})
        reserved = [name for name in schema.names if name in (ROW, UNREADABLE)]
        if repeated or reserved:
            what = f"the schema names columns twice: {', '.join(repeated)}" if repeated else f"'{reserved[0]}' is ours"
            raise bad_header(item, what, "Give each column a name of its own.")
        nested = {field.name for field in schema if _is_nested(field.type)}
        asked = sorted(nested & set(columns or ()))
        if asked:
            raise not_parsed(item, f"column '{asked[0]}' is nested ({schema.field(asked[0]).type})")
        names = [n for n in schema.names if n not in nested and (columns is None or n in columns)]
        first = 1
        for batch in file.iter_batches(batch_size=BATCH_ROWS, columns=names, use_threads=not coded):
            numbers = np.arange(first, first + len(batch))
            first += len(batch)
            yield from _readable(_flat(batch, few), numbers)


def unread(item: Item) -> dict[str, str]:
    """Return the types of the columns that `batches` leaves out, by name."""
    return {field.name: str(field.type) for field in pq.read_schema(item.uri) if _is_nested(field.type)}


def _is_nested(kind: pa.DataType) -> bool:
    kind = kind.storage_type if isinstance(kind, pa.BaseExtensionType) else kind
    return bool(pa.types.is_nested(_plain(kind)))


def _plain(kind: pa.DataType) -> pa.DataType:
    if pa.types.is_dictionary(kind):
        return kind.value_type
    if pa.types.is_binary_view(kind):
        return pa.binary()
    return pa.string() if pa.types.is_large_string(kind) or pa.types.is_string_view(kind) else kind


def _repeating(footer: pq.FileMetaData) -> list[str]:
    """Return the columns of texts that are stored in less bytes than a number takes, as dictionaries are."""
    schema = footer.schema.to_arrow_schema()
    texts = {field.name for field in schema if field.type == pa.string()}
    sizes, counts = dict.fromkeys(texts, 0), dict.fromkeys(texts, 0)
    for group in map(footer.row_group, range(footer.num_row_groups)):
        for chunk in map(group.column, range(group.num_columns)):
            if chunk.path_in_schema in texts:
                sizes[chunk.path_in_schema] += chunk.total_uncompressed_size
                counts[chunk.path_in_schema] += chunk.num_values if chunk.has_dictionary_page else 0
    return [name for name in schema.names if name in texts and sizes[name] < 4 * counts[name]]


def _flat(batch: pa.RecordBatch, coded: Collection[str] = ()) -> pa.RecordBatch:
    kinds = [field.type if field.name in coded else _plain(_plain(field.type)) for field in batch.schema]
    schema = pa.schema(list(zip(batch.schema.names, kinds, strict=True)))
    return batch if batch.schema.equals(schema) else batch.cast(schema)


def _readable(batch: pa.RecordBatch, numbers: np.ndarray) -> Iterator[pa.RecordBatch]:
    try:
        batch.validate(full=True)
    except pa.ArrowInvalid:
        batch = _flat(batch)
        broken = np.array([not all(map(_is_text, row)) for row in _raw_rows(batch)], dtype=bool)
    else:
        broken = np.zeros(len(batch), dtype=bool)
    if not broken.all():
        good = batch.filter(pa.array(~broken)) if broken.any() else batch
        yield with_rows(good, pa.array(numbers[~broken]))
    if broken.any():
        bad = _raw_rows(batch.filter(pa.array(broken)))
        texts = [",".join((value or b"").decode("utf-8", "backslashreplace") for value in row) for row in bad]
        yield unreadable_rows(batch.schema, numbers[broken].tolist(), texts)


def _raw_rows(batch: pa.RecordBatch) -> list[tuple[bytes | None, ...]]:
    """Return the bytes of the text columns, row by row; other types cannot be broken so."""
    texts = [column.cast(pa.binary()).to_pylist() for column in batch.columns if column.type == pa.string()]
    return list(zip(*texts, strict=True))


def _is_text(value: bytes | None) -> bool:
    try:
        (value or b"").decode()
    except UnicodeDecodeError:
        return False
    return True


def _refuse_bomb(item: Item, footer: pq.FileMetaData) -> None:
    groups = [footer.row_group(i).total_byte_size for i in range(footer.num_row_groups)]
    for promised, limit in ((sum(groups), FILE_BYTES), (max(groups, default=0), GROUP_BYTES)):
        if promised > limit and promised > MOST_RATIO * item.size:
            raise bomb(item.name, promised, promised / item.size)
    cells = footer.num_rows * max(footer.num_columns, 1)
    if footer.num_rows > MOST_ROWS and cells > MOST_CELLS_PER_BYTE * item.size:
        raise bomb(item.name, cells, cells / item.size)
