"""Rows drawn evenly from a table that is never held whole."""

from typing import Any

import numpy as np
import pyarrow as pa

Array = np.ndarray[Any, Any]


class Sample:
    """Rows drawn evenly from a stream: those whose random numbers are the smallest.

    The draw depends on the seed and on the number of the row, not on how the stream is cut into batches.
    """

    def __init__(self, rows: int, *, seed: int) -> None:
        self.size = rows
        self._rng = np.random.default_rng(seed)
        self._below = np.inf
        self._drawn: list[tuple[Array, pa.RecordBatch]] = []
        self._held = 0

    def add(self, batch: pa.RecordBatch) -> None:
        keys = self._rng.random(batch.num_rows)
        at = np.flatnonzero(keys < self._below)
        if len(at):
            self._hold(keys[at], batch.take(pa.array(at)))

    def merge(self, other: "Sample") -> None:
        """Take in what was drawn from another stream, with another seed."""
        for keys, batch in other._drawn:
            at = np.flatnonzero(keys < self._below)
            self._hold(keys[at], batch.take(pa.array(at)))

    def _hold(self, keys: Array, batch: pa.RecordBatch) -> None:
        self._drawn.append((keys, batch))
        self._held += len(keys)
        if self._held > 1.5 * self.size:
            self._trim()

    def _trim(self) -> None:
        keys = np.concatenate([keys for keys, _ in self._drawn])
        if len(keys) > self.size:
            self._below = np.partition(keys, self.size)[self.size]
            self._drawn = [(k[k < self._below], b.filter(pa.array(k < self._below))) for k, b in self._drawn]
            self._held = sum(len(keys) for keys, _ in self._drawn)

    def table(self) -> pa.Table:
        """Return the drawn rows, in the order of the stream; columns that a batch lacked are null there."""
        self._trim()
        return pa.concat_tables([pa.Table.from_batches([b]) for _, b in self._drawn], promote_options="permissive")
