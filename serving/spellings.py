"""What a value of each type may look like in JSON: for the document, for what is refused, and in words.

The service reads what batch scoring reads: beside these, numbers with an exponent where there are bounds, which no
expression can tell from what lies out of them.
"""

import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from evergreen.base.forms import EPOCHS, INSTANT, SPACE, SPACES, escaped, number, time, unnamed
from evergreen.config.contract.columns import Column
from evergreen.config.contract.spelling import NumberSpelling
from evergreen.data.validation.rules import bounds_text, severity_of
from serving.ranges import integer_text, number_text

Schema = dict[str, Any]
_LEAST, _MOST = -(2**63), 2**63 - 1  # of an integer
BIG = 2**1024 - 2**970 - 1  # the largest whole number that is read as a double; one more is read as infinite
_LEAP = "(?:1[789]|2[01])(?:0[48]|[2468][048]|[13579][26])|2000|22(?:0[48]|[24][048]|[135][26]|60)|16(?:8[048]|9[26])"
_YEAR = "(?:1679|16[89][0-9]|1[789][0-9]{2}|2[01][0-9]{2}|22[0-5][0-9]|2260)"
_CLOCK = (
    r"(?:(?:[01]?[0-9]|2[0-3]):[0-5][0-9](?::[0-5][0-9](?:\.[0-9]{1,18})?)?"
    r"|(?:[01][0-9]|2[0-3])(?:[0-5][0-9](?:[0-5][0-9](?:\.[0-9]{1,18})?)?)?)"
)
_OFFSET = "(?: ?(?:Z|UTC|GMT|[+-](?:[01][0-9]|2[0-3])(?::?[0-5][0-9])?))"


def _date(between: str) -> str:
    """Return the expression of days that are in the calendar, with `between` between their parts."""
    month_and_day = (
        f"(?:(?:0?[13578]|1[02]){between}(?:0?[1-9]|[12][0-9]|3[01])|(?:0?[469]|11){between}(?:0?[1-9]|[12][0-9]|30)"
        f"|0?2{between}(?:0?[1-9]|1[0-9]|2[0-8]))"
    )
    first, last = (f"(?!{month}{between}{day}(?![0-9]))" for month, day in (("0?1", "0?1"), ("12", "31")))
    return (
        f"(?:{_YEAR}{between}{month_and_day}|1678{between}{first}{month_and_day}|2261{between}{last}{month_and_day}"
        f"|(?:{_LEAP}){between}0?2{between}29)"
    )


_PACKED_DATE = _date("").replace("0?", "0")
_PACKED = rf"(?:[01][0-9]|2[0-3])(?:[0-5][0-9](?:[0-5][0-9](?:\.[0-9]{{1,18}})?)?)?{_OFFSET}?"
_DAYS = f"(?:{_date('-')}|{_date('/')})(?:[T ]{_CLOCK}{_OFFSET}?)?"
TIME = f"{SPACE}(?:{_DAYS}|{_PACKED_DATE}T{_PACKED}){SPACE}"


def shared(missing: Sequence[str]) -> dict[str, Schema]:
    """Return what every document refers to: times, and the words that stand for a value that is not there."""
    return {"Missing": {"description": "Words that stand for a value that is not there.", **_words(missing)}, **SHARED}


SHARED: Mapping[str, Schema] = {
    "Time": {
        "type": "string",
        "description": "ISO 8601, from 1678-01-02 to 2261-12-30; as in files, days may be written with slashes and "
        "parts without their zeros. Without an offset from UTC it is wall time in the time zone of the contract, and "
        "one that the clocks skip or repeat there is refused.",
        "pattern": f"^{TIME}$",
        "examples": ["2024-03-01T12:00:00Z"],
    },
}
NO_NUL = {"pattern": "^[^\\u0000]*$"}
# What ECMA's expressions and Python's read alike: no look-behind, names, classes of Unicode, or flags.
_ALIKE = re.compile(
    r"(?:[^\\(\[{]|\\[.*+?()\[\]{}|^$/\\-]|\\d|\((?:\?[:=!])?(?!\?)|\[\^?(?:[^\\\[\]]|\\[\\\]^.-]|\\d)+\]|\{\d+(?:,\d*)?\})*"
)


def is_text_alone(column: Column) -> bool:
    """Return whether numbers and truth values are not taken for their text: an expression could not tell which."""
    return column.type in ("category", "text") and column.pattern is not None and _refuses("DQ011", column)


def may_be_missing(column: Column) -> bool:
    """Return whether a row without the column's value is answered."""
    return column.nullable or not _refuses("DQ003", column)


def schema_of(column: Column) -> Schema:
    """Return the JSON Schema of a column's values: as JSON has them first, then what else is read as the same."""
    if column.type in ("category", "text"):
        return _text_schema(column)
    null = ["null"] if may_be_missing(column) else []
    kinds = {"number": "number", "integer": "integer", "boolean": "boolean", "timestamp": "null"}
    first: Schema = {"type": [kinds[column.type], *null] if null else kinds[column.type], **_bounds(column)}
    text: Schema = {"type": "string", "pattern": f"^(?:{_spelled(column)})$"}
    if column.type == "timestamp" and isinstance(column.spelling, str):
        forms: list[Schema] = [{**text, "description": f"{allowed(column)}; ISO 8601 with an offset from UTC"}]
        forms += [{"type": "integer"}] if column.spelling in EPOCHS else []
        forms += [{"type": "null"}] if null else []
    elif column.type == "timestamp":
        forms = [{"$ref": "#/components/schemas/Time"}, *([{"type": "null"}] if null else [])]
    else:
        forms = [first, text]
    if isinstance(column.spelling, NumberSpelling):
        text["description"] = allowed(column)
    if column.type == "boolean" and (numbers := _truth_numbers(column)):
        forms.insert(1, {"enum": numbers})
    if null:
        forms.append({"$ref": "#/components/schemas/Missing"})
        forms += [_words(column.missing)] if column.missing else []
    return forms[0] if len(forms) == 1 else {"anyOf": forms}


