"""The first lines of a text with separators: what separates, what is a comment, and whether there is a header."""

import csv
import itertools
import re
from collections.abc import Sequence

from evergreen.config.contract.columns import MISSING

SPELLED = {",": "a comma", "\t": "a tab", ";": "';'", "|": "'|'"}
COMMENTS = ("#", "%", "//")
MOST_LINES = 100
CONSISTENT = 0.9
FEWEST_ROWS = 2
MOST_TITLES = 20

_SEPARATOR = re.compile(rb'"?sep=([^"\r\n])"?[ \t]*(?:\r\n|\r|\n|$)', re.IGNORECASE)
_NUMBER = re.compile(r"[+-]?[$€£]?\d[\d.,' ]*(e[+-]?\d+)?\s*%?|[+-]?[.,]\d+|[+-]?(nan|inf)", re.IGNORECASE)
_NOTHING = frozenset((*MISSING, "?"))
_DATE = re.compile(r"\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}\b.*|\d{8}(T\d+)?")


def separator(head: bytes) -> tuple[str | None, bytes]:
    """Return the separator that a first line such as sep=; names, for Excel, and the text after it.

    Examples
    --------
    >>> separator(b"sep=;\\r\\na;b\\r\\n")
    (';', b'a;b\\r\\n')
    >>> separator(b"a;b\\n")
    (None, b'a;b\\n')
    """
    match = _SEPARATOR.match(head)
    return (match[1].decode("latin-1"), head[match.end() :]) if match else (None, head)


def lines_of(head: bytes) -> list[str]:
    """Return the first whole lines of a text that are not blank, with their ends."""
    whole = head[: 64 * 2**10].splitlines(keepends=True)  # as bytes: text has other ends of line too
    lines = [line.decode("utf-8", "replace") for line in whole if line.strip()]
    return lines[:MOST_LINES] if len(lines) > MOST_LINES else lines[:-1] if len(lines) > 1 and _is_cut(head) else lines


def _is_cut(head: bytes) -> bool:
    return len(head) > 64 * 2**10 or not head.endswith((b"\n", b"\r"))


def records(lines: Sequence[str], delimiter: str) -> list[list[str]]:
    """Return the values of lines; values in quotes may go on over several."""
    try:
        return [record for record in csv.reader(lines, delimiter=delimiter) if record]
    except csv.Error:
        return [line.rstrip("\r\n").split(delimiter) for line in lines]


def delimiter_of(lines: Sequence[str], usual: str) -> str:
    """Return what separates the values of lines: what is usual, unless another splits all of them, and into more.

    Examples
    --------
    >>> delimiter_of(["a;b;c\\n", "1,5;2;x\\n"], ","), delimiter_of(["a,b\\n", "1;2,3\\n"], ",")
    (';', ',')
    """
    best, width = usual, _width(lines, usual, CONSISTENT)
    for other in SPELLED:
        if other != usual and (found := _width(lines, other, 1.0)) > width:
            best, width = other, found
    return best


def _width(lines: Sequence[str], delimiter: str, share: float) -> int:
    """Return into how many values the header is split, 1 if it is not, or the rows are not split as it is."""
    if delimiter not in lines[0]:
        return 1
    first, *rest = map(len, records(lines, delimiter))
    alike = max(rest.count(first), rest.count(first + 1))  # the separator may also end the rows
    return first if alike >= share * len(rest) else 1


def comment_of(lines: Sequence[str], delimiter: str) -> str:
    """Return what the comment lines at the beginning begin with, or an empty text.

    A line that has as many values as those which are no comments is the header.

    Examples
    --------
    >>> comment_of(["# by station 7\\n", "a,b\\n", "1,2\\n"], ","), comment_of(["#a,b\\n", "1,2\\n"], ",")
    ('#', '')
    """
    for mark in COMMENTS:
        rest = [line for line in lines if not line.startswith(mark)]
        if lines[0].startswith(mark) and rest and value_count(lines[0], delimiter) != value_count(rest[0], delimiter):
            return mark
    return ""


