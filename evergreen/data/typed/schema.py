"""Declared types as Arrow types, and values of any origin brought to them, batch by batch."""

import json
from collections.abc import Callable, Sequence
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from evergreen.config.contract.columns import MISSING, Column, ColumnType
from evergreen.data.typed import encoded
from evergreen.data.typed.numbers import content, from_decimals, numbers, whole, whole_digits
from evergreen.data.typed.times import INSTANT, Offsets, instants, where, written

ROW, UNREADABLE = "_row", "_unreadable"
WHOLE_ROW = "*"  # in UNREADABLE: the row could not even be split into values

ARROW: dict[ColumnType, pa.DataType] = {
    "number": pa.float64(),
    "integer": pa.int64(),
    "category": pa.string(),
    "text": pa.string(),
    "timestamp": INSTANT,
    "boolean": pa.bool_(),
}
TRUE, FALSE = ("true", "1", "1.0"), ("false", "0", "0.0")
EXACT = 2.0**53  # beyond it a float64 cannot tell neighbouring integers apart


def arrow_schema(columns: Sequence[Column]) -> pa.Schema:
    """Return the schema of typed rows: the columns, the row's number in its source, and what could not be read."""
    fields = [(column.name, ARROW[column.type]) for column in columns]
    return pa.schema([*fields, (ROW, pa.int64()), (UNREADABLE, pa.string())])


def conform(
    batch: pa.RecordBatch,
    columns: Sequence[Column],
    *,
    zone: str,
    missing: Sequence[str] = MISSING,
    offsets: Offsets | None = None,
    coded: bool = False,
) -> pa.RecordBatch:
    """Return the rows with the declared types, whatever types they came in.

    A value that is not of its column's type becomes null, and UNREADABLE holds it: a JSON object of the value's text by
    column, null for a row without such values. No row is lost.

    Parameters
    ----------
    batch : has every one of `columns`; a ROW and an UNREADABLE column are carried over, others are dropped.
    zone : IANA name; a time without an offset from UTC is wall time in it. One that the clocks skip or repeat there is
        not readable.
    missing : texts that stand for a value that is not there, where a number, a time or a truth value is wanted.
    offsets : where times with and without an offset are counted, for text columns.
    coded : return categories and texts as dictionaries.

    Examples
    --------
    >>> rows = pa.RecordBatch.from_pydict({"delay": ["3.5", "1,200", None]})
    >>> typed = conform(rows, [Column(name="delay", type="number", role="feature")], zone="UTC")
    >>> typed["delay"].to_pylist(), typed["_unreadable"].to_pylist()
    ([3.5, None, None], [None, '{"delay": "1,200"}', None])
    """
    n = batch.num_rows
    names = set(batch.schema.names)
    typed: list[pa.Array] = []
    unreadable: dict[str, tuple[pa.Array, pa.Array]] = {}
    for column in columns:
        came = batch.column(column.name)
        is_text = column.type in ("category", "text")
        if coded and is_text and (texts := _coded_texts(came)) is not None:
            typed.append(texts)
            continue
        came = _stored(came)
        if column.type == "integer" and (digits := whole_digits(came)) is not None:
            typed.append(digits)
            continue
        values = _plain(came)
        converted = _CONVERT[column.type](values, column, zone, offsets)
        if converted.null_count != came.null_count:
            bad = pc.and_not(came.is_valid(), converted.is_valid())
            if pa.types.is_string(values.type) and not is_text:
                bad = pc.and_not(bad, pc.is_in(values, pa.array(missing, pa.string())))
            if pa.types.is_floating(values.type):
                bad = pc.and_not(bad, pc.fill_null(pc.is_nan(values), False))
            if bad.true_count:
                unreadable[column.name] = (bad, came)
        typed.append(converted.dictionary_encode() if coded and is_text else converted)
    rows = batch.column(ROW) if ROW in names else pa.array(range(n), pa.int64())
    before = batch.column(UNREADABLE) if UNREADABLE in names else pa.nulls(n, pa.string())
    names = arrow_schema(columns).names
    return pa.RecordBatch.from_arrays([*typed, rows, _noted(before, unreadable)], names=names)


