"""The bytes of a segment: frames that say how long they are, and whether they are whole.

A segment begins with `MAGIC` and a mark of eight random bytes, which every frame begins with. So a frame can be found
from any place in the file, and no value that a caller sends can pass for one.
"""

import os
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec

from evergreen.record.predictions.records import Columns, Feedback, Logged, Shadowed

MAGIC = b"EVGLOG1\n"
MARK_BYTES = 8
START = len(MAGIC) + MARK_BYTES
LENGTHS = struct.Struct("<II")  # bytes of the payload, and its crc32
HEAD_BYTES = MARK_BYTES + LENGTHS.size
BLOCK = 1 << 16  # bytes that are searched at a time
WINDOW = 16 << 20  # and at most: a row is logged within that of where its id was made


class Header(msgspec.Struct, array_like=True, tag="h"):
    """What the values of the records that name this frame mean."""

    columns: Columns


class Predictions(msgspec.Struct, array_like=True, tag="p", gc=False):
    """Rows that were answered together; `header` is the offset of theirs."""

    header: int
    rows: list[Logged]


class FeedbackRows(msgspec.Struct, array_like=True, tag="f", gc=False):
    """What came back about rows, received together; `header` is the offset of theirs."""

    header: int
    rows: list[Feedback]


class Shadows(msgspec.Struct, array_like=True, tag="s", gc=False):
    """What variants said of rows that others answered; `header` is the offset of that of the answers."""

    header: int
    rows: list[Shadowed]


class End(msgspec.Struct, array_like=True, tag="e"):
    """Nothing comes after this frame: the segment was closed in order, or what was torn has been cut off."""


Frame = Header | Predictions | FeedbackRows | Shadows | End
encode = msgspec.msgpack.Encoder().encode
decode = msgspec.msgpack.Decoder(Frame).decode


@dataclass
class Damage:
    """Bytes of a segment that are no record: torn by a kill at its end, or spoilt in its midst."""

    torn_bytes: int = 0
    spoilt_bytes: int = 0


def framed(mark: bytes, payload: bytes) -> bytes:
    """Return a payload as it stands in the file."""
    return mark + LENGTHS.pack(len(payload), zlib.crc32(payload)) + payload


class SegmentReader:
    """A segment open for reading, whoever writes or removes it meanwhile: what was there at opening is read.

    It reads and does not map the file, because a writer may cut off what a full disk left of a frame.
    """

    def __init__(self, path: Path) -> None:
        """Open a segment; raises OSError as `open` does."""
        self.path = path
        self._fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        self.size = os.fstat(self._fd).st_size
        start = os.pread(self._fd, START, 0)
        self.mark = start[len(MAGIC) :]
        self.is_ours = len(start) == START and start.startswith(MAGIC)
        self.is_blank = not any(start)

    def close(self) -> None:
        os.close(self._fd)

    def __enter__(self) -> "SegmentReader":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def walk(self, damage: Damage | None = None) -> Iterator[tuple[int, int, Frame]]:
        """Yield each whole frame with the offsets where it begins and ends; what is none is counted in `damage`."""
        found = Damage() if damage is None else damage
        if not self.is_ours:
            found.torn_bytes += self.size
            return
        content = _read(self._fd, self.size, 0)
        at = START
        while at < len(content):
            whole = _whole(content, at, self.mark)
            if whole is not None:
                yield at, whole[0], whole[1]
                at = whole[0]
                continue
            after = content.find(self.mark, at + 1)
            while after >= 0 and _whole(content, after, self.mark) is None:
                after = content.find(self.mark, after + 1)
            if after < 0:
                found.torn_bytes += len(content) - at
                return
            found.spoilt_bytes += after - at
            at = after

    def columns(self, at: int) -> Columns:
        """Return what the header at an offset says; raises ValueError if none is there."""
        frame = self._frame(at)
        if not isinstance(frame, Header):
            raise ValueError(f"{self.path}: no header at {at}")
        return frame.columns

    def ends_in_order(self) -> bool:
        """Return whether its last frame says that nothing comes after."""
        last = framed(self.mark, encode(End()))
        return self.size >= len(last) and os.pread(self._fd, len(last), self.size - len(last)) == last

    def find(self, prediction_id: str, *, after: int) -> tuple[Columns, Logged] | None:
        """Return the record of a prediction that stands in the `WINDOW` after an offset."""
        wanted, at = prediction_id.encode(), max(after, START)
        end = min(self.size, at + WINDOW)
        while self.is_ours and at < end:
            block = os.pread(self._fd, BLOCK, at)
            hit = block.find(wanted)
            if hit < 0:
                at += max(len(block) - len(wanted), 0) + 1
                continue
            frame = self._frame_around(at + hit)
            for row in frame.rows if isinstance(frame, Predictions) else ():
                if row.prediction_id == prediction_id:
                    assert isinstance(frame, Predictions)
                    return self.columns(frame.header), row
            at += hit + len(wanted)
        return None

    def _frame_around(self, at: int) -> Frame | None:
        """Return the whole frame that a byte belongs to."""
        high = at
        while high > 0:
            low = max(high - BLOCK, 0)
            begin = os.pread(self._fd, high - low + MARK_BYTES - 1, low).rfind(self.mark)
            if begin >= 0:
                return self._frame(low + begin)
            high = low
        return None

    def _frame(self, at: int) -> Frame | None:
        head = os.pread(self._fd, HEAD_BYTES, at)
        if len(head) < HEAD_BYTES:
            return None
        length, _ = LENGTHS.unpack_from(head, MARK_BYTES)
        if at + HEAD_BYTES + length > os.fstat(self._fd).st_size:
            return None
        whole = _whole(head + _read(self._fd, length, at + HEAD_BYTES), 0, self.mark)
        return whole[1] if whole else None


def _whole(content: bytes, at: int, mark: bytes) -> tuple[int, Frame] | None:
    """Return where the frame at an offset ends, and what it says; None if no whole one is there."""
    begin = at + HEAD_BYTES
    if begin > len(content) or content[at : at + MARK_BYTES] != mark:
        return None
    length, checksum = LENGTHS.unpack_from(content, at + MARK_BYTES)
    payload = content[begin : begin + length]
    if len(payload) != length or zlib.crc32(payload) != checksum:
        return None
    try:
        return begin + length, decode(payload)
    except msgspec.DecodeError:  # whole, and of no kind that this version knows
        return None


def _read(fd: int, n_bytes: int, at: int) -> bytes:
    """Return up to `n_bytes` from an offset: fewer at the file's end. One read gives 2 GiB at most."""
    parts = []
    while n_bytes > 0 and (part := os.pread(fd, min(n_bytes, 1 << 30), at)):
        parts.append(part)
        at, n_bytes = at + len(part), n_bytes - len(part)
    return b"".join(parts)
