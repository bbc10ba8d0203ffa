"""The segment that a process writes: one write for what is answered together, and a name that is still its own."""

import fcntl
import logging
import os
import re
import time
from collections.abc import Sequence
from contextlib import suppress
from errno import EIO, ENOSPC
from pathlib import Path
from typing import Any

from evergreen.base.files import make_private
from evergreen.record.predictions.frames import (
    MAGIC,
    MARK_BYTES,
    START,
    End,
    FeedbackRows,
    Header,
    Predictions,
    SegmentReader,
    Shadows,
    encode,
    framed,
)
from evergreen.record.predictions.records import Columns

log = logging.getLogger(__name__)

SEGMENTS = "segments"
SUFFIX = ".log"
NAME = re.compile(r"(?P<hour>\d{8}T\d{2})-(?P<token>[0-9a-f]{6})-(?P<number>\d{6})\.log")
PROBE_BYTES = 4096
US_PER_HOUR = 3_600_000_000


class Segment:
    """An open segment, locked by this process. Whoever uses it sees to it that one thread does at a time.

    `end`: where the next frame begins, and how long the file is as far as this process knows.
    """

    def __init__(self, folder: Path, token: str, number: int, *, now_us: int) -> None:
        """Make a new segment; raises OSError."""
        self.hour = now_us // US_PER_HOUR
        self.token = token
        make_private(folder)
        self.fd, self.path, self.number = _create(folder, self.hour, token, number)
        self.mark = os.urandom(MARK_BYTES)
        status = os.fstat(self.fd)
        self._inode, self._device = status.st_ino, status.st_dev
        self.end = 0
        self.header = 0  # where it begins
        self.columns: Columns | None = None

    def write(
        self, columns: Columns, kind: type[Predictions] | type[FeedbackRows] | type[Shadows], rows: Sequence[Any]
    ) -> int:
        """Append one frame with one system call, a header before it where `columns` changed; return how many bytes.

        Raises
        ------
        OSError if not all of it is written; what was is cut off again.
        """
        header, before = self.header, b""
        if columns is not self.columns and columns != self.columns:
            start = b"" if self.end else MAGIC + self.mark
            header, before = self.end + len(start), start + framed(self.mark, encode(Header(columns)))
        payload = encode(kind(header, rows))  # type: ignore[arg-type]  # any sequence is written as an array
        n_bytes = self._append(before + framed(self.mark, payload))
        self.columns, self.header = columns, header
        return n_bytes

    def _append(self, data: bytes) -> int:
        written = 0
        try:
            written = os.write(self.fd, data)
            if written != len(data):
                raise OSError(ENOSPC, os.strerror(ENOSPC))
        except OSError:
            with suppress(OSError):  # where it cannot be cut off, nothing is written after it: `is_whole`
                os.ftruncate(self.fd, self.end)
            raise
        self.end += written
        return written

    def is_in_place(self) -> bool:
        """Return whether the path still names this file, and the file is as long as what was written to it."""
        try:
            found = os.stat(self.path)  # noqa: PTH116  a third of the time that Path.stat takes
        except OSError:
            return False
        return found.st_ino == self._inode and found.st_size == self.end and found.st_dev == self._device

    def has_its_name(self) -> bool:
        """Return whether the path still names this file."""
        try:
            found = self.path.stat()
        except OSError:
            return False
        return (found.st_ino, found.st_dev) == (self._inode, self._device)

    def is_whole(self) -> bool:
        """Return whether the open file is as long as what was written to it."""
        return os.fstat(self.fd).st_size == self.end

    def probe(self) -> None:
        """Write some bytes and cut them off again; raises OSError unless a frame could be written now."""
        try:
            if os.write(self.fd, b"\0" * PROBE_BYTES) != PROBE_BYTES:
                raise OSError(ENOSPC, os.strerror(ENOSPC))
        finally:
            os.ftruncate(self.fd, self.end)

    def copy_to(self, other: "Segment") -> None:
        """Write this segment's bytes anew into an empty one of the same mark, which becomes what this was.

        Nothing is copied of a file that was cut short: it can only be without a name, and gone with its bytes.

        Raises
        ------
        OSError if they cannot be read from the open file or written.
        """
        if os.fstat(self.fd).st_size < self.end:
            return
        at = 0
        while at < self.end:
            block = os.pread(self.fd, min(1 << 20, self.end - at), at)
            if not block:
                raise OSError(EIO, os.strerror(EIO))
            if os.write(other.fd, block) != len(block):
                raise OSError(ENOSPC, os.strerror(ENOSPC))
            at += len(block)
        other.end, other.header, other.columns = self.end, self.header, self.columns

    def seal(self) -> None:
        """Say that nothing comes after, and put it on the disk; an empty one is removed. Raises OSError."""
        if self.end == 0:
            if self.is_in_place():
                self.path.unlink()
            return
        self._append(framed(self.mark, encode(End())))
        os.fdatasync(self.fd)

    def discard(self) -> None:
        """Remove a segment that could not be made what it should be."""
        with suppress(OSError):
            self.path.unlink()
        self.close()

    def close(self) -> None:
        """Close the file, which lets go of its lock; a second time does nothing."""
        if self.fd >= 0:
            os.close(self.fd)
        self.fd = -1


def _create(folder: Path, hour: int, token: str, number: int) -> tuple[int, Path, int]:
    named = time.strftime("%Y%m%dT%H", time.gmtime(hour * 3600))
    while True:
        path = folder / f"{named}-{token}-{number:06d}{SUFFIX}"
        try:
            fd = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o640)
        except FileExistsError:
            number += 1
            continue
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:  # somebody took it for one that a dead process left
            os.close(fd)
            number += 1
            continue
        if os.fstat(fd).st_nlink == 0:  # and removed it, because it held nothing
            os.close(fd)
            continue
        return fd, path, number


def segments(folder: Path) -> list[Path]:
    """Return the segments of a log by name: by hour, process and number."""
    return sorted(path for path in (folder / SEGMENTS).glob(f"*{SUFFIX}") if NAME.fullmatch(path.name))


def settle(path: Path) -> bool:
    """Cut what is torn off the end of a segment whose process is dead, and say that nothing comes after it.

    Returns
    -------
    True if the segment is closed now, or gone because it held nothing; False if a process still writes it.
    """
    try:
        fd = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CLOEXEC)
    except FileNotFoundError:
        return True
    try:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        with SegmentReader(path) as reader:
            if reader.ends_in_order():
                return True
            if reader.is_blank:  # nothing, or the zeros of a process that died while it tried to write
                path.unlink()
                return True
            if reader.size >= START and not reader.is_ours:
                log.error("not a segment of a prediction log, left as it is: %s", path)
                return True
            frames = [(end, isinstance(frame, Header)) for _, end, frame in reader.walk()]
            tail = framed(reader.mark, encode(End()))
        if all(is_header for _, is_header in frames):
            path.unlink()
            return True
        log.info("%d torn bytes cut off the end of %s", reader.size - frames[-1][0], path)
        os.ftruncate(fd, frames[-1][0])
        os.write(fd, tail)
        os.fdatasync(fd)
        return True
    finally:
        os.close(fd)