def uncommented(lines: Sequence[str], comment: str, delimiter: str) -> list[str]:
    """Return the lines that are no comments."""
    n_values = value_count(next((line for line in lines if not line.startswith(comment)), ""), delimiter)
    return [line for line in lines if not is_comment(line, comment, delimiter, n_values)]


def is_comment(line: str, comment: str, delimiter: str, n_values: int) -> bool:
    """Return whether a line is a comment: not one of `n_values`, as rows have, nor one whose quotes end below it."""
    opens = line.count('"') % 2 == 1 and f'{delimiter}"' in line
    return line.startswith(comment) and not opens and value_count(line, delimiter) != n_values


def bare(lines: Sequence[str]) -> Sequence[str]:
    """Return the lines that cannot be comments, whatever separates values."""
    mark = next((mark for mark in COMMENTS if lines[0].startswith(mark)), None)
    if mark is None:
        return lines
    rest = itertools.dropwhile(lambda line: line.startswith(mark), lines)
    return [
        line for line in rest if not line.startswith(mark) or any(sign in line for sign in (*SPELLED, '"'))
    ] or lines


def value_count(line: str, delimiter: str) -> int:
    """Return how many values a line has."""
    return len(next(iter(records([line], delimiter)), []))


def looks_like_a_row(rows: Sequence[Sequence[str]]) -> bool | None:
    """Return whether the first of some rows is one of them rather than the names of their columns; None if unclear.

    A row has numbers and dates where the others have them, or values that come again below it. Numbers that count up,
    such as years or those of pandas, are names.

    Examples
    --------
    >>> looks_like_a_row([["M", "0.45", "15"], ["F", "0.35", "7"], ["M", "0.5", "9"]])
    True
    >>> looks_like_a_row([["sex", "length", "rings"], ["F", "0.35", "7"], ["M", "0.5", "9"]])
    False
    >>> looks_like_a_row([["land", "2019", "2020"], ["at", "3", "4"], ["be", "5", "6"]])
    False
    """
    first, *rest = [[value.strip() for value in row] for row in rows]
    rest = [row for row in rest if len(row) == len(first)]
    if len(rest) < FEWEST_ROWS:
        return None
    numbers = [int(value) for value in first if value.isascii() and value.isdigit()]
    if len(numbers) > 1 and numbers == list(range(numbers[0], numbers[0] + len(numbers))):
        return False
    told = [_is_alike(value, [row[at] for row in rest]) for at, value in enumerate(first) if value not in _NOTHING]
    if False in told:
        return False
    return True if told and 2 * told.count(True) >= len(told) else None


def _is_alike(value: str, below: Sequence[str]) -> bool | None:
    known = [text for text in below if text not in _NOTHING]
    for kind in (_NUMBER, _DATE):
        if known and sum(kind.fullmatch(text) is not None for text in known) >= CONSISTENT * len(known):
            return kind.fullmatch(value) is not None
    return value in known or None


def titles(rows: Sequence[Sequence[str]]) -> int:
    """Return how many first rows are titles of a table, whose header stands below them.

    A title has one value, and the rows below all have more.

    Examples
    --------
    >>> titles([["Sales of May"], ["region", "sold"], ["north", "3"], ["south", "4"]])
    1
    >>> titles([["region", "sold"], ["north", "3"], ["south", ""]])
    0
    """
    filled = [sum(bool(value.strip()) for value in row) for row in rows]
    n = next((at for at, count in enumerate(filled) if count > 1), 0)
    rest = [len(row) for row in rows[n:]]
    is_table = len(rest) > FEWEST_ROWS and rest.count(rest[0]) >= CONSISTENT * len(rest)
    return n if n <= MOST_TITLES and is_table and filled[n] == max(filled) else 0
