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
from evergreen.config.contract.spelling import NumberSpelling
from evergreen.data.typed.numbers import content, numbers, whole, whole_digits
from evergreen.data.typed.spelled import plain, together
from evergreen.data.typed.times import INSTANT, Offsets, instants, where
from evergreen.data.typed.values import as_texts, coded_texts, one_by_one, shown, stored

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
TRUE: tuple[str, ...] = ("true", "1", "1.0")
JSON_NUMBER = r"^-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?$"
SPACES = b" \t\n\v\f\r\x1c\x1d\x1e\x1f"  # of ASCII
FALSE: tuple[str, ...] = ("false", "0", "0.0")


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
    parts: Sequence[Column] = (),
    coded: bool = False,
    from_json: bool = False,
) -> pa.RecordBatch:
    """Return the rows with the declared types, whatever types they came in.

    A value that is not of its column's type becomes null, and UNREADABLE holds it: a JSON object of the value's text by
    column, null for a row without such values. No row is lost.

    Parameters
    ----------
    batch : has every one of `columns`, or the parts of one that has parts; a ROW and an UNREADABLE column are carried
        over, others are dropped.
    zone : IANA name; a time without an offset from UTC is wall time in it. One that the clocks skip or repeat there is
        not readable.
    missing : texts that stand for a value that is not there, where a number, a time or a truth value is wanted; spaces
        around them do not count. Those of a column itself do in categories and texts too, and so do spaces alone.
    offsets : where times with and without an offset are counted, for text columns.
    parts : those of a time that are not among `columns`.
    coded : return categories and texts as dictionaries.
    from_json : a text may be a number as JSON has it, which is one whatever the column's spelling; one that the
        spelling reads as another number is not readable.

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
        is_text = column.type in ("category", "text")
        if column.parts and column.name not in names:
            came, values = from_parts(batch, column, (*columns, *parts), missing)
        else:
            came = batch.column(column.name)
            if coded and is_text and (texts := coded_texts(came)) is not None:
                typed.append(_without_absent(texts, column))
                continue
            came = stored(came)
            is_usual = column.spelling is None and not column.missing
            if column.type == "integer" and is_usual and (digits := whole_digits(came)) is not None:
                typed.append(digits)
                continue
            values = one_by_one(came)
        converted = _CONVERT[column.type](_usual(values, column, from_json), column, zone, offsets)
        marked = _marked(values, converted, column, zone)
        if marked is not None:
            converted = where(pc.invert(marked), converted)
        if converted.null_count != came.null_count:
            bad = pc.and_not(came.is_valid(), converted.is_valid())
            if marked is not None:
                bad = pc.and_not(bad, marked)
            if pa.types.is_string(values.type) and not is_text:
                bad = pc.and_not(bad, _is_among(values, missing))
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
    arrays = [_from_series(rows[column.name], column) for column in columns]
    return pa.RecordBatch.from_arrays(arrays, names=[column.name for column in columns])


def to_pandas(batch: pa.RecordBatch | pa.Table) -> pd.DataFrame:
    """Return typed rows as pandas: integers as Int64 and truth values as boolean, because either may be null."""
    nullable = {pa.int64(): pd.Int64Dtype(), pa.bool_(): pd.BooleanDtype()}
    frame: pd.DataFrame = batch.to_pandas(types_mapper=nullable.get)
    return frame


def _from_series(values: pd.Series, column: Column) -> pa.Array:
    if isinstance(values.dtype, pd.CategoricalDtype):
        values = values.astype(values.cat.categories.dtype) if not values.isna().any() else values.astype("object")
    try:
        array = None if _mixes(values) else pa.Array.from_pandas(values)
    except (pa.ArrowException, OverflowError, UnicodeEncodeError):
        array = None
    if array is None or isinstance(array, pa.ExtensionArray):
        array = _from_texts([None if _is_missing(value) else _spelled(value, column) for value in values])
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


def _spelled(value: object, column: Column) -> str:
    """Return a value of a mixed column as it would be written there."""
    if isinstance(value, str):
        return value
    try:
        text = as_texts(one_by_one(stored(pa.array([value]))))[0].as_py()
    except (pa.ArrowException, OverflowError, UnicodeEncodeError):
        text = None
    text = str(value) if text is None else text
    is_number = isinstance(value, (int, float, np.number)) and not isinstance(value, (bool, np.bool_))
    return column.spelling.of(text) if is_number and isinstance(column.spelling, NumberSpelling) else text


def _from_texts(texts: list[str | None]) -> pa.Array:
    """Return texts; as bytes, which are not readable as text, where one holds half a surrogate pair."""
    try:
        return pa.array(texts, pa.string())
    except UnicodeEncodeError:
        return pa.array([None if text is None else text.encode("utf-8", "surrogatepass") for text in texts])


def from_parts(
    batch: pa.RecordBatch, column: Column, known: Sequence[Column], missing: Sequence[str]
) -> tuple[pa.Array, pa.Array]:
    """Return the texts of a time's parts, null where one of them is missing, and the wall times that they tell."""
    declared = {one.name: one for one in known}
    parts = [declared[name] for name in column.parts]
    texts = []
    for part in parts:
        told = as_texts(one_by_one(stored(batch.column(part.name))))
        texts.append(where(pc.invert(_is_among(told, (*missing, *part.missing))), told))
    return pc.binary_join_element_wise(*texts, " "), together(texts, parts)


