"""Rows of a database as a Parquet file, in batches, whose types are those of the values that come."""

import json
import math
import os
from collections.abc import Callable, Iterator, Sequence
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from evergreen.base.errors import DataError, explain_os_errors
from evergreen.base.files import file_digest
from evergreen.base.temporaries import temporary

NOTHING, TEXT = pa.null(), pa.string()
BOOLEAN, INTEGER, NUMBER = pa.bool_(), pa.int64(), pa.float64()
WALL_TIME, INSTANT, DAY = pa.timestamp("us"), pa.timestamp("us", "UTC"), pa.date32()
EXACT = 2**53  # beyond it a float64 skips integers
Row = tuple[Any, ...]


class Snapshot(NamedTuple):
    """A file of rows; `last`: the value of one column in the last row, `nulls`: how many rows have none."""

    path: Path
    rows: int
    sha256: str
    last: Any
    nulls: int


def write_snapshot(
    path: Path, names: Sequence[str], batches: Iterator[list[Row]], *, last_of: str | None = None
) -> Snapshot:
    """Write rows to `path`, whole or not at all, one batch in memory at a time.

    A column that turns out to hold values of several types becomes text; what was written of it is written again.

    Raises
    ------
    DataError if two columns have one name, `last_of` is none of them, or a column holds bytes.
    """
    repeated = sorted({name for name in names if list(names).count(name) > 1})
    if repeated or (last_of and last_of not in names):
        what = f"names columns twice: {', '.join(repeated)}" if repeated else f"has no column '{last_of}'"
        raise DataError("DQ029", f"the query's result {what}", next_step="Name its columns in source.query with AS.")
    position = names.index(last_of) if last_of else None
    types: list[pa.DataType] = [NOTHING] * len(names)
    rows, nulls, last = 0, 0, None
    unfinished = temporary(path)
    with explain_os_errors(path):
        writer = _Writer(unfinished, names)
        try:
            for batch in batches:
                columns = list(zip(*batch, strict=True))
                types = [_wider(type_, _type_of(v, name)) for type_, v, name in zip(types, columns, names, strict=True)]
                writer.write(columns, types)
                rows += len(batch)
                if position is not None:
                    last = columns[position][-1]
                    nulls += sum(value is None for value in columns[position])
            writer.finish(types)
            with unfinished.open("rb") as file:
                os.fsync(file.fileno())
            sha256 = file_digest(unfinished)
            if not (path.exists() and file_digest(path) == sha256):  # or else somebody may be reading it
                unfinished.replace(path)
        finally:
            writer.discard()
    return Snapshot(path, rows, sha256, last, nulls)


class _Writer:
    """A Parquet file whose columns may still change their type: then it is copied, converted, and written on."""

    def __init__(self, path: Path, names: Sequence[str]) -> None:
        self._path, self._names = path, list(names)
        self._file: Any = None
        self._schema: Any = None

    def write(self, columns: Sequence[Sequence[Any]], types: Sequence[pa.DataType]) -> None:
        self._become(types)
        arrays = [_array(values, kind) for values, kind in zip(columns, types, strict=True)]
        self._file.write_batch(pa.record_batch(arrays, schema=self._schema))

    def finish(self, types: Sequence[pa.DataType]) -> None:
        """Close the file; a column without any value is text."""
        self._become([TEXT if kind == NOTHING else kind for kind in types])
        self._close()

    def discard(self) -> None:
        self._close()
        self._path.unlink(missing_ok=True)

    def _close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None

    def _become(self, types: Sequence[pa.DataType]) -> None:
        schema = pa.schema(list(zip(self._names, types, strict=True)))
        if self._schema is not None and schema.equals(self._schema):
            return
        self._close()
        written = temporary(self._path)
        if self._schema is not None:
            self._path.rename(written)
        self._schema = schema
        self._file = pq.ParquetWriter(self._path, schema, compression="zstd")
        try:
            if written.exists():
                with pq.ParquetFile(written) as before:
                    for group in range(before.num_row_groups):
                        self._copy(before.read_row_group(group))
        finally:
            written.unlink(missing_ok=True)

    def _copy(self, table: pa.Table) -> None:
        arrays = [
            column if column.type == kind else _array(column.to_pylist(), kind)
            for column, kind in zip(table.columns, self._schema.types, strict=True)
        ]
        self._file.write_table(pa.table(arrays, schema=self._schema))


def _type_of(values: Sequence[Any], name: str) -> pa.DataType:
    """Return the narrowest type that holds all of a column's values."""
    widest = NOTHING
    kinds = set(map(type, values))
    for kind in kinds:
        if issubclass(kind, (bytes, bytearray, memoryview)):
            raise DataError(
                "DQ002",
                f"cannot be parsed: column '{name}' holds bytes",
                next_step="Leave it out of source.query, or convert it to text or a number there.",
            )
        if issubclass(kind, int) and not issubclass(kind, bool):
            alone = kinds <= {kind, type(None)}
            widest = _wider(widest, _integers(values if alone else [v for v in values if type(v) is kind]))
        elif issubclass(kind, Decimal):
            widest = _wider(widest, _decimals([value for value in values if type(value) is kind]))
        elif issubclass(kind, datetime):
            aware = {value.tzinfo is not None for value in values if type(value) is kind}
            widest = _wider(widest, TEXT if len(aware) > 1 else INSTANT if aware == {True} else WALL_TIME)
        else:
            widest = _wider(widest, _plain(kind))
    return widest


def _plain(kind: type) -> pa.DataType:
    known = {type(None): NOTHING, bool: BOOLEAN, float: NUMBER, date: DAY}
    return next((arrow for python, arrow in known.items() if issubclass(kind, python)), TEXT)


def _integers(values: Sequence[int | None]) -> pa.DataType:
    try:
        pa.array(values, INTEGER)
    except (OverflowError, pa.ArrowInvalid):
        return TEXT
    return INTEGER


def _decimals(values: list[Decimal]) -> pa.DataType:
    """Return integer if none has a fraction by its scale, text if a float64 would lose digits before the point."""
    if all(value.is_finite() and int(value.as_tuple().exponent) >= 0 for value in values):
        return _integers([int(value) for value in values])
    whole = (value for value in values if value.is_finite() and value == value.to_integral_value())
    return TEXT if any(abs(value) > EXACT for value in whole) else NUMBER


def _wider(a: pa.DataType, b: pa.DataType) -> pa.DataType:
    if a == b or b == NOTHING:
        return a
    if a == NOTHING:
        return b
    return NUMBER if {a, b} == {INTEGER, NUMBER} else TEXT


def _array(values: Sequence[Any], kind: pa.DataType) -> pa.Array:
    try:
        return pa.array(values, kind)
    except (TypeError, pa.ArrowInvalid):  # not of that type as they are
        turned: dict[Any, Callable[[Any], Any]] = {TEXT: _text, NUMBER: float, INTEGER: int}
        return pa.array([None if value is None else turned[kind](value) for value in values], kind)


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return str(int(value)) if math.isfinite(value) and value.is_integer() and abs(value) < EXACT else repr(value)
    if isinstance(value, (date, datetime)):
        return value.isoformat()
    if isinstance(value, (dict, list)):
        return json.dumps(value, ensure_ascii=False, default=str)
    return str(value)
