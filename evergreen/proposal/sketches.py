"""Summaries of a stream that stay small however long it is, and that can be merged."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

Array = np.ndarray[Any, Any]


@dataclass
class Moments:
    """Number, mean, variance and range of finite numbers.

    Examples
    --------
    >>> seen = Moments()
    >>> seen.add(np.array([1.0, 2.0, 3.0, 4.0]))
    >>> seen.n, seen.mean, seen.low, seen.high, round(seen.deviation, 3)
    (4, 2.5, 1.0, 4.0, 1.291)
    """

    n: int = 0
    mean: float = 0.0
    squares: float = 0.0
    low: float = np.inf
    high: float = -np.inf

    def add(self, values: Array, weights: Array | None = None) -> None:
        """Take in values, shape (n,), each `weights` times."""
        if len(values) == 0:
            return
        weights = np.ones(len(values), int) if weights is None else weights
        with np.errstate(over="ignore", invalid="ignore"):  # numbers near the end of float64 have no variance
            mean = float(np.average(values, weights=weights))
            squares = float((weights * (values - mean) ** 2).sum())
        self.merge(Moments(int(weights.sum()), mean, squares, float(values.min()), float(values.max())))

    def merge(self, other: "Moments") -> None:
        """Take in what another stream has seen (Chan, Golub and LeVeque, 1979)."""
        n = self.n + other.n
        if n == 0:
            return
        with np.errstate(over="ignore", invalid="ignore"):
            apart = np.float64(other.mean) - self.mean
            self.squares = float(self.squares + other.squares + apart**2 * self.n * other.n / n)
            self.mean = float(self.mean + apart * other.n / n)
        self.n, self.low, self.high = n, min(self.low, other.low), max(self.high, other.high)

    @property
    def deviation(self) -> float:
        """The standard deviation; 0 for fewer than two values."""
        return float(np.sqrt(self.squares / (self.n - 1))) if self.n > 1 else 0.0


@dataclass
class Distinct:
    """How many different values there are, and whether any comes twice, from their 64-bit hashes.

    Exact up to `SIZE` different values. Beyond, only hashes that end in `level` zero bits are kept, with their counts
    (adaptive sampling; Flajolet, 1990): the number is then right to about 1 %, and repetition is seen if about one
    value in ten thousand repeats.
    """

    SIZE = 2**15

    level: int = 0
    hashes: Array = field(default_factory=lambda: np.empty(0, np.uint64))
    counts: Array = field(default_factory=lambda: np.empty(0, np.int64))

    def add(self, hashes: Array, counts: Array | None = None) -> None:
        """Take in hashes, shape (n,), which may repeat, each seen `counts` times."""
        counts = np.ones(len(hashes), np.int64) if counts is None else counts
        kept = self._sampled(hashes)
        new, where = np.unique(hashes[kept], return_inverse=True)
        weights = np.bincount(where, counts[kept], minlength=len(new)).astype(np.int64)
        at = np.searchsorted(self.hashes, new)
        known = at < len(self.hashes)
        known[known] = self.hashes[at[known]] == new[known]
        self.counts = self.counts + np.bincount(at[known], weights[known], minlength=len(self.counts)).astype(np.int64)
        self.hashes = np.insert(self.hashes, at[~known], new[~known])
        self.counts = np.insert(self.counts, at[~known], weights[~known])
        while len(self.hashes) > self.SIZE:
            self.level += 1
            kept = self._sampled(self.hashes)
            self.hashes, self.counts = self.hashes[kept], self.counts[kept]

    def merge(self, other: "Distinct") -> None:
        """Take in what another stream has seen."""
        self.level = max(self.level, other.level)
        mine = self._sampled(self.hashes)
        self.hashes, self.counts = self.hashes[mine], self.counts[mine]
        self.add(other.hashes, other.counts)

    def _sampled(self, hashes: Array) -> Array:
        sampled: Array = hashes & np.uint64(2**self.level - 1) == 0
        return sampled

    @property
    def n(self) -> int:
        """The number of different values."""
        return len(self.hashes) << self.level

    @property
    def is_exact(self) -> bool:
        return self.level == 0

    @property
    def repeated_share(self) -> float:
        """The share of the occurrences whose value comes more than once."""
        total = int(self.counts.sum())
        return float(self.counts[self.counts > 1].sum() / total) if total else 0.0


def hashes_of_numbers(values: Array) -> Array:
    """Return a 64-bit hash of each number; a float that is whole has that of the integer."""
    bits = values.astype(np.int64, copy=False) if values.dtype.kind in "iu" else _bits(values)
    mixed = bits.view(np.uint64) + np.uint64(0x9E3779B97F4A7C15)  # splitmix64
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    finished: Array = mixed ^ (mixed >> np.uint64(31))
    return finished


def _bits(values: Array) -> Array:
    whole = (np.floor(values) == values) & (np.abs(values) < 2.0**53)
    return np.where(whole, np.where(whole, values, 0).astype(np.int64), values.astype(np.float64).view(np.int64))


def hashes_of_texts(texts: pa.Array) -> Array:
    """Return a 64-bit hash of each text; none may be null."""
    objects = texts.to_numpy(zero_copy_only=False)
    hashed: Array = pd.util.hash_array(objects, categorize=False)
    return hashed


def counted(values: pa.Array) -> tuple[pa.Array, Array]:
    """Return the different values and how often each comes."""
    counts = pc.value_counts(values)
    return counts.field("values"), counts.field("counts").to_numpy()
