"""Texts that stand for a value that is not there."""

from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc

from evergreen.config.contract.columns import Column
from evergreen.data.typed.numbers import content
from evergreen.data.typed.times import where

SPACES = b" \t\n\v\f\r\x1c\x1d\x1e\x1f"  # of ASCII


def is_absent(texts: pa.Array, column: Column) -> pa.Array:
    """Return where a text is a word of the column's for a missing value, spaces around it or not, or spaces alone."""
    absent = pc.utf8_is_space(texts).fill_null(False)
    if not column.missing:
        return absent
    spelled = content(texts)
    is_tight = spelled.isascii() and not any(bytes((space,)) in spelled for space in SPACES)
    words = [word.strip() for word in column.missing]
    among = pc.is_in(texts, pa.array(words, pa.string())) if is_tight else is_among(texts, words)
    return pc.or_(absent, among)


def without_absent(texts: pa.DictionaryArray, column: Column) -> pa.Array:
    """Return texts that come as a dictionary with null where one `is_absent`."""
    absent = is_absent(texts.dictionary, column)
    if not absent.true_count:
        return texts
    indices = where(pc.invert(absent.take(texts.indices)), texts.indices)
    return pa.DictionaryArray.from_arrays(indices, texts.dictionary)


def is_among(texts: pa.Array, words: Sequence[str]) -> pa.Array:
    """Return where a text is one of some words, spaces around either not counted."""
    return pc.is_in(pc.utf8_trim_whitespace(texts), pa.array([word.strip() for word in words], pa.string()))
