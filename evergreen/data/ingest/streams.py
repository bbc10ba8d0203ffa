"""From a file to clean UTF-8: decompressed within limits, decoded, every byte that is not text marked."""

import codecs
import io
import re
import zipfile
import zlib
from pathlib import Path
from typing import IO, Any

import pyarrow as pa

from evergreen.base.artifacts.refs import Item
from evergreen.base.errors import DataError

MIB = 2**20
READ_BYTES = 2 * MIB
# Real tables compress 5 to 30 times. Deflate reaches at most 1032: a file that promises more has been cut short.
MOST_RATIO, DEFLATE_RATIO = 500, 1100
PROBED_BYTES = 64 * MIB
# NUL is in no readable row, so it marks the bytes that cannot be decoded; their spelling follows it.
MARK = "\0"

_ESCAPED = re.compile("[\ud800-\udfff]")
_BOMS = {
    codecs.BOM_UTF8: "utf-8",
    codecs.BOM_UTF32_LE: "utf-32-le",  # before UTF-16, whose mark it begins with
    codecs.BOM_UTF32_BE: "utf-32-be",
    codecs.BOM_UTF16_LE: "utf-16-le",
    codecs.BOM_UTF16_BE: "utf-16-be",
}


def bomb(name: str, size: int, times: float) -> DataError:
    return DataError(
        "DQ030",
        f"expands to more than {size // MIB:,} MiB, {times:,.0f} times its size",
        where=name,
        next_step="Check where the file comes from. If it is what it should be, store it uncompressed.",
    )


def open_bytes(item: Item) -> IO[bytes]:
    """Return a file's bytes, decompressed as they are read.

    Raises
    ------
    DataError (DQ030) if it would expand beyond reason: at once where the file says so, else after 64 MiB of it.
    ValueError, OSError, EOFError, zlib.error or BadZipFile, here or later, if it is not what it says it is.
    """
    path = Path(item.uri)
    if item.compression == "zip":
        return _member(path, item)
    file = path.open("rb", buffering=0)
    if item.compression == "":
        return file
    if item.compression == "zstd":
        return io.BufferedReader(_Unzstd(file, item.name), READ_BYTES)
    if item.size >= 18:  # the last four bytes: the size, modulo 4 GiB, of the last member
        file.seek(-4, io.SEEK_END)
        promised = int.from_bytes(file.read(4), "little")
        file.seek(0)
        if promised > PROBED_BYTES and MOST_RATIO * item.size < promised <= DEFLATE_RATIO * item.size:
            file.close()
            raise bomb(item.name, promised, promised / item.size)
    return io.BufferedReader(_Gunzipped(file, item.name), READ_BYTES)


def _member(path: Path, item: Item) -> IO[bytes]:
    archive = zipfile.ZipFile(path)
    members = [info for info in archive.infolist() if not info.is_dir()]
    if len(members) != 1:
        raise ValueError(f"the archive holds {len(members)} files, expected one")
    info = members[0]
    if info.flag_bits & 1:
        raise ValueError("the archive is encrypted")
    if info.file_size > PROBED_BYTES and info.file_size > MOST_RATIO * item.size:
        raise bomb(item.name, info.file_size, info.file_size / item.size)
    return archive.open(info)  # reads no further than the size that was checked


class _Expanded(io.RawIOBase):
    """A compressed file as what it holds; stops where 64 MiB came from less than a 500th of that."""

    def __init__(self, file: io.FileIO, name: str) -> None:
        self._file, self._name = file, name
        self._given = self._taken = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        part = self._some(len(buffer))
        buffer[: len(part)] = part
        return len(part)

    def _some(self, wanted: int) -> bytes:
        raise NotImplementedError

    def _measure(self, given: int, taken: int) -> None:
        self._given += given
        self._taken += taken
        if self._given >= PROBED_BYTES:
            if self._given > MOST_RATIO * self._taken:
                raise bomb(self._name, self._given, self._given / max(self._taken, 1))
            self._given = self._taken = 0

    def close(self) -> None:
        self._file.close()
        super().close()


class _Unzstd(_Expanded):
    """A Zstandard file of any number of frames."""

    def __init__(self, file: io.FileIO, name: str) -> None:
        super().__init__(file, name)
        self._whole = pa.CompressedInputStream(pa.PythonFile(file, "r"), "zstd")
        self._at = 0

    def _some(self, wanted: int) -> bytes:
        part: bytes = self._whole.read(wanted)
        at = self._file.tell()
        self._measure(len(part), at - self._at)
        self._at = at
        return part


