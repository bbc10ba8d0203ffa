"""Arrow types that are another kind of value in a wrapping: bytes that are texts or UUIDs, and lengths of time."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from evergreen.data.typed.numbers import content
from evergreen.data.typed.times import PER_SECOND, where

UUID_BYTES = 16


def is_texts(kind: pa.DataType) -> bool:
    """Return whether values are texts, or bytes that may be some."""
    tests = (pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view, is_bytes)
    return any(test(kind) for test in tests)


def is_bytes(kind: pa.DataType) -> bool:
    """Return whether values are bytes, which may be a text in UTF-8, a UUID, or neither."""
    tests = (pa.types.is_binary, pa.types.is_large_binary, pa.types.is_fixed_size_binary, pa.types.is_binary_view)
    return any(test(kind) for test in tests)


def is_unspelled(kind: pa.DataType) -> bool:
    """Return whether a text file has no spelling of its own for values of a type: it holds what they are read as."""
    tests = (pa.types.is_duration, pa.types.is_time, is_bytes)
    return isinstance(kind, pa.BaseExtensionType) or any(test(kind) for test in tests)


def unwrapped(values: pa.ExtensionArray) -> pa.Array:
    """Return what an extension type stands for: truth values of one byte each, UUIDs as text, others as stored."""
    if values.type == pa.bool8():
        return values.cast(pa.bool_())
    return uuids(values.storage) if values.type == pa.uuid() else values.storage


def texts(values: pa.Array) -> pa.Array:
    """Return texts, or bytes as the texts that they are in UTF-8; null for what is not.

    Where all values have the 16 bytes of a UUID, one that is no printable text is spelled as a UUID.
    """
    as_bytes = values if pa.types.is_binary(values.type) else values.cast(pa.binary())
    is_uuids = pa.types.is_fixed_size_binary(values.type) and values.type.byte_width == UUID_BYTES
    if not is_uuids:
        try:
            return as_bytes.cast(pa.string())
        except pa.ArrowInvalid:
            pass
    decoded = [_decoded(value) for value in as_bytes.to_pylist()]
    if not is_uuids:
        return pa.array(decoded, pa.string())
    printable = [text if text is not None and text.isprintable() else None for text in decoded]
    return pc.coalesce(pa.array(printable, pa.string()), uuids(values))


def uuids(values: pa.Array) -> pa.Array:
    """Return values of 16 bytes as UUIDs are written.

    Examples
    --------
    >>> uuids(pa.array([bytes(range(16)), None], pa.binary(16))).to_pylist()
    ['00010203-0405-0607-0809-0a0b0c0d0e0f', None]
    """
    filled = pc.fill_null(values.cast(pa.binary()), bytes(UUID_BYTES))
    digits = np.frombuffer(content(filled).hex().encode(), np.uint8).reshape(-1, 2 * UUID_BYTES)
    dash = np.full((len(values), 1), ord("-"), np.uint8)
    first, *others = np.split(digits, (8, 12, 16, 20), axis=1)
    spelled = np.ascontiguousarray(np.hstack([first, *(part for other in others for part in (dash, other))]))
    return where(values.is_valid(), pa.array(spelled.view("S36").ravel(), pa.binary()).cast(pa.string()))


def seconds(lengths: pa.Array) -> pa.Array:
    """Return lengths of time of any unit in seconds, as float64.

    Examples
    --------
    >>> seconds(pa.array([1_500, None], pa.duration("ms"))).to_pylist()
    [1.5, None]
    """
    return pc.divide(lengths.cast(pa.int64()).cast(pa.float64(), safe=False), float(PER_SECOND[lengths.type.unit]))


def _decoded(value: bytes | None) -> str | None:
    try:
        return None if value is None else value.decode()
    except UnicodeDecodeError:
        return None
