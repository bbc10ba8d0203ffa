"""In which encoding a text file is written: what is said, what its bytes show, and where they show it."""

import codecs
import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass

from evergreen.base.artifacts.refs import Item
from evergreen.config.contract.sources import Layout
from evergreen.data.ingest.streams import READ_BYTES, open_bytes

UTF8, WESTERN = "utf-8", "cp1252"
WIDE = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE, codecs.BOM_UTF32_BE)
SAMPLED = 2**16
MOST_STRANGE = 0.1
_STRAY = re.compile("[\udc80-\udcff]")
_BEYOND = re.compile("[\u0080-\ud7ff\ue000-\U0010ffff]")
_WORD = re.compile(r"[^\W\d_]+")
# Letters that languages of Western and Northern Europe write, and signs that stand where they would in a text.
_LETTERS = frozenset("ÀÁÂÃÄÅÆÇÈÉÊËÌÍÎÏÑÒÓÔÕÖØÙÚÛÜÝßàáâãäåæçèéêëìíîïñòóôõöøùúûüýŠŒŽšœžŸ")
_SIGNS = re.compile(
    r"[\u2019\u00b4\u00b7\u00a0\u00aa\u00ba\u00b0\u00b5]|[€£¥¢](?=[\d\s),;\"])|(?<=[\d\s(,;\"])[€£¥¢]|"
    r"[\u00b2\u00b3\u00b9\u00bc\u00bd\u00be\u2030](?![^\W\d_])|"
    r"[\u2018\u201a-\u201e\u00ab\u00bb\u2013\u2014\u2026\u2022\u2020\u00a6\u00a7\u00a9\u00ae\u2122\u00b1\u00d7\u00f7\u00ac\u00bf\u00a1]"
    r"(?:(?![^\W\d_])|(?<![^\W\d_].))"
)


@dataclass(frozen=True)
class Bytes:
    """What the bytes of a file are, as text.

    `is_ascii`, `is_utf8`: all of them; the latter also where a byte order mark says what else they are. `line`, `byte`:
    where the first is that is not UTF-8, from 1, and its value. `guess`: the encoding that they show, None if they do
    not show any.
    """

    is_ascii: bool
    is_utf8: bool
    line: int = 0
    byte: int = 0
    guess: str | None = UTF8

    @property
    def place(self) -> str:
        """The first byte that is not UTF-8, and its line."""
        return f"byte 0x{self.byte:02X} in line {self.line}"


def encoding_of(item: Item, layout: Layout) -> str:
    """Return in which encoding a text file is to be read, if no byte order mark says another.

    Bytes beyond ASCII that are UTF-8 all through the file are taken so, where a single-byte encoding is named.
    """
    named = layout.encoding or UTF8
    if codecs.lookup(named).name == UTF8 or len(bytes(range(128, 256)).decode(named, "replace")) != 128:
        return named
    seen = look(item)
    return UTF8 if seen.is_utf8 and not seen.is_ascii else named


def look(item: Item) -> Bytes:
    """Return what the bytes of a text file are; all of it is read, to the first lines that show an encoding.

    Raises
    ------
    As `streams.open_bytes` and what it returns.
    """
    with open_bytes(item) as raw:
        if raw.read(4).startswith(WIDE):
            return Bytes(is_ascii=False, is_utf8=True)
    is_ascii, line, byte, well_formed = True, 0, 0, 0
    sample: list[str] = []
    size = 0
    for number, text in _texts(item):
        if text.isascii():
            continue
        is_ascii = False
        well_formed += len(_BEYOND.findall(text))
        if not (stray := _STRAY.search(text)):
            continue
        if not byte:
            line, byte = number + text.count("\n", 0, stray.start()), ord(stray[0]) - 0xDC00
        kept = [part for part in text.splitlines() if _STRAY.search(part)]
        sample += kept
        size += sum(map(len, kept))
        if size > SAMPLED:
            break
    if not byte:
        return Bytes(is_ascii, is_utf8=True)
    strays = "\n".join(sample)
    guess = UTF8 if well_formed >= len(_STRAY.findall(strays)) else WESTERN if _is_western(strays) else None
    return Bytes(is_ascii, is_utf8=False, line=line, byte=byte, guess=guess)


def _texts(item: Item) -> Iterator[tuple[int, str]]:
    """Yield the blocks of a file, bytes that are not UTF-8 escaped, and the number of the line that each begins in."""
    number = 1
    decoder = codecs.getincrementaldecoder(UTF8)("surrogateescape")
    with open_bytes(item) as raw:
        while block := raw.read(READ_BYTES):
            text = decoder.decode(block)
            yield number, text
            number += block.count(b"\n")
    yield number, decoder.decode(b"", final=True)


def _is_western(escaped: str) -> bool:
    """Return whether bytes read as cp1252 are letters and signs where such texts have them.

    Other alphabets make words of high bytes alone, other encodings of the same letters signs within words, or capitals
    at their ends.
    """
    raw = escaped.encode(UTF8, "surrogateescape")
    text = raw.decode(WESTERN, "replace")
    high = [character for character in text if ord(character) > 127]
    words = [word for word in _WORD.findall(text) if not word.isascii()]
    capitals = sum(a.islower() and b.isupper() and ord(b) > 127 for word in words for a, b in itertools.pairwise(word))
    signs = sum(ord(match[0]) > 127 for match in _SIGNS.finditer(text))
    strange = len(high) - sum(c in _LETTERS for c in high) - signs + capitals
    long = "".join(word for word in words if len(word) > 2)
    return strange <= MOST_STRANGE * len(high) and 2 * sum(ord(c) > 127 for c in long) <= len(long)
