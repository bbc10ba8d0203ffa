"""Numbers of any spelling as float64 and int64: what a text spells, or nothing."""

from decimal import Decimal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from evergreen.data.typed.times import where

NUMBER = r"^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$"
WHOLE = r"^[+-]?\d+(\.0*)?$"
FRACTION = r"(\.\d*[1-9])0+$|\.0+$"  # \1 is what remains of it without needless zeros
EXACT_DIGITS = 15  # no two numbers of so many digits, without exponent, are one float64


def numbers(values: pa.Array) -> pa.Array:
    """Return finite numbers as float64. A truth value is none, and an instant neither."""
    kind = values.type
    if pa.types.is_string(kind):
        floats = _parsed(values)
    elif pa.types.is_integer(kind) or pa.types.is_floating(kind):
        floats = values.cast(pa.float64(), safe=False)
    else:
        return pa.nulls(len(values), pa.float64())
    finite = pc.is_finite(floats)
    return floats if finite.true_count == len(values) - floats.null_count else where(finite, floats)


def whole(values: pa.Array) -> pa.Array:
    """Return whole numbers as int64, as they were written; one beyond int64 is not readable."""
    if pa.types.is_signed_integer(values.type):
        return values.cast(pa.int64())
    if pa.types.is_unsigned_integer(values.type):
        fits = pc.less(values.cast(pa.uint64()), pa.scalar(2**63, pa.uint64()))
        return where(fits, values).cast(pa.int64())
    if pa.types.is_string(values.type):
        spelled = content(values)
        if b"e" in spelled or b"E" in spelled or (pc.max(pc.binary_length(values)).as_py() or 0) > EXACT_DIGITS:
            return _whole_texts(values)
    floats = numbers(values)
    inside = pc.and_(pc.greater_equal(floats, -(2.0**63)), pc.less(floats, 2.0**63))
    return where(pc.and_(inside, pc.equal(pc.floor(floats), floats)), floats).cast(pa.int64(), safe=False)


def whole_digits(texts: pa.Array) -> pa.Array | None:
    """Return texts as int64 where each of them is nothing but a sign and digits; None for any others."""
    if not pa.types.is_string(texts.type):
        return None
    spelled = content(texts)
    if b"x" in spelled or b"X" in spelled:  # Arrow would read 0x1F as 31
        return None
    try:
        return texts.cast(pa.int64())
    except pa.ArrowInvalid:
        return None


def _parsed(texts: pa.Array) -> pa.Array:
    try:
        return texts.cast(pa.float64())
    except pa.ArrowInvalid:
        texts = pc.utf8_trim_whitespace(texts)
        return where(pc.match_substring_regex(texts, NUMBER), texts).cast(pa.float64())


def _whole_texts(texts: pa.Array) -> pa.Array:
    texts = pc.utf8_trim_whitespace(texts)
    digits = pc.replace_substring_regex(where(pc.match_substring_regex(texts, WHOLE), texts), r"^\+|\.0*$", "")
    short = pc.less_equal(pc.utf8_length(digits), 18)
    integers = where(short, digits).cast(pa.int64())
    rest = pc.and_not(pc.match_substring_regex(texts, NUMBER), integers.is_valid())
    if not rest.true_count:
        return integers
    exact = [None if text is None else _exactly(text) for text in where(rest, texts).to_pylist()]
    return pc.coalesce(integers, pa.array(exact, pa.int64()))


def _exactly(text: str) -> int | None:
    """Return the integer that a number's text spells, however it does; None for a fraction or one beyond int64."""
    try:
        number = Decimal(text)
    except ArithmeticError:  # an exponent of twenty digits
        return None
    if not number:
        return 0
    if not 0 <= number.adjusted() <= 18 or number != number.to_integral_value():
        return None
    integer = int(number)
    return integer if -(2**63) <= integer < 2**63 else None


def from_decimals(values: pa.Array) -> pa.Array:
    """Return decimals as text, without needless zeros and without exponent."""
    texts = values.cast(pa.string())
    if b"E" in content(texts):
        texts = pa.array([None if value is None else f"{value:f}" for value in values.to_pylist()], pa.string())
    return pc.replace_substring_regex(texts, FRACTION, r"\1")


def content(texts: pa.Array) -> bytes:
    """Return the bytes of all texts, one after the other."""
    buffer = texts.buffers()[2]
    if buffer is None or not len(texts):
        return b""
    ends = np.frombuffer(texts.buffers()[1], np.int32)
    first, last = int(ends[texts.offset]), int(ends[texts.offset + len(texts)])
    joined: bytes = buffer.slice(first, last - first).to_pybytes()
    return joined
