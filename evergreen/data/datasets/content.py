"""What rows hold, as numbers: equal for equal rows in any order, and from any source."""

import functools
import hashlib
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from evergreen.data.typed.schema import ROW

Hashes = npt.NDArray[np.uint64]
Sums = tuple[int, int]
HASHED_ROWS = 32_768  # at a time: what fits into a core's cache


def content_sums(rows: pa.RecordBatch) -> Sums:
    """Return two sums, modulo 2**64, of the hashes of rows: the same for the same rows in any order and grouping.

    A row's hash is of its values by column name; the row's number in its source does not count.
    """
    names = [name for name in rows.schema.names if name != ROW]
    first = second = 0
    for begin in range(0, rows.num_rows, HASHED_ROWS):
        hashes = row_hashes(rows.slice(begin, HASHED_ROWS), names)
        first += int(hashes.sum(dtype=np.uint64))
        second += int(mixed(hashes ^ salt("")).sum(dtype=np.uint64))
    return first % 2**64, second % 2**64


def row_hashes(rows: pa.RecordBatch, names: Sequence[str]) -> Hashes:
    """Return a hash of each row's values in the columns `names`, shape (n,); their order does not count."""
    hashes = np.zeros(rows.num_rows, dtype=np.uint64)
    for name in sorted(names):
        hashes ^= value_bits(rows.column(name))
        hashes += salt(name)
        hashes *= np.uint64(0x9E3779B97F4A7C15)  # odd, so that nothing is lost
        hashes ^= hashes >> np.uint64(32)
    return mixed(hashes)


def value_bits(values: pa.Array) -> Hashes | np.uint64:
    """Return 64 bits for each value, equal for equal values: itself where that fits, a hash of a text."""
    if values.null_count == len(values):
        return salt("null")
    bits: Hashes
    if pa.types.is_string(values.type):
        coded = values.dictionary_encode()
        texts = coded.dictionary.to_numpy(zero_copy_only=False)
        bits = pd.util.hash_array(texts, categorize=False)[_filled(coded.indices)]
    elif pa.types.is_boolean(values.type):
        bits = _filled(values, False).astype(np.uint64)
    elif pa.types.is_floating(values.type):
        bits = (_filled(values) + 0.0).view(np.uint64)  # -0.0 + 0.0 is 0.0
    else:
        bits = _filled(values.cast(pa.int64())).view(np.uint64)
    if values.null_count:
        bits = np.where(values.is_null().to_numpy(zero_copy_only=False), salt("null"), bits)
    return bits


def _filled(values: pa.Array, value: object = 0) -> npt.NDArray[Any]:
    values = values.fill_null(value) if values.null_count else values
    array: npt.NDArray[Any] = values.to_numpy(zero_copy_only=False)
    return array


def mixed(bits: Hashes) -> Hashes:
    """Return `bits` scattered over 64 bits, each input to one output (the finalizer of SplitMix64, Steele 2014)."""
    bits = bits ^ (bits >> np.uint64(30))
    bits *= np.uint64(0xBF58476D1CE4E5B9)
    bits ^= bits >> np.uint64(27)
    bits *= np.uint64(0x94D049BB133111EB)
    bits ^= bits >> np.uint64(31)
    return bits


@functools.cache
def salt(name: str) -> np.uint64:
    """Return 64 bits that are a name's own."""
    return np.uint64(int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big"))


def added(*sums: Sums) -> Sums:
    return sum(s[0] for s in sums) % 2**64, sum(s[1] for s in sums) % 2**64


def spelled(sums: Sums) -> str:
    return f"{sums[0]:016x}{sums[1]:016x}"


def parsed(content: str) -> Sums:
    return int(content[:16], 16), int(content[16:], 16)
