"""Workbooks: the first sheet of an .xlsx file, within limits that its cells are held to before they are read."""

import re
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from evergreen.base.artifacts.refs import Item
from evergreen.config.contract.sources import Layout
from evergreen.data.ingest.faults import check_names, empty, names_of, not_parsed, with_rows
from evergreen.data.ingest.streams import MIB, PROBED_BYTES, bomb

BATCH_ROWS = 65_536
# Cells of XML shrink 10 to 50 times.
MOST_RATIO = 200
# A sheet is laid out from its first cell to its last, whatever lies between.
LAID_OUT, MOST_EMPTY = 10_000_000, 20
EXACT = 2**53
_PLACE = re.compile(rb"""\br=["']([A-Z]{0,3})([0-9]{1,10})["']""")  # of a cell, or of a row


def batches(item: Item, missing: tuple[str, ...], layout: Layout) -> Iterator[pa.RecordBatch]:
    """Yield the rows of the first sheet; rows without any value are not counted."""
    if item.compression:
        raise not_parsed(item, "a workbook is compressed already; unpack it")
    _refuse_bomb(item)
    first, *rows = _filled(item) or [()]
    if not first:
        raise empty(item)
    if layout.header:
        titles = [_spelled(value) or "" for value in first]
    else:
        titles, rows = names_of(item, layout, len(first)), [first, *rows]
    kept = [at for at, title in enumerate(titles) if title.strip()]
    check_names(item, [titles[at] for at in kept], "Give each column a name of its own, in the first row with a value.")
    nulls = frozenset(missing) | {""}
    columns = [_column([row[at] for row in rows], nulls) for at in kept]
    table = pa.RecordBatch.from_arrays(columns, names=[titles[at] for at in kept])
    numbers = pa.array(np.arange(1, table.num_rows + 1))
    for begin in range(0, table.num_rows, BATCH_ROWS):
        yield with_rows(table.slice(begin, BATCH_ROWS), numbers.slice(begin, BATCH_ROWS))


def first_row(item: Item) -> list[str]:
    """Return the first row that is not empty, as texts."""
    return next(iter(first_rows(item, 1)), [])


def first_rows(item: Item, n: int) -> list[list[str]]:
    """Return the first rows that are not empty, as texts."""
    _refuse_bomb(item)
    return [[_spelled(value) or "" for value in row] for row in _filled(item)[:n]]


def names(item: Item) -> list[str]:
    """Return the names of a workbook's sheets, of which the first is read."""
    _refuse_bomb(item)
    with pd.ExcelFile(item.uri, engine="calamine") as book:
        return [str(name) for name in book.sheet_names]


def _filled(item: Item) -> list[tuple[Any, ...]]:
    try:
        cells = pd.read_excel(item.uri, engine="calamine", header=None, dtype=object, na_filter=False)
    except Exception as error:  # calamine's errors have no base class of their own
        raise not_parsed(item, str(error)) from error
    rows = list(zip(*(cells[name].tolist() for name in cells.columns), strict=True))
    return [row for row in rows if any(_spelled(value) for value in row)]


def _column(values: Sequence[Any], nulls: frozenset[str]) -> pa.Array:
    """Return values as numbers, times or truth values where all are, else as texts."""
    plain = [None if isinstance(v, str) and v in nulls else _plain(v) for v in values]
    kinds = {type(value) for value in plain if value is not None}
    if kinds == {bool}:
        return pa.array(plain, pa.bool_())
    if kinds == {datetime}:
        return pa.array(plain, pa.timestamp("us"))
    if kinds and kinds <= {int, float}:
        exact = all(value is None or (isinstance(value, int) and abs(value) < EXACT) for value in plain)
        return pa.array(plain, pa.int64()) if exact else pa.array(map(_float, plain), pa.float64())
    return pa.array(map(_spelled, plain), pa.string())


def _plain(value: Any) -> Any:
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, date) and not isinstance(value, datetime):
        return datetime(value.year, value.month, value.day)
    return value if isinstance(value, (bool, int, float, datetime)) else _spelled(value)


def _float(value: float | None) -> float | None:
    return None if value is None else float(value)


def _spelled(value: Any) -> str | None:
    """Return a cell as a text file would hold it."""
    if value is None or (isinstance(value, str) and not value.strip()):
        return None
    if isinstance(value, bool):
        return str(value).lower()
    return value.isoformat() if hasattr(value, "isoformat") else str(value)


def _refuse_bomb(item: Item) -> None:
    """Raise DataError for a workbook that is none, expands beyond reason, or lays out far more than it fills."""
    with zipfile.ZipFile(item.uri) as archive, open(item.uri, "rb") as file:  # noqa: PTH123  uri is a text
        members = archive.infolist()
        promised = sum(info.file_size for info in members)
        if promised > PROBED_BYTES and promised > MOST_RATIO * item.size:
            raise bomb(item.name, promised, promised / item.size)
        for info in members:
            n_cells = height = width = 0
            for text in _inflated(file, info):
                cells = _PLACE.findall(text) if info.filename.startswith("xl/worksheets/") else []
                n_cells += len(cells)
                height = max([height, *(int(row) for _, row in cells)])
                width = max([width, *(_place(letters) for letters in {letters for letters, _ in cells})])
            if height * width > LAID_OUT and height * width > MOST_EMPTY * n_cells:
                raise bomb(item.name, 32 * height * width, 32 * height * width / item.size)


def _place(letters: bytes) -> int:
    place = 0
    for letter in letters:
        place = 26 * place + letter - ord("A") + 1
    return place


def _inflated(file: Any, info: zipfile.ZipInfo) -> Iterator[bytes]:
    """Yield what a member holds, a little overlapping; raises BadZipFile if that is more than it says.

    zipfile itself would stop at the size that the archive names, other readers do not.
    """
    file.seek(info.header_offset)
    header = file.read(30)
    file.seek(int.from_bytes(header[26:28], "little") + int.from_bytes(header[28:30], "little"), 1)
    inflate = zlib.decompressobj(-15) if info.compress_type == zipfile.ZIP_DEFLATED else None
    if inflate is None and info.compress_type != zipfile.ZIP_STORED:
        raise zipfile.BadZipFile(f"a compression that workbooks do not have: {info.compress_type}")
    left, given, tail, pending = info.compress_size, 0, b"", b""
    while left or pending:
        if not pending:
            pending = file.read(min(left, MIB))
            left -= len(pending) or left
        part = inflate.decompress(pending, MIB) if inflate else pending
        pending = inflate.unconsumed_tail if inflate else b""
        given += len(part)
        if given > info.file_size:
            raise zipfile.BadZipFile("a member holds more than the archive says")
        yield tail + part
        tail = part[-32:]