class _Gunzipped(_Expanded):
    """A gzip file of any number of members."""

    def __init__(self, file: io.FileIO, name: str) -> None:
        super().__init__(file, name)
        self._inflate = zlib.decompressobj(wbits=31)
        self._pending = b""

    def _some(self, wanted: int) -> bytes:
        """Return at least one byte and at most `wanted`, or none at the end."""
        while True:
            if self._inflate.eof:
                self._pending = (self._inflate.unused_data or self._pending).lstrip(b"\0")  # padding of tapes
                if not self._pending:
                    self._pending = self._file.read(MIB).lstrip(b"\0")
                if not self._pending:
                    return b""
                self._inflate = zlib.decompressobj(wbits=31)
            if not self._pending:
                self._pending = self._file.read(MIB)
            before = len(self._pending)
            part = self._inflate.decompress(self._pending, wanted)
            if not (before or part or self._inflate.eof):
                raise EOFError("the compressed file ends before its end marker")
            self._pending = self._inflate.unconsumed_tail
            self._measure(len(part), before - len(self._pending) - len(self._inflate.unused_data))
            if part:
                return part


class Utf8(io.RawIOBase):
    """A byte stream as UTF-8 without a byte order mark, from UTF-8, UTF-16 or UTF-32 with one, or else `encoding`.

    What cannot be decoded, lone surrogates included, becomes `MARK` and its spelling, such as backslash, x, f, f.
    `marked`: whether a NUL, ours or the file's, has been read so far.
    """

    def __init__(self, source: IO[bytes], encoding: str = "utf-8") -> None:
        self._source = source
        head = source.read(4) or b""
        while len(head) < 4 and (more := source.read(4 - len(head))):
            head += more
        mark = next((mark for mark in _BOMS if head.startswith(mark)), b"")
        self._carried = head[len(mark) :]
        encoding = codecs.lookup(_BOMS.get(mark, encoding)).name
        wide = encoding.startswith(("utf-16", "utf-32"))
        faults = "surrogatepass" if wide else "surrogateescape"
        self._decoder = None if encoding == "utf-8" else codecs.getincrementaldecoder(encoding)(faults)
        self._ready = b""
        self._ended = False
        self._lines = False
        self.marked = False

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        """Return at most `size` bytes, and none only at the end; a file of one line gets the end of line it lacks."""
        if size < 0:
            size = READ_BYTES
        while not self._ready and not self._ended:
            self._ready = self._next(size)
        given, self._ready = self._ready[:size], self._ready[size:]
        return given

    def _next(self, size: int) -> bytes:
        # Short by what is carried over, so that a block is handed on without being cut and copied.
        raw = self._source.read(max(size - len(self._carried), 1))
        self._ended = not raw
        raw, self._carried = self._carried + raw if self._carried else raw, b""
        text = self._transcoded(raw)
        self.marked = self.marked or b"\0" in text
        self._lines = self._lines or b"\n" in text or b"\r" in text
        return text + b"\n" if self._ended and not self._lines else text

    def _transcoded(self, raw: bytes) -> bytes:
        if self._decoder is not None:
            return _marked(self._decoder.decode(raw, final=self._ended))
        try:
            _, used = codecs.utf_8_decode(raw, "strict", self._ended)
        except UnicodeDecodeError:
            text, used = codecs.utf_8_decode(raw, "surrogateescape", self._ended)
            self._carried = raw[used:]
            return _marked(text)
        self._carried = raw[used:]
        return raw if used == len(raw) else raw[:used]

    def close(self) -> None:
        self._source.close()
        super().close()


def _marked(text: str) -> bytes:
    def spelled(match: re.Match[str]) -> str:
        code = ord(match[0])
        return f"{MARK}\\x{code - 0xDC00:02x}" if 0xDC80 <= code <= 0xDCFF else f"{MARK}\\u{code:04x}"

    return _ESCAPED.sub(spelled, text).encode()


def shown(text: str) -> str:
    """Return the raw text of an unreadable row as people see it: spelled bytes without the mark before them.

    Examples
    --------
    >>> shown("caf\\0\\\\xe9")
    'caf\\\\xe9'
    """
    return text.replace(f"{MARK}\\", "\\")
