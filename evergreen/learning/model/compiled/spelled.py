"""Single values as a contract spells them, brought to the usual forms: what `evergreen.data.typed` does to columns."""

import re
from collections.abc import Callable, Collection, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import msgspec

from evergreen.base import forms
from evergreen.learning.model.compiled.plan import NumberForm, PlanColumn

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
Spell = Callable[[str], Any]
TRUE, FALSE = ("true", "1", "1.0"), ("false", "0", "0.0")
_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")
_INSTANT = re.compile(forms.INSTANT)
_ISO = tuple(re.compile(expression) for expression in forms.ISO)
_DAY = re.compile(forms.DAY)
_CLOCK = re.compile(forms.CLOCK)
_WHOLE = re.compile(forms.WHOLE)
_MONTH = re.compile(forms.MONTH)


class NotSpelled(Exception):  # noqa: N818  an outcome
    """A value that is not spelled as those of its column are."""


def marked(column: PlanColumn, missing: Collection[str], known: Collection[str] = ()) -> PlanColumn:
    """Return a column that takes words of the whole table for a missing value too, but none that is a category.

    Parameters
    ----------
    known : categories beside those that the column names.
    """
    words = [word for word in missing if word not in (column.categories or ()) and word not in known]
    parts = tuple(marked(part, missing) for part in column.parts or ())
    return msgspec.structs.replace(
        column,
        missing=tuple(dict.fromkeys((*(column.missing or ()), *words))) or msgspec.UNSET,
        parts=parts or msgspec.UNSET,
    )


def is_spelled(column: PlanColumn) -> bool:
    """Return whether a column's values are not all spelled in the usual way."""
    return isinstance(column.spelling, (NumberForm, str)) or bool(column.parts)


def usual(column: PlanColumn, *, texts: bool) -> Callable[[Any], Any] | None:
    """Return what makes of a value that came as JSON the one in the usual form that is read as the same.

    What stands for a missing value becomes None; of a time with parts a value is the tuple of theirs. None is returned
    where there is nothing to do.

    Parameters
    ----------
    texts : whether numbers, truth values and times are made of texts; those that are none raise NotSpelled. Where not,
        texts of such columns are left as they are.
    """
    own = column.missing or ()
    words = frozenset(word.strip() for word in own)
    if column.type in ("category", "text"):
        return lambda value: None if _is_absent(value, words) else value
    spell, plainly = _spell(column), _spell_plainly(column)
    alike = frozenset(
        value for word in own for read in (spell, plainly) if (value := _or_none(read, word)) is not None
    ) if column.type != "boolean" else frozenset()  # fmt: skip
    reads_numbers = column.type == "timestamp" and column.spelling is not None
    if not texts:
        if column.type == "boolean" or not alike:
            return None
        return lambda value: None if type(value) in (int, float) and value in alike else value

    def read(value: Any) -> Any:
        if type(value) is tuple:
            return _together(value, column)
        if value is None or (type(value) is not str and _as_text(value) in words):
            return None
        if type(value) is str or (reads_numbers and type(value) in (int, float)):
            text = _as_text(value)
            value = None if text.strip() in words else spell(text)
        return None if type(value) is not bool and value in alike else value

    return read


def _is_absent(value: Any, words: Collection[str]) -> bool:
    """Return whether a value of a text stands for none, or is nothing but spaces."""
    if type(value) is not str:
        return value is None or (bool(words) and _as_text(value) in words)
    if value[:1].isspace() or value[-1:].isspace():
        value = value.strip()
        return not value or value in words
    return value in words


def _spell(column: PlanColumn) -> Spell:
    spelling = column.spelling
    if column.type in ("number", "integer") and isinstance(spelling, NumberForm):
        form = {name: getattr(spelling, name) for name in spelling.__struct_fields__}
        matches = re.compile(forms.number(**form)).fullmatch
        read_number = _spell_plainly(column)

        def number(text: str) -> Any:
            found = _matched(matches, text)
            return read_number(forms.standard_number(found, decimal=form["decimal"], thousands=form["thousands"]))

        return number
    if column.type == "timestamp" and isinstance(spelling, str):
        return _time(spelling)
    return _spell_plainly(column)


def _spell_plainly(column: PlanColumn) -> Spell:
    if column.type == "number":
        return lambda text: float(_number(text))
    if column.type == "integer":
        return _integer
    if column.type == "boolean":
        false, true = (FALSE, TRUE) if not isinstance(column.spelling, tuple) else ((w,) for w in column.spelling)
        fold = str.lower if column.spelling is None else str

        def truth(text: str) -> bool:
            word = fold(text.strip())
            if word not in true and word not in false:
                raise NotSpelled
            return word in true

        return truth
    return _iso if column.type == "timestamp" else str


def _number(text: str) -> str:
    text = text.strip()
    if _NUMBER.fullmatch(text) is None:
        raise NotSpelled
    return text


