"""The elements of a JSON array, one after the other, as they are written."""

import codecs
import json
import re
from collections.abc import Iterator

from evergreen.base.artifacts.refs import Item
from evergreen.data.ingest.faults import empty, not_parsed
from evergreen.data.ingest.streams import MARK, MIB, READ_BYTES, Utf8

LONGEST_ELEMENT = 16 * MIB
_GAP = re.compile(r"[ \t\r\n]*")
_SCAN = json.JSONDecoder(parse_float=str, parse_int=str, parse_constant=str, strict=False)


def elements(item: Item, head: bytes, stream: Utf8) -> Iterator[list[bytes]]:
    """Yield the elements of an array, some MiB of them at a time.

    Parameters
    ----------
    head : the text from the bracket on; `stream` is the rest.

    Raises
    ------
    DataError if the text is no array (DQ002), or one without elements (DQ007).
    """
    decoder = codecs.getincrementaldecoder("utf-8")()
    text, n_rows = decoder.decode(head)[1:], 0
    while True:
        found, at, why = _whole(text, is_first=n_rows == 0)
        n_rows += len(found)
        if found:
            yield [element.encode() for element in found]
        text = text[at:]
        if why is None:
            break
        block = stream.read(max(READ_BYTES, len(text)))
        if not block or len(text) > LONGEST_ELEMENT:
            raise not_parsed(item, f"row {n_rows + 1} of the array: {why}")
        text += decoder.decode(block)
    if text.strip() or (stream.read(READ_BYTES)).strip():
        raise not_parsed(item, f"something follows the array, after row {n_rows}")
    if not n_rows:
        raise empty(item)


def _whole(text: str, *, is_first: bool) -> tuple[list[str], int, str | None]:
    """Return the elements that end within a text, where the next begins, and why there is none.

    That is None behind the bracket that ends the array. `is_first`: no element came before.
    """
    found: list[str] = []
    at = _after(text, 0)
    scanned = text.replace(f"{MARK}\\", 2 * MARK)  # the spelling of bytes that are no text is no escape of JSON
    if is_first and text[at : at + 1] == "]":
        return found, at + 1, None
    while at < len(text):
        try:
            _, end = _SCAN.raw_decode(scanned, at)
        except json.JSONDecodeError as error:
            return found, at, error.msg
        except RecursionError:
            return found, at, "it is nested too deep"
        follows = _after(text, end)
        if text[follows : follows + 1] not in (",", "]"):
            return found, at, "neither a comma nor a bracket follows it" if text[follows:] else "the array does not end"
        found.append(text[at:end])
        if text[follows] == "]":
            return found, follows + 1, None
        at = _after(text, follows + 1)
    return found, at, "the array does not end"


def _after(text: str, at: int) -> int:
    """Return where the next character is that is no space."""
    gap = _GAP.match(text, at)
    return gap.end() if gap else at