def from_pandas(rows: pd.DataFrame, columns: Sequence[Column]) -> pa.RecordBatch:
    """Return the columns of a table as Arrow, row by row as they are; a column of mixed values becomes text."""
    arrays = [_from_series(rows[column.name]) for column in columns]
    return pa.RecordBatch.from_arrays(arrays, names=[column.name for column in columns])


def to_pandas(batch: pa.RecordBatch | pa.Table) -> pd.DataFrame:
    """Return typed rows as pandas: integers as Int64 and truth values as boolean, because either may be null."""
    nullable = {pa.int64(): pd.Int64Dtype(), pa.bool_(): pd.BooleanDtype()}
    frame: pd.DataFrame = batch.to_pandas(types_mapper=nullable.get)
    return frame


def _from_series(values: pd.Series) -> pa.Array:
    if isinstance(values.dtype, pd.CategoricalDtype):
        values = values.astype(values.cat.categories.dtype) if not values.isna().any() else values.astype("object")
    try:
        array = None if _mixes(values) else pa.Array.from_pandas(values)
    except (pa.ArrowException, OverflowError, UnicodeEncodeError):
        array = None
    if array is None or isinstance(array, pa.ExtensionArray):
        array = _from_texts([None if _is_missing(value) else _spelled(value) for value in values])
    return array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array


def _mixes(values: pd.Series) -> bool:
    """Return whether Arrow would bring values to one type that say another thing then: times, or truths and numbers."""
    if values.dtype != object:
        return False
    kinds = {
        (isinstance(value, (bool, np.bool_)), type(value) is date, _is_aware(value))
        for value in values
        if isinstance(value, (bool, np.bool_, date, np.datetime64, int, float, np.number)) and not _is_missing(value)
    }
    return len(kinds) > 1


def _is_aware(value: object) -> bool:
    return getattr(value, "tzinfo", None) is not None


def _is_missing(value: Any) -> bool:
    return pd.api.types.is_scalar(value) and bool(pd.isna(value))


def _spelled(value: object) -> str:
    """Return a value of a mixed column as it would be written in a column of its own kind."""
    if isinstance(value, str):
        return value
    try:
        text = _texts(_plain(_stored(pa.array([value]))), _ANY, "UTC", None)[0].as_py()
    except (pa.ArrowException, OverflowError, UnicodeEncodeError):
        text = None
    return str(value) if text is None else text


def _from_texts(texts: list[str | None]) -> pa.Array:
    """Return texts; as bytes, which are not readable as text, where one holds half a surrogate pair."""
    try:
        return pa.array(texts, pa.string())
    except UnicodeEncodeError:
        return pa.array([None if text is None else text.encode("utf-8", "surrogatepass") for text in texts])


def _coded_texts(values: pa.Array) -> pa.Array | None:
    """Return a dictionary of texts with each of these read as `_texts` does; None where one is not readable."""
    if not (pa.types.is_dictionary(values.type) and values.type.value_type == pa.string()):
        return None
    texts = values.dictionary
    if texts.null_count:
        return None
    texts = _texts(_plain(texts), _ANY, "UTC", None)
    indices = values.indices.cast(pa.int32())
    return None if texts.null_count else pa.DictionaryArray.from_arrays(indices, texts)


def as_read(values: pa.Array) -> pa.Array:
    """Return values of any type as `conform` looks at them: null for what is of no declared type at all.

    A time of day is the text that it is read as.
    """
    if pa.types.is_null(values.type):
        return values
    values = _plain(_stored(values))
    return written(values) if pa.types.is_time(values.type) else values


def _stored(values: pa.Array) -> pa.Array:
    """Return values one by one: without dictionary, runs or extension type."""
    while True:
        if isinstance(values, pa.ExtensionArray):
            values = encoded.unwrapped(values)
        elif pa.types.is_dictionary(values.type):
            values = values.dictionary_decode()
        elif pa.types.is_run_end_encoded(values.type):
            values = pc.run_end_decode(values)
        else:
            return values


