"""What a reader says of bytes that it cannot take, and the rows that it sets aside."""

import json
from collections.abc import Sequence

import pyarrow as pa

from evergreen.base.artifacts.refs import Item
from evergreen.base.errors import DataError
from evergreen.config.contract.sources import Layout
from evergreen.data.ingest.items import setting
from evergreen.data.typed.schema import ROW, UNREADABLE, WHOLE_ROW

LONGEST_SHOWN = 10_000


def not_parsed(item: Item, why: str) -> DataError:
    return DataError(
        "DQ002",
        f"cannot be parsed: {why.partition(chr(10))[0] or 'the bytes are not what the name says'}",
        where=item.name,
        next_step="Check that the file is whole, and that its name ends in what it is, such as .csv or .parquet.",
    )


def empty(item: Item) -> DataError:
    return DataError("DQ007", "the table is empty", where=item.name, next_step="Put rows into the file.")


def names_of(item: Item, layout: Layout, width: int) -> list[str]:
    """Return the names of the columns of a file without a header, whose first row has `width` values.

    Raises
    ------
    DataError (DQ029) if there are more or fewer names than values.
    """
    if not layout.names:
        return [f"column_{number}" for number in range(1, width + 1)]
    if len(layout.names) != width:
        raise bad_header(
            item,
            f"the first row has {width} values, and there are {len(layout.names)} names",
            setting("names", "as many names as a row has values"),
        )
    return list(layout.names)


def bad_header(item: Item, what: str, next_step: str) -> DataError:
    return DataError("DQ029", what, where=item.name, next_step=next_step)


def check_names(item: Item, names: Sequence[str], advice: str) -> None:
    """Raise DataError (DQ029) if names of columns repeat, which `advice` is about, are ours, or there are none."""
    if repeated := sorted({name for name in names if names.count(name) > 1}):
        listed = ", ".join(f"'{name}'" for name in repeated)
        raise bad_header(item, f"the header names columns twice: {listed}", advice)
    if reserved := [name for name in names if name in (ROW, UNREADABLE)]:
        raise bad_header(item, f"the header names '{reserved[0]}', which Evergreen adds itself", "Rename that column.")
    if not names:
        raise bad_header(item, "the header names no column", "Write a name above each column.")


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
