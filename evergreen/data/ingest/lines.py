"""The lines of a text as a parser gets them: with what has been looked at already, and without comments."""

from collections.abc import Sequence
from typing import Protocol

from evergreen.data.ingest import heads
from evergreen.data.ingest.streams import READ_BYTES


class _Bytes(Protocol):
    def read(self, size: int, /) -> bytes: ...


class Headed:
    """A stream whose beginning has been looked at already."""

    closed = False

    def __init__(self, head: bytes, rest: _Bytes) -> None:
        self._head, self._rest = head, rest

    def read(self, size: int) -> bytes:
        given, self._head = self._head[:size], self._head[size:]
        while len(given) < size and (more := self._rest.read(size - len(given))):  # the header must be in one block
            given = given + more if given else more
        return given

    def close(self) -> None:
        """Leave it open: it is not ours."""


class Uncommented:
    """A stream without the lines that begin with `comment`, unless one has as many values as the first that does not.

    What begins within quotes is no comment.
    """

    closed = False

    def __init__(self, source: Headed, comment: str, head: Sequence[str], delimiter: str) -> None:
        self._source, self._comment, self._delimiter = source, comment, delimiter
        first = next((line for line in head if not line.startswith(comment)), "")
        self._n_values = heads.value_count(first, delimiter)
        self._mark = comment.encode()
        self._rest = self._ready = b""
        self._quoted = self._ended = False

    def read(self, size: int) -> bytes:
        """Return at most `size` bytes, and fewer only at the end."""
        while len(self._ready) < size and not self._ended:
            block = self._source.read(size)
            self._ended = not block
            text = self._rest + block
            # A line longer than that is none that a parser takes.
            whole = len(text) if self._ended or len(text) > 2 * READ_BYTES else text.rfind(b"\n") + 1
            self._ready += self._kept(text[:whole])
            self._rest = text[whole:]
        given, self._ready = self._ready[:size], self._ready[size:]
        return given

    def close(self) -> None:
        """Leave it open: it is not ours."""

    def _kept(self, text: bytes) -> bytes:
        if not (text.startswith(self._mark) or b"\n" + self._mark in text):
            self._quoted ^= text.count(b'"') % 2 == 1
            return text
        kept = []
        for line in text.splitlines(keepends=True):
            if not self._quoted and line.startswith(self._mark) and self._drops(line):
                continue
            self._quoted ^= line.count(b'"') % 2 == 1
            kept.append(line)
        return b"".join(kept)

    def _drops(self, line: bytes) -> bool:
        return heads.is_comment(line.decode("utf-8", "replace"), self._comment, self._delimiter, self._n_values)