def _plain(values: pa.Array) -> pa.Array:
    """Return values as text, truth values, whole numbers, floats, times or nulls; null for what is none of these.

    A length of time is a number of seconds.
    """
    kind = values.type
    if encoded.is_texts(kind):
        return encoded.texts(values)
    if pa.types.is_duration(kind):
        return encoded.seconds(values)
    if pa.types.is_decimal(kind):
        return from_decimals(values)
    if pa.types.is_floating(kind):
        return values.cast(pa.float64()) if pa.types.is_float16(kind) else values
    if pa.types.is_date32(kind):
        return values.cast(pa.timestamp("s"))
    if pa.types.is_date64(kind):
        return values.cast(pa.int64()).cast(pa.timestamp("ms"))
    if pa.types.is_boolean(kind) or pa.types.is_integer(kind) or pa.types.is_timestamp(kind) or pa.types.is_time(kind):
        return values
    return pa.nulls(len(values), pa.string())


def _truths(values: pa.Array, column: Column, zone: str, offsets: Offsets | None) -> pa.Array:
    if pa.types.is_boolean(values.type):
        return values
    texts = pc.utf8_trim_whitespace(_texts(values, column, zone, offsets))
    if column.spelling is None:
        texts = pc.utf8_lower(texts)
    false, true = ((column.spelling[0],), (column.spelling[1],)) if column.spelling else (FALSE, TRUE)
    is_true = pc.is_in(texts, pa.array(true, pa.string()))
    return where(pc.or_(is_true, pc.is_in(texts, pa.array(false, pa.string()))), is_true)


def _texts(values: pa.Array, _column: Column, _zone: str, _offsets: Offsets | None) -> pa.Array:
    """Return values as text; 3.0 is written 3, as the integer that it is in a column without missing values.

    A text that holds a NUL byte is not readable; an instant is written in UTC.
    """
    kind = values.type
    if pa.types.is_floating(kind):
        whole = pc.and_(pc.equal(pc.floor(values), values), pc.less_equal(pc.abs(values), EXACT))
        return pc.coalesce(
            where(whole, values).cast(pa.int64()).cast(pa.string()),
            where(pc.invert(pc.is_nan(values)), values).cast(pa.string()),
        )
    if pa.types.is_timestamp(kind) or pa.types.is_time(kind):
        return written(values)
    if not pa.types.is_string(kind):
        return values.cast(pa.string())
    if b"\0" in content(values):
        return where(pc.invert(pc.match_substring(values, "\0")), values)
    return values


def _noted(before: pa.Array, unreadable: dict[str, tuple[pa.Array, pa.Array]]) -> pa.Array:
    if not unreadable:
        return before
    texts = before.to_pylist()
    notes: dict[int, dict[str, str]] = {}
    for name, (bad, values) in unreadable.items():
        for index in pc.indices_nonzero(bad).to_pylist():
            notes.setdefault(index, json.loads(texts[index] or "{}")).setdefault(name, _shown(values[index]))
    for index, note in notes.items():
        texts[index] = json.dumps(note, ensure_ascii=False)
    return pa.array(texts, pa.string())


def _shown(value: pa.Scalar) -> str:
    try:
        plain = value.as_buffer().to_pybytes() if pa.types.is_string(value.type) else value.as_py()
    except (ValueError, OverflowError, LookupError, pa.ArrowException):  # a time that Python cannot hold
        count = value.cast(pa.int32() if pa.types.is_date32(value.type) else pa.int64()).as_py()
        plain = f"{count} ({value.type})"
    text = plain.decode("utf-8", "backslashreplace") if isinstance(plain, bytes) else str(plain)
    return text.encode("utf-8", "backslashreplace").decode()


_ANY = Column(name="any", type="text", role="ignore")
_CONVERT: dict[ColumnType, Callable[[pa.Array, Column, str, Offsets | None], pa.Array]] = {
    "number": lambda values, *_: numbers(values),
    "integer": lambda values, *_: whole(values),
    "category": _texts,
    "text": _texts,
    "timestamp": lambda values, column, zone, offsets: instants(values, column.name, zone, offsets),
    "boolean": _truths,
}