def _usual(values: pa.Array, column: Column, from_json: bool) -> pa.Array:
    """Return the texts of a column that has a spelling in the usual one; whole numbers are texts of a time's digits."""
    if column.spelling is None or column.type == "boolean":
        return values
    if column.type == "timestamp" and (pa.types.is_integer(values.type) or pa.types.is_floating(values.type)):
        values = as_texts(values)
    if not pa.types.is_string(values.type):
        return values
    spelled = plain(values, column)
    if not from_json or column.type == "timestamp":
        return spelled
    usual = where(pc.match_substring_regex(values, JSON_NUMBER), values)
    is_another = pc.fill_null(pc.not_equal(numbers(spelled), numbers(usual)), False)
    return where(pc.invert(is_another), pc.coalesce(spelled, usual))


def _marked(values: pa.Array, converted: pa.Array, column: Column, zone: str) -> pa.Array | None:
    """Return where a column's own words for a missing value stand, or spaces alone for a text; None where nowhere."""
    if column.type in ("category", "text"):
        marked = _is_absent(converted, column)
    elif column.missing:
        marked = _is_among(as_texts(values), column.missing)
        if column.type != "boolean":
            words = pa.array(column.missing, pa.string())
            alike = [_CONVERT[column.type](each, column, zone, None) for each in (words, plain(words, column))]
            marked = pc.or_(marked, pc.is_in(converted, pc.coalesce(*alike).drop_null()))
    else:
        return None
    return marked if marked.true_count else None


def _is_absent(texts: pa.Array, column: Column) -> pa.Array:
    """Return where a text is a word of the column's for a missing value, spaces around it or not, or spaces alone."""
    absent = pc.utf8_is_space(texts).fill_null(False)
    if not column.missing:
        return absent
    spelled = content(texts)
    is_tight = spelled.isascii() and not any(bytes((space,)) in spelled for space in SPACES)
    words = [word.strip() for word in column.missing]
    among = pc.is_in(texts, pa.array(words, pa.string())) if is_tight else _is_among(texts, words)
    return pc.or_(absent, among)


def _without_absent(texts: pa.DictionaryArray, column: Column) -> pa.Array:
    absent = _is_absent(texts.dictionary, column)
    if not absent.true_count:
        return texts
    indices = where(pc.invert(absent.take(texts.indices)), texts.indices)
    return pa.DictionaryArray.from_arrays(indices, texts.dictionary)


def _is_among(texts: pa.Array, words: Sequence[str]) -> pa.Array:
    return pc.is_in(pc.utf8_trim_whitespace(texts), pa.array([word.strip() for word in words], pa.string()))


def _truths(values: pa.Array, column: Column, *_: object) -> pa.Array:
    if pa.types.is_boolean(values.type):
        return values
    texts = pc.utf8_trim_whitespace(as_texts(values))
    false, true = FALSE, TRUE
    if isinstance(column.spelling, tuple):
        false, true = column.spelling[:1], column.spelling[1:]
    else:
        texts = pc.utf8_lower(texts)
    is_true = pc.is_in(texts, pa.array(true, pa.string()))
    return where(pc.or_(is_true, pc.is_in(texts, pa.array(false, pa.string()))), is_true)


def _noted(before: pa.Array, unreadable: dict[str, tuple[pa.Array, pa.Array]]) -> pa.Array:
    if not unreadable:
        return before
    texts = before.to_pylist()
    notes: dict[int, dict[str, str]] = {}
    for name, (bad, values) in unreadable.items():
        for index in pc.indices_nonzero(bad).to_pylist():
            notes.setdefault(index, json.loads(texts[index] or "{}")).setdefault(name, shown(values[index]))
    for index, note in notes.items():
        texts[index] = json.dumps(note, ensure_ascii=False)
    return pa.array(texts, pa.string())


_CONVERT: dict[ColumnType, Callable[[pa.Array, Column, str, Offsets | None], pa.Array]] = {
    "number": lambda values, *_: numbers(values),
    "integer": lambda values, *_: whole(values),
    "category": lambda values, *_: as_texts(values),
    "text": lambda values, *_: as_texts(values),
    "timestamp": lambda values, column, zone, offsets: instants(values, column.name, zone, offsets),
    "boolean": _truths,
}