def _integer(text: str) -> int:
    try:
        number = Decimal(_number(text))
    except ArithmeticError:
        raise NotSpelled from None
    if number and (not 0 <= number.adjusted() <= 18 or number != number.to_integral_value()):
        raise NotSpelled
    return int(number)


def _time(spelling: str) -> Spell:
    matches = re.compile(forms.time(spelling)).fullmatch

    def time(text: str) -> str:
        match = matches(text)
        if match is None and _INSTANT.fullmatch(text):
            return _iso(text)
        found = _named(match)
        if "count" in found:
            return _from_epoch(found["count"] or "", forms.EPOCHS[spelling])
        return _whole(forms.standard_time(found))

    return time


def _from_epoch(count: str, digits: int) -> str:
    whole, _, fraction = count.partition(".")
    if fraction.strip("0") and count.startswith("-"):
        raise NotSpelled
    micro = int(whole) * 10**6 // 10**digits
    if digits < 6:
        micro += int(fraction.ljust(6 - digits, "0")[: 6 - digits] or 0)
    try:
        moment = EPOCH + timedelta(microseconds=micro)
    except OverflowError:
        raise NotSpelled from None
    return f"{moment:%Y-%m-%dT%H:%M:%S.%f}Z" if moment.year >= 1000 else _never()


def _iso(text: str) -> str:
    text = text.strip()
    found = next((match for expression in _ISO if (match := expression.fullmatch(text))), None)
    if found is None:
        raise NotSpelled
    return _whole(forms.standard_time(found.groupdict()))


def _whole(text: str) -> str:
    """Return a time in ISO 8601 as what is read quickly has it: a time of day, and no fraction or six digits of it."""
    if len(text) == len("2024-01-05"):
        return f"{text}T00:00:00"
    before, point, after = text.partition(".")
    digits = re.match("[0-9]*", after)
    n = digits.end() if digits else 0
    return f"{before}.{after[:n].ljust(6, '0')}{after[n:]}" if point else text


def _together(values: Sequence[Any], column: PlanColumn) -> str | None:
    parts = column.parts or ()
    texts = [None if value is None else _as_text(value) for value in values]
    for text, part in zip(texts, parts, strict=True):
        if text is None or text.strip() in {word.strip() for word in part.missing or ()}:
            return None
    told = {"month": 1, "day": 1, "hour": 0, "minute": 0, "second": 0}
    for text, part, name in zip(texts, parts, forms.parts_of([part.type for part in parts]), strict=True):
        told |= _told(_standard(text or "", part).strip(), name)
    for counted, (low, high) in forms.RANGES.items():
        if not low <= told[counted] <= high:
            raise NotSpelled
    return (
        f"{told['year']}-{told['month']:02}-{told['day']:02}T{told['hour']:02}:{told['minute']:02}:{told['second']:02}"
    )


def _standard(text: str, part: PlanColumn) -> str:
    spelling = part.spelling
    if isinstance(spelling, NumberForm):
        form = {name: getattr(spelling, name) for name in spelling.__struct_fields__}
        found = _matched(re.compile(forms.number(**form)).fullmatch, text)
        return forms.standard_number(found, decimal=spelling.decimal, thousands=spelling.thousands)
    return _time(spelling)(text) if isinstance(spelling, str) else text


def _told(text: str, part: str) -> dict[str, int]:
    if part == "date":
        found = _matched(_DAY.fullmatch, text)
        return {name: int(number or 0) for name, number in found.items()}
    if part == "time of day":
        found = _matched(_CLOCK.fullmatch, text)
        half = (found.pop("p") or "")[:1].lower()
        told = {name: int(number or 0) for name, number in found.items()}
        if half and not 1 <= told["hour"] <= 12:
            raise NotSpelled
        return told | {"hour": told["hour"] % 12 + 12 * (half == "p")} if half else told
    if part == "month" and _MONTH.fullmatch(text):
        return {part: forms.MONTHS.index(text[:3].lower()) + 1}
    return {part: int(_matched(_WHOLE.fullmatch, text)["number"] or 0)}


def _matched(matches: Callable[[str], re.Match[str] | None], text: str) -> dict[str, str | None]:
    return _named(matches(text))


def _named(found: re.Match[str] | None) -> dict[str, str | None]:
    if found is None:
        raise NotSpelled
    return found.groupdict()


def _as_text(value: Any) -> str:
    if type(value) is bool:
        return "true" if value else "false"
    if type(value) is float:
        return str(int(value)) if value.is_integer() and abs(value) <= 2**53 else repr(value)
    return str(value)


def _or_none(read: Spell, word: str) -> Any:
    try:
        return read(word)
    except (NotSpelled, ValueError, OverflowError):
        return None


def _never() -> str:
    raise NotSpelled
