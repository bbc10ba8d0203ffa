"""Ids of predictions in batch: of what the model sees of a row, the model, and which time the row is there."""

import hashlib
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from evergreen.data.datasets.content import mixed, salt, value_bits

Lane = npt.NDArray[np.uint64]

AT_ONCE = 32_768  # rows: what fits into a core's cache
SEEN_BITS = 27  # of a table of bits, 16 MiB, which spares nearly every row the search among those before
LONGEST_RUN = 2**20  # of hashes that are sorted together
# Odd, so that nothing is lost: the golden ratio, and the multiplier of MMIX's generator.
MULTIPLIERS = (np.uint64(0x9E3779B97F4A7C15), np.uint64(0x5851F42D4C957F2D))
KEYS = ("0123456789123456", "6543210987654321")
POWERS = 2 ** np.arange(8, dtype=np.uint8)
HEX = np.frombuffer(b"".join(b"%02x" % byte for byte in range(256)), dtype="<u2")


class PredictionIds:
    """Gives the rows of one file their ids, in their order; what it keeps of a row is eight bytes.

    An id is 128 bits, in hex, of two hashes that share nothing but the values: among a thousand million different rows
    two have one id with a probability below 1e-20. They are no signature: whoever chooses the rows can make two alike.
    """

    def __init__(self, model_digest: str) -> None:
        raw = hashlib.sha256(model_digest.encode()).digest()
        self._model = [np.frombuffer(raw[begin : begin + 8], dtype=">u8").astype(np.uint64)[0] for begin in (0, 8)]
        self._known = _Known()

    def take(self, columns: Mapping[str, pa.Array], n_rows: int) -> pa.Array:
        """Return the ids of the next rows, each a text of 32 digits.

        Parameters
        ----------
        columns : what the model sees, by name: equal values of equal types, texts dictionary-encoded. Their order does
            not count.
        """
        lanes = [np.zeros(n_rows, dtype=np.uint64) for _ in KEYS]
        bits = {name: _Bits(values) for name, values in columns.items()}
        for begin in range(0, n_rows, AT_ONCE):
            for number, lane in enumerate(lanes):
                _fold(
                    {name: each.of(number, begin) for name, each in bits.items()}, lane[begin : begin + AT_ONCE], number
                )
        before = self._known.count(lanes[0])
        for lane, model, multiplier in zip(lanes, self._model, MULTIPLIERS, strict=True):
            lane ^= model
            lane += before * multiplier
        return _in_hex(*map(mixed, lanes))


class _Known:
    """How often each hash has been there: all of them in sorted runs, and a table of bits that says which may have."""

    def __init__(self) -> None:
        self._bits = np.zeros(2 ** (SEEN_BITS - 3), dtype=np.uint8)
        self._runs: list[Lane] = []

    def count(self, hashes: Lane) -> Lane:
        """Return how often each of `hashes` came before it, in earlier calls and in this one, and remember them."""
        ordered, counts = np.sort(hashes), np.zeros(len(hashes), dtype=np.uint64)
        repeated = ordered[1:][ordered[1:] == ordered[:-1]]
        if len(repeated):
            here = np.flatnonzero(np.isin(hashes, repeated))
            counts[here] = _places(hashes[here])
        at, bit = _place_of_bit(hashes)
        there = np.flatnonzero(self._bits[at] & bit)
        asked = hashes[there]
        for run in self._runs if len(there) else ():
            found = np.searchsorted(run, asked, side="right") - np.searchsorted(run, asked)
            counts[there] += found.astype(np.uint64)
        self._note(ordered)
        self._keep(ordered)
        return counts

    def _note(self, ordered: Lane) -> None:
        if len(ordered):
            at, bit = _place_of_bit(ordered)
            begins = np.concatenate([[0], np.flatnonzero(at[1:] != at[:-1]) + 1])
            self._bits[at[begins]] |= np.bitwise_or.reduceat(bit, begins)

    def _keep(self, run: Lane) -> None:
        while self._runs and len(self._runs[-1]) <= len(run) and len(run) < LONGEST_RUN:
            run = np.concatenate([self._runs.pop(), run])
            run.sort(kind="stable")  # of two sorted halves, which takes one pass
        self._runs.append(run)


def _place_of_bit(hashes: Lane) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.uint8]]:
    """Return the byte of each hash in the table, and its bit there."""
    at = (hashes >> np.uint64(64 - SEEN_BITS + 3)).astype(np.intp)
    return at, POWERS[((hashes >> np.uint64(64 - SEEN_BITS)) & np.uint64(7)).astype(np.intp)]


def _places(values: Lane) -> Lane:
    """Return the place of each value among its equals, from 0."""
    order = np.argsort(values, kind="stable")
    ordered, positions = values[order], np.arange(len(values))
    first = np.ones(len(values), dtype=bool)
    first[1:] = ordered[1:] != ordered[:-1]
    places = np.empty(len(values), dtype=np.uint64)
    places[order] = positions - np.maximum.accumulate(np.where(first, positions, 0))
    return places


class _Bits:
    """64 bits for each value of a column: in the first lane and the second, where those of texts are independent."""

    def __init__(self, values: pa.Array) -> None:
        self._values = values
        self._words: list[Lane] = []
        if pa.types.is_dictionary(values.type):
            texts = values.dictionary.to_numpy(zero_copy_only=False)
            hashed = (pd.util.hash_array(texts, hash_key=key, categorize=False) for key in KEYS)
            self._words = [np.append(words, salt("null")) for words in hashed]
            self._codes = values.indices.fill_null(len(texts)).to_numpy()
        self._last: tuple[int, Lane | np.uint64] = (-1, np.uint64(0))

    def of(self, number: int, begin: int) -> Lane | np.uint64:
        """Return the bits of the rows from `begin` on in a lane."""
        if self._words:
            words: Lane = self._words[number][self._codes[begin : begin + AT_ONCE]]
            return words
        if self._last[0] != begin:
            self._last = begin, value_bits(self._values.slice(begin, AT_ONCE))
        return self._last[1]


def _fold(columns: Mapping[str, Lane | np.uint64], lane: Lane, number: int) -> None:
    """Bring the bits of all columns into a lane."""
    spare = np.empty_like(lane)
    for name in sorted(columns):
        lane ^= columns[name]
        lane += salt(f"{number}:{name}")
        lane *= MULTIPLIERS[number]
        np.right_shift(lane, np.uint64(32), out=spare)
        lane ^= spare
    lane[:] = mixed(lane)


def _in_hex(first: Lane, second: Lane) -> pa.Array:
    n = len(first)
    raw = np.stack([first, second], axis=1).astype(">u8").view(np.uint8)
    ends = np.arange(n + 1, dtype=np.int32) * np.int32(32)
    return pa.StringArray.from_buffers(n, pa.py_buffer(ends), pa.py_buffer(HEX[raw]))
