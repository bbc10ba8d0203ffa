"""Values of any Arrow type, one by one: as plain ones, and as the texts that spell them."""

import pyarrow as pa
import pyarrow.compute as pc

from evergreen.data.typed import encoded
from evergreen.data.typed.numbers import content, from_decimals
from evergreen.data.typed.times import where, written

EXACT = 2.0**53  # beyond it a float64 cannot tell neighbouring integers apart


def as_read(values: pa.Array) -> pa.Array:
    """Return values of any type as they are looked at before a column says what it is: null for what is not read.

    A time of day is the text that it is read as.
    """
    if pa.types.is_null(values.type):
        return values
    values = one_by_one(stored(values))
    return written(values) if pa.types.is_time(values.type) else values


def stored(values: pa.Array) -> pa.Array:
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


def one_by_one(values: pa.Array) -> pa.Array:
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


def as_texts(values: pa.Array) -> pa.Array:
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


def coded_texts(values: pa.Array) -> pa.Array | None:
    """Return a dictionary of texts with each of these read as `_texts` does; None where one is not readable."""
    if not (pa.types.is_dictionary(values.type) and values.type.value_type == pa.string()):
        return None
    texts = values.dictionary
    if texts.null_count:
        return None
    texts = as_texts(one_by_one(texts))
    indices = values.indices.cast(pa.int32())
    return None if texts.null_count else pa.DictionaryArray.from_arrays(indices, texts)


def shown(value: pa.Scalar) -> str:
    try:
        plain = value.as_buffer().to_pybytes() if pa.types.is_string(value.type) else value.as_py()
    except (ValueError, OverflowError, LookupError, pa.ArrowException):  # a time that Python cannot hold
        count = value.cast(pa.int32() if pa.types.is_date32(value.type) else pa.int64()).as_py()
        plain = f"{count} ({value.type})"
    text = plain.decode("utf-8", "backslashreplace") if isinstance(plain, bytes) else str(plain)
    return text.encode("utf-8", "backslashreplace").decode()