def allowed(column: Column) -> str:
    """Return in words what a column may hold."""
    words = {
        "number": "a number",
        "integer": "a whole number",
        "boolean": "true or false",
        "timestamp": "a time in ISO 8601, such as 2024-03-01T12:00:00Z",
        "category": "a text",
        "text": "a text",
    }[column.type]
    if isinstance(column.spelling, tuple):
        words = " or ".join(reversed(column.spelling))
    elif isinstance(column.spelling, NumberSpelling):
        words += f", as a text like {column.spelling.of('12.5' if column.type == 'number' else '12')}"
    elif column.spelling is not None:
        words = f"a time as {column.spelling}"
    elif column.parts:
        words += f", or told by {', '.join(column.parts)}"
    if (column.min is not None or column.max is not None) and _refuses("DQ004", column):
        words += f" {bounds_text(column)}"
    if column.categories is not None and _refuses("DQ005", column):
        words = f"one of {', '.join(column.categories[:20])}{', …' if len(column.categories) > 20 else ''}"
    if is_text_alone(column):
        words += f", all of the pattern {column.pattern}"
    return f"{words}, or null" if may_be_missing(column) else words


def _refuses(code: str, column: Column) -> bool:
    return severity_of(code, column) == "fail"


def _limits(column: Column) -> tuple[float | None, float | None]:
    return (column.min, column.max) if _refuses("DQ004", column) else (None, None)


def _bounds(column: Column) -> Schema:
    low, high = _limits(column)
    if column.type == "integer":
        return {"minimum": _tidy(_LEAST, low, max), "maximum": _tidy(_MOST, high, min)}
    if column.type == "number":
        return {"minimum": _tidy(-BIG, low, max), "maximum": _tidy(BIG, high, min)}
    return {}


def _tidy(widest: float, bound: float | None, inner: Any) -> float:
    value = widest if bound is None else inner(widest, bound)
    return int(value) if abs(value) < 2**53 and value == int(value) else value


def _spelled(column: Column) -> str | None:
    """Return the expression of the texts that are read as a value, none of them a missing one; None for any text."""
    if column.type in ("category", "text"):
        return None
    if isinstance(column.spelling, NumberSpelling):
        return unnamed(number(**column.spelling.model_dump()))
    if isinstance(column.spelling, str):
        return f"{unnamed(time(column.spelling))}|{INSTANT}"
    if column.type == "timestamp":
        return TIME
    if column.type == "number":
        return f"{SPACE}(?:{number_text(*_limits(column))}){SPACE}"
    if column.type == "integer":
        return f"{SPACE}(?:{integer_text(*_limits(column))}){SPACE}"
    if column.spelling:
        return f"{SPACE}(?:{'|'.join(escaped(word) for word in column.spelling)}){SPACE}"
    return rf"{SPACE}(?:[Tt][Rr][Uu][Ee]|[Ff][Aa][Ll][Ss][Ee]|[01](?:\.0)?){SPACE}"


def _words(words: Sequence[str]) -> Schema:
    known = "|".join(dict.fromkeys(escaped(word.strip()) for word in words))
    return {"type": "string", "pattern": f"^{SPACE}(?:{known}){SPACE}$"}


def _truth_numbers(column: Column) -> list[float]:
    words = column.spelling if isinstance(column.spelling, tuple) else ("0", "1")
    return [number for word in words for number in _numbers_of(word)]


def _numbers_of(word: str) -> list[float]:
    """Return the JSON number whose text is a word, if there is one."""
    with suppress(ValueError):
        if re.fullmatch(r"-?(0|[1-9]\d{0,14})", word) and word != "-0":
            return [int(word)]
        if re.fullmatch(r"-?(0|[1-9]\d{0,7})\.\d{0,6}[1-9]", word):
            return [float(word)]
    return []


def _text_schema(column: Column) -> Schema:
    missing, absent = may_be_missing(column), _words(column.missing)
    if column.categories is not None and _refuses("DQ005", column) and not is_text_alone(column):
        other = [number for word in column.categories for number in _numbers_of(word)]
        truths = [word == "true" for word in column.categories if word in ("true", "false")]
        known: Schema = {"enum": [*column.categories, *other, *truths, *([None] if missing else [])]}
        return {"anyOf": [known, absent]} if missing and column.missing else known
    if is_text_alone(column):
        known = {"enum": list(column.categories)} if column.categories and _refuses("DQ005", column) else {}
        text = {"type": "string", **known, **_pattern_schema(column)}
        return {"anyOf": [text, {"type": "null"}, *([absent] if column.missing else [])]} if missing else text
    kinds = ["string", "number", "boolean", *(["null"] if missing else [])]
    if missing:
        return {"type": kinds, **NO_NUL}
    there = {"pattern": f"^[^\\u0000]*[^\\u0000{SPACES}][^\\u0000]*$"}
    return {"type": kinds, **there, **({"not": absent} if column.missing else {})}


def _pattern_schema(column: Column) -> Schema:
    pattern = column.pattern or ""
    if _ALIKE.fullmatch(pattern):
        return {"allOf": [{"pattern": f"^(?:{pattern.replace(chr(92) + 'd', '[0-9]')})$"}, NO_NUL]}
    return {**NO_NUL, "description": f"all of it matches Python's expression {pattern}"}
