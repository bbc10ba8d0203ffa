"""Ids of predictions in batch: of what the model sees of a row, the model, and which time the row is there."""

import hashlib
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from evergreen.data.datasets.content import TEXT_KEY, mixed, salt, value_bits

Lane = npt.NDArray[np.uint64]

AT_ONCE = 32_768  # rows: what fits into a core's cache
SEEN_BITS = 27  # a first look that spares nearly every row the search: 16 MiB
LONGEST_RUN = 2**20  # of hashes that are sorted together
# Odd, so that nothing is lost: the golden ratio, and the multiplier of MMIX's generator.
MULTIPLIERS = (np.uint64(0x9E3779B97F4A7C15), np.uint64(0x5851F42D4C957F2D))
KEYS = (TEXT_KEY, "6543210987654321")
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
        columns : what the model sees, by name: equal values of equal types. Their order does not count.
        """
        lanes = [np.empty(n_rows, dtype=np.uint64) for _ in KEYS]
        for begin in range(0, n_rows, AT_ONCE):
            some = {name: values.slice(begin, AT_ONCE) for name, values in columns.items()}
            for lane, hashed in zip(lanes, _hashed(some, min(AT_ONCE, n_rows - begin)), strict=True):
                lane[begin : begin + AT_ONCE] = hashed
        before = self._known.count(lanes[0])
        pairs = zip(lanes, self._model, MULTIPLIERS, strict=True)
        return _in_hex(*(mixed((lane ^ model) + before * multiplier) for lane, model, multiplier in pairs))


class _Known:
    """How often each hash has been there: all of them in sorted runs, and a table of bits that says which may have."""

    def __init__(self) -> None:
        self._bits = np.zeros(2 ** (SEEN_BITS - 3), dtype=np.uint8)
        self._runs: list[Lane] = []

    def count(self, hashes: Lane) -> Lane:
        """Return how often each of `hashes` came before it, in earlier calls and in this one, and remember them."""
        order = np.argsort(hashes, kind="stable")
        ordered = hashes[order]
        counts = _places(ordered)
        places = ordered >> np.uint64(64 - SEEN_BITS)
        at, bit = (places >> np.uint64(3)).astype(np.intp), np.left_shift(1, places & np.uint64(7)).astype(np.uint8)
        maybe = np.flatnonzero(self._bits[at] & bit)
        asked = ordered[maybe]
        for run in self._runs if len(asked) else ():
            found = np.searchsorted(run, asked, side="right") - np.searchsorted(run, asked, side="left")
            counts[maybe] += found.astype(np.uint64)
        np.bitwise_or.at(self._bits, at, bit)
        self._keep(ordered)
        answer = np.empty_like(counts)
        answer[order] = counts
        return answer

    def _keep(self, run: Lane) -> None:
        while self._runs and len(self._runs[-1]) <= len(run) and len(run) < LONGEST_RUN:
            run = np.concatenate([self._runs.pop(), run])
            run.sort(kind="stable")  # of two sorted halves, which takes one pass
        self._runs.append(run)


def _places(ordered: Lane) -> Lane:
    """Return the place of each value among its equals, from 0."""
    positions = np.arange(len(ordered), dtype=np.uint64)
    first = np.ones(len(ordered), dtype=bool)
    first[1:] = ordered[1:] != ordered[:-1]
    return positions - np.maximum.accumulate(np.where(first, positions, np.uint64(0)))


def _hashed(columns: Mapping[str, pa.Array], n_rows: int) -> list[Lane]:
    lanes = [np.zeros(n_rows, dtype=np.uint64) for _ in KEYS]
    for name in sorted(columns):
        values = columns[name]
        bits = [value_bits(values)] * 2
        if pa.types.is_string(values.type):
            values = values.dictionary_encode()
            bits = [value_bits(values, key=key) for key in KEYS]
        for number, (lane, multiplier) in enumerate(zip(lanes, MULTIPLIERS, strict=True)):
            lane ^= bits[number]
            lane += salt(f"{number}:{name}")
            lane *= multiplier
            lane ^= lane >> np.uint64(32)
    return [mixed(lane) for lane in lanes]


def _in_hex(first: Lane, second: Lane) -> pa.Array:
    n = len(first)
    raw = np.stack([first, second], axis=1).astype(">u8").view(np.uint8)
    ends = np.arange(n + 1, dtype=np.int32) * np.int32(32)
    return pa.StringArray.from_buffers(n, pa.py_buffer(ends), pa.py_buffer(HEX[raw].tobytes()))
