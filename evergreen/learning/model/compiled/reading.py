"""Rows as they come in JSON: the usual forms of each type are read here, in as little time as there is.

Every other form, and every value that breaks a rule, is `Unusual`: somebody else reads the row, by `validation.check`.
"""

import re
import sys
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from evergreen.learning.model.compiled.calendars import DAY, EPOCH, MICROSECONDS
from evergreen.learning.model.compiled.plan import PlanColumn
from evergreen.learning.model.compiled.spelled import NotSpelled, is_spelled, usual

EXACT = 2**53  # beyond it a float64 cannot tell neighbouring integers apart
LEAST, MOST = -(2**63), 2**63
EARLIEST = (datetime(1678, 1, 1).toordinal() - EPOCH.toordinal()) * DAY
LATEST = (datetime(2262, 1, 1).toordinal() - EPOCH.toordinal()) * DAY
# Of 2013-01-01T05:00:00, with three or six digits behind it, or none, then with nothing, Z or +00:00.
LENGTHS = frozenset({19, 20, 25, 23, 24, 29, 26, 27, 32})

ReadOne = Callable[[Any], Any]


class Unusual(Exception):  # noqa: N818  not an error: somebody else reads the row
    """The value at a position is not in one of the usual forms, or breaks a rule."""

    def __init__(self, position: int) -> None:
        super().__init__(position)
        self.position = position


class _Other(Exception):  # noqa: N818
    pass


class Reader:
    """What reads rows of raw JSON scalars; whatever it takes, `validation.check` reads as the same values.

    Parameters
    ----------
    zone : IANA name; a time without an offset from UTC is wall time in it.
    texts : whether every column is read from what texts spell too, as in files, for whom nobody else reads.
    """

    def __init__(self, columns: Sequence[PlanColumn], *, zone: str, texts: bool = False) -> None:
        self._readers = [_spelled(column, ZoneInfo(zone), texts=texts) for column in columns]

    def read(self, raw: Sequence[object], into: list[Any]) -> None:
        """Append the typed values of a row, in the order of the columns, to `into`.

        Typed are: a number as float, an integer as int, a category or text as str, a truth value as bool, a timestamp
        as microseconds since 1970 in UTC; and None for what is missing.

        Raises
        ------
        Unusual if a value is to be read by somebody else; `into` holds those before it then.
        """
        begin = len(into)
        try:
            for read, value in zip(self._readers, raw, strict=True):
                into.append(read(value))
        except _Other:
            raise Unusual(len(into) - begin) from None


def _spelled(column: PlanColumn, zone: ZoneInfo, *, texts: bool) -> ReadOne:
    """Return what reads the values of a column as its contract spells them."""
    read, known = _reader(column, zone), usual(column, texts=texts or is_spelled(column))
    if known is None:
        return read

    def respelled(value: Any) -> Any:
        try:
            value = known(value)
        except (NotSpelled, ValueError, OverflowError):
            raise _Other from None
        return read(value)

    return respelled


def _reader(column: PlanColumn, zone: ZoneInfo) -> ReadOne:
    if column.type == "number":
        return _number(column)
    if column.type == "integer":
        return _integer(column)
    if column.type == "boolean":
        return _boolean(column)
    return _timestamp(column, zone) if column.type == "timestamp" else _text(column)


def _takes_none(column: PlanColumn) -> bool:
    return column.nullable or "DQ003" not in column.refuses


def _bounds(column: PlanColumn) -> tuple[float, float]:
    """Return the bounds that refuse a row, which no infinite number and no NaN lies between."""
    refuses = "DQ004" in column.refuses
    low = column.min if refuses and column.min is not None else -sys.float_info.max
    return low, column.max if refuses and column.max is not None else sys.float_info.max


def _number(column: PlanColumn) -> ReadOne:
    (low, high), takes_none = _bounds(column), _takes_none(column)

    def read(value: Any) -> float | None:
        if type(value) is float:
            if low <= value <= high:
                return value
        elif type(value) is int:
            if low <= value <= high and -EXACT <= value <= EXACT:
                return float(value)
        elif value is None and takes_none:
            return None
        raise _Other

    return read


def _integer(column: PlanColumn) -> ReadOne:
    (low, high), takes_none = _bounds(column), _takes_none(column)

    def read(value: Any) -> int | None:
        if type(value) is int:
            if low <= value <= high and LEAST <= value < MOST:
                return value
        elif type(value) is float:
            if low <= value <= high and -EXACT <= value <= EXACT and value.is_integer():
                return int(value)
        elif value is None and takes_none:
            return None
        raise _Other

    return read


def _boolean(column: PlanColumn) -> ReadOne:
    takes_none = _takes_none(column)
    false, true = column.spelling if isinstance(column.spelling, tuple) else ("false", "true")
    spelled = {false: False, true: True} if false.isalnum() and true.isalnum() else {}

    def read(value: Any) -> bool | None:
        if value is True or value is False:
            return value
        if value is None:
            if takes_none:
                return None
        elif type(value) is str and value in spelled:
            return spelled[value]
        raise _Other

    return read


def _text(column: PlanColumn) -> ReadOne:
    takes_none = _takes_none(column)
    known = frozenset(column.categories) if column.categories is not None and "DQ005" in column.refuses else None
    matches = re.compile(column.pattern).fullmatch if column.pattern and "DQ011" in column.refuses else None

    def read(value: Any) -> str | None:
        if type(value) is int:
            value = str(value) if LEAST <= value < MOST else None
        elif value is None and takes_none:
            return None
        if type(value) is not str or (known is not None and value not in known):
            raise _Other
        if (matches is not None and not matches(value)) or "\0" in value or not (value.isascii() or _is_utf8(value)):
            raise _Other
        return value

    return read


def _is_utf8(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:  # half a surrogate pair
        return False
    return True


def _timestamp(column: PlanColumn, zone: ZoneInfo) -> ReadOne:
    takes_none = _takes_none(column)

    def read(value: Any) -> int | None:
        if value is None and takes_none:
            return None
        if type(value) is not str or len(value) not in LENGTHS or not _is_plain(value):
            raise _Other
        try:
            moment = datetime.fromisoformat(value)
            since = (moment if moment.tzinfo else _localized(moment, zone)) - EPOCH
        except (ValueError, OverflowError):
            raise _Other from None
        instant = since.days * DAY + since.seconds * MICROSECONDS + since.microseconds
        if not EARLIEST <= instant < LATEST:
            raise _Other
        return instant

    return read


def _is_plain(text: str) -> bool:
    """Return whether a text is written as a whole date and time, of the many forms that Python's parser takes."""
    if text[4] != "-" or text[7] != "-" or text[10] not in "T " or text[13] != ":" or text[16] != ":":
        return False
    end = text[19:]
    if end[:1] == ".":
        n_digits = 6 if len(end) in (7, 8, 13) else 3
        if not end[1 : n_digits + 1].isdigit():
            return False
        end = end[n_digits + 1 :]
    return end in ("", "Z") or (len(end) == 6 and end[0] in "+-" and end[3] == ":" and end[4] < "6")


def _localized(wall: datetime, zone: ZoneInfo) -> datetime:
    """Return the instant of a wall time; raises ValueError for one that the clocks skip or repeat."""
    local = wall.replace(tzinfo=zone)
    if local.utcoffset() != local.replace(fold=1).utcoffset():
        raise ValueError("skipped or repeated")
    return local
