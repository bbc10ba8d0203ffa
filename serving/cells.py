"""Counters in memory that outlives the process: a mapped file for each worker, which its successor counts on in."""

import fcntl
import json
import os
import struct
import threading
import weakref
from collections.abc import Iterator
from itertools import count
from mmap import mmap
from pathlib import Path

from evergreen.base.errors import explain_os_errors

Series = tuple[str, ...]  # the name of a sample, then the values of its labels
MAGIC = b"EVGCELL1"
HEAD = struct.Struct("=8sQ")  # the magic, and how many bytes are used
KEY = struct.Struct("=I")
VALUE = struct.Struct("=d")
FIRST_BYTES = 1 << 17


class Cells:
    """A number for each series, in a place that no other process writes to.

    An increment is one store into mapped memory, `cells.values[at] += 1` with an `at` that was asked for before: what
    was counted survives `kill -9`. The process that takes a place goes on from what its predecessor counted there, so
    a folder has as many places as processes ever ran side by side. Only one thread may increment a series; any may ask
    `at`.

    Parameters
    ----------
    folder : where the places lie, the same for all workers of a service; None for memory of this process alone.

    Raises
    ------
    ResourceError if the folder cannot be written. Room is reserved before it is mapped, so that a disk which is full
    later kills nobody.
    """

    def __init__(self, folder: Path | None) -> None:
        self._lock = threading.Lock()
        self._index: dict[Series, int] = {}
        if folder is None:
            self.place, self._file = 0, os.memfd_create("metrics")
        else:
            with explain_os_errors(folder):
                folder.mkdir(parents=True, exist_ok=True)
                self.place, self._file = _take(folder)
        weakref.finalize(self, os.close, self._file)
        with explain_os_errors(folder or "memory"):
            self._map(max(FIRST_BYTES, os.fstat(self._file).st_size))
        self._used = self._resume()
        self.is_successor = bool(self._index)

    def at(self, *series: str) -> int:
        """Return where in `values` the number of a series is; it is 0 until something is counted.

        Raises
        ------
        ResourceError if there is no room for another series.
        """
        found = self._index.get(series)
        if found is not None:
            return found
        with self._lock:
            return self._index[series] if series in self._index else self._add(series)

    def add(self, n: float, *series: str) -> None:
        at = self.at(*series)  # which may give `values` more room
        self.values[at] += n

    def set(self, value: float, *series: str) -> None:
        at = self.at(*series)
        self.values[at] = value

    def series(self) -> list[Series]:
        return list(self._index)

    def content(self) -> bytes:
        """Return the place as `parse` reads it."""
        with self._lock:
            return bytes(self._bytes[: self._used])

    def _add(self, series: Series) -> int:
        key = json.dumps(series).encode()
        key += b" " * (-(self._used + KEY.size + len(key)) % VALUE.size)
        end = self._used + KEY.size + len(key) + VALUE.size
        if end > len(self._bytes):
            with explain_os_errors("metrics"):
                self._map(2 * len(self._bytes))
        KEY.pack_into(self._bytes, self._used, len(key))
        self._bytes[self._used + KEY.size : end] = key + VALUE.pack(0)
        self._used = end
        HEAD.pack_into(self._bytes, 0, MAGIC, end)  # last: whoever reads meanwhile sees the series whole or not at all
        self._index[series] = end // VALUE.size - 1
        return self._index[series]

    def _map(self, size: int) -> None:
        """Map the file anew; who still holds the old `values` writes to the same memory."""
        os.posix_fallocate(self._file, 0, size)
        self._bytes = mmap(self._file, size)
        self.values = memoryview(self._bytes).cast("d")

    def _resume(self) -> int:
        for series, end in _entries(self._bytes):
            self._index[series] = end // VALUE.size - 1
        if self._index:
            return int(HEAD.unpack_from(self._bytes)[1])
        HEAD.pack_into(self._bytes, 0, MAGIC, HEAD.size)
        return HEAD.size


def parse(content: bytes | mmap) -> dict[Series, float]:
    """Return the numbers of a place; none if its bytes are not those of one."""
    return {series: VALUE.unpack_from(content, end - VALUE.size)[0] for series, end in _entries(content)}


def others(folder: Path, place: int) -> Iterator[tuple[int, bytes]]:
    """Yield the content of every place but one, with its number."""
    for path in sorted(folder.glob("*.cells")):
        number = int(path.stem)
        if number != place:
            yield number, path.read_bytes()


def _take(folder: Path) -> tuple[int, int]:
    """Return the first place that no living process holds, and hold it until this process ends."""
    for place in count():
        file = os.open(folder / f"{place}.cells", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o640)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(file)
        else:
            return place, file
    raise AssertionError  # pragma: no cover  # `count` has no end


def _entries(content: bytes | mmap) -> Iterator[tuple[Series, int]]:
    """Yield each series and where its number ends; stops where the bytes make no sense."""
    if len(content) < HEAD.size:
        return
    magic, used = HEAD.unpack_from(content)
    if magic != MAGIC or used > len(content):
        return
    start = HEAD.size
    while start < used:
        (length,) = KEY.unpack_from(content, start)
        end = start + KEY.size + length + VALUE.size
        yield tuple(json.loads(content[start + KEY.size : end - VALUE.size])), end
        start = end
