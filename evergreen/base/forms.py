"""How texts spell numbers and times: expressions that RE2, Python and, without names, ECMA read alike.

Every door reads by them: columns of a file at once, and single values where there is no Arrow.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Literal

SPACES = "\t-\r\x1c-\x1f \x85\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"  # of a class; as str.isspace
MINUS, APOSTROPHE = "\u2212\u2013", "\u2019"  # as typographers write them; of a class
SPACE = f"[{SPACES}]*"
EPOCHS: Mapping[str, int] = {  # to digits of a second
    "epoch seconds": 0, "epoch milliseconds": 3, "epoch microseconds": 6, "epoch nanoseconds": 9,
}  # fmt: skip
RFC_2822 = "rfc 2822"
ZONES: Mapping[str, str] = {
    "GMT": "Z", "UTC": "Z", "UT": "Z", "Z": "Z", "EST": "-05:00", "EDT": "-04:00", "CST": "-06:00", "CDT": "-05:00",
    "MST": "-07:00", "MDT": "-06:00", "PST": "-08:00", "PDT": "-07:00",
}  # fmt: skip


def _any_case(text: str) -> str:
    return re.sub("[a-z]", lambda one: f"[{one[0].upper()}{one[0]}]", text)


MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_REST_OF_MONTH = ("uary", "ruary", "ch", "il", "", "e", "y", "ust", "t(?:ember)?", "ober", "ember", "ember")
_REST_OF_DAY = {"mon": "", "tue": "s", "wed": "nes", "thu": "rs", "fri": "", "sat": "ur", "sun": ""}
MONTH = "|".join(_any_case(f"{m}(?:{rest})?") for m, rest in zip(MONTHS, _REST_OF_MONTH, strict=True))
WEEKDAY = f"(?:{'|'.join(_any_case(f'{day}(?:{rest}day)?') for day, rest in _REST_OF_DAY.items())})"
_OFFSET = "[+-](?:[01][0-9]|2[0-3]):?[0-5][0-9]"
# A whole instant, as JSON has it, is read whatever else a column's spelling is.
INSTANT = r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]+)?(?:Z|[+-][0-9]{2}:[0-9]{2})"
_CLOCKS = (
    r"(?P<H>[01]?[0-9]|2[0-3]):(?P<M>[0-5][0-9])(?::(?P<S>[0-5][0-9])(?:\.(?P<f>[0-9]+))?)?",
    r"(?P<H>[01][0-9]|2[0-3])(?:(?P<M>[0-5][0-9])(?:(?P<S>[0-5][0-9])(?:\.(?P<f>[0-9]+))?)?)?",
)
_ISO_OFFSET = "(?: ?(?P<z>Z|UTC|GMT|[+-](?:[01][0-9]|2[0-3])(?::?[0-5][0-9])?))?"
# ISO 8601 with a whole date, as it is read without a spelling.
ISO = (
    *(
        rf"(?P<Y>[0-9]{{4}}){between}(?P<m>[0-9]{{1,2}}){between}(?P<d>[0-9]{{1,2}})(?:[T ]{clock}{_ISO_OFFSET})?"
        for between in "-/"
        for clock in _CLOCKS
    ),
    rf"(?P<Y>[0-9]{{4}})(?P<m>[0-9]{{2}})(?P<d>[0-9]{{2}})T{_CLOCKS[1]}{_ISO_OFFSET}",
)
HALF = f"[AaPp]\\.?[{SPACES}]?[Mm]\\.?"  # PM, p.m., and p. m. as it is in Spanish
# What columns tell that together are a time.
DAY = r"(?P<year>[0-9]{4})[-/](?P<month>[0-9]{1,2})[-/](?P<day>[0-9]{1,2})(?:[T ]0?0:00(?::00(?:\.0+)?)?)?"
CLOCK = (
    r"(?P<hour>[0-9]{1,2})(?:[:.h](?P<minute>[0-9]{2})(?:[:.](?P<second>[0-9]{2})(?:\.0+)?)?)?"
    rf"(?:[{SPACES}]?(?P<p>{HALF}))?"
)
WHOLE = r"0*(?P<number>[0-9]{1,4})(?:\.0*)?"
RANGES: Mapping[str, tuple[int, int]] = {
    "year": (1678, 2261), "month": (1, 12), "day": (1, 31), "hour": (0, 23), "minute": (0, 59), "second": (0, 59),
}  # fmt: skip
Part = Literal["date", "time of day", "year", "month", "day", "hour", "minute", "second"]
_OF_DAY: tuple[Part, ...] = ("hour", "minute", "second")
_OF_TIME: tuple[Part, ...] = ("year", "month", "day", *_OF_DAY)
DIRECTIVES = "aAbBdfHImMpSyYzZ%"
_TOKEN = re.compile("%(.?)|([^%]+)", re.DOTALL)
_ONE_OR_TWO = {
    "m": ("0?[1-9]", "1[0-2]"), "d": ("0?[1-9]", "[12][0-9]", "3[01]"), "H": ("[01]?[0-9]", "2[0-3]"),
    "I": ("0?[1-9]", "1[0-2]"), "M": ("[0-5]?[0-9]",), "S": ("[0-5]?[0-9]",),
}  # fmt: skip
_DIGITS = {*_ONE_OR_TWO, "Y", "y", "f"}
_SAYS = {"y": "Y", "b": "m", "B": "m", "I": "H", "A": "a", "Z": "z"}  # of the same part of a time


def parts_of(types: Sequence[str]) -> tuple[Part, ...]:
    """Return what columns of these types, in their order, say of a time; empty where they cannot be one.

    A timestamp is a date; a text or category after it is a time of day, numbers are hour, minute and second. Without a
    date they are year, month, day, hour, minute and second, as far as they go; a month may be a name.

    Examples
    --------
    >>> parts_of(["timestamp", "integer"]), parts_of(["timestamp", "text"])
    (('date', 'hour'), ('date', 'time of day'))
    >>> parts_of(["integer", "category", "integer"])
    ('year', 'month', 'day')
    """
    if any(kind not in ("number", "integer", "category", "text") for kind in types[1:]) or len(types) < 2:
        return ()
    if types[0] == "timestamp":
        if types[1] in ("category", "text"):
            return ("date", "time of day") if len(types) == 2 else ()
        return ("date", *_OF_DAY[: len(types) - 1]) if len(types) <= 4 else ()
    return _OF_TIME[: len(types)] if types[0] != "boolean" and len(types) <= 6 else ()


def escaped(text: str) -> str:
    """Return a text as an expression of itself."""
    return re.sub(r"[\\^$.*+?()\[\]{}|/]", r"\\\g<0>", text)


def unnamed(expression: str) -> str:
    """Return an expression without names, as ECMA writes it."""
    return re.sub(r"\?P<\w+>", "?:", expression)


def number(*, decimal: str, thousands: str, before: str, after: str, parentheses: bool) -> str:
    """Return the expression of numbers; its groups are what `standard_number` takes."""
    point, group = escaped(decimal), group_class(thousands)
    digits = f"(?:[0-9]+(?:{point}[0-9]*)?|{point}[0-9]+)(?:[eE][+-]?[0-9]+)?"
    if group:
        digits = f"(?:[0-9]{{1,3}}(?:{group}[0-9]{{3}})+(?:{point}[0-9]*)?|{digits})"
    first, last = escaped(before) + SPACE if before else "", SPACE + escaped(after) if after else ""
    sign = f"[+{MINUS}-]"
    signed = f"(?P<sign>{sign}?){SPACE}"
    if first:
        signed = f"(?:(?P<sign>{sign}){SPACE}{first}|{first}(?P<inner>{sign}?){SPACE})"
    forms = [f"{signed}(?P<digits>{digits}){last}"]
    if parentheses:
        forms.append(rf"\({SPACE}{first}(?P<less>{digits}){last}{SPACE}\)")
        if first or last:
            forms.append(rf"{first}\({SPACE}(?P<lesser>{digits}){SPACE}\){last}")
    return f"{SPACE}(?:{'|'.join(forms)}){SPACE}"


def group_class(thousands: str) -> str:
    """Return the expression of what stands between groups of digits; empty where nothing does."""
    return {"": "", " ": f"[{SPACES}]", "'": f"['{APOSTROPHE}]"}.get(thousands, escaped(thousands))


def time(spelling: str) -> str:
    """Return the expression of the times of a spelling that `time_fault` has nothing against.

    Its groups have the names of the directives; `b` stands for %B too, and `z` for %Z.
    """
    if spelling in EPOCHS:
        return f"{SPACE}(?P<count>[+-]?(?:[0-8]?[0-9]{{1,18}}|9[01][0-9]{{17}})(?:\\.[0-9]+)?){SPACE}"
    if spelling == RFC_2822:
        return (
            f"{SPACE}(?:{WEEKDAY},? *)?(?P<d>[0-3]?[0-9]) +(?P<b>{MONTH}) +(?P<Y>[0-9]{{4}}) +"
            f"(?P<H>[0-2][0-9]):(?P<M>[0-5][0-9])(?::(?P<S>[0-5][0-9]))? *(?P<z>{_OFFSET}|{'|'.join(ZONES)})"
            rf"(?: *\([A-Za-z ]+\))?{SPACE}"
        )
    tokens = [(letter, text) for letter, text in _TOKEN.findall(spelling)]
    written = []
    for at, (letter, text) in enumerate(tokens):
        beside = {tokens[other][0] for other in (at - 1, at + 1) if 0 <= other < len(tokens)}
        written.append(_directive(letter, is_packed=bool(beside & _DIGITS)) if letter else _literal(text))
    return f"{SPACE}{''.join(written)}{SPACE}"


def time_fault(spelling: str) -> str:
    """Return why no times are spelled so, empty where they are: a word for epochs or mails, or a format of strptime."""
    if spelling in EPOCHS or spelling == RFC_2822:
        return ""
    used = [letter for letter, text in _TOKEN.findall(spelling) if not text]
    if unknown := [letter for letter in used if not letter or letter not in DIRECTIVES]:
        return f"%{unknown[0]} is not read; known are {' '.join(f'%{letter}' for letter in DIRECTIVES)}"
    parts = [_SAYS.get(letter, letter) for letter in used if letter != "%"]
    if twice := sorted({letter for letter in parts if parts.count(letter) > 1}):
        return f"it has two places for what %{twice[0]} says"
    if "Y" not in parts:
        return f"it has no year; or write one of {', '.join((*EPOCHS, RFC_2822))}"
    if ("I" in used) != ("p" in used):
        return "%I and %p need each other"
    order = [letter for letter in "YmdHMSf" if letter in parts]
    if order != list("YmdHMSf")[: len(order)]:
        return f"it has %{order[-1]} without what is larger than it"
    return "it has an offset without a time of day" if "z" in parts and "H" not in parts else ""


def standard_number(found: Mapping[str, str | None], *, decimal: str, thousands: str) -> str:
    """Return the groups of `number` as the usual spelling: -1234.5."""
    less = found.get("less") or found.get("lesser")
    sign = "-" if less or {found.get("sign"), found.get("inner")} & {"-", *MINUS} else ""
    digits = less or found.get("digits") or ""
    digits = re.sub(group_class(thousands), "", digits) if thousands else digits
    return sign + digits.replace(decimal, ".")


def standard_time(found: Mapping[str, str | None]) -> str:
    """Return the groups of `time`, of a format, in ISO 8601."""
    year = found.get("Y") or f"{19 if int(found['y'] or 0) >= 69 else 20}{found['y']}"
    name, month = found.get("b"), found.get("m") or "1"
    number = MONTHS.index(name[:3].lower()) + 1 if name else int(month)
    day = f"{year}-{number:02}-{int(found.get('d') or 1):02}"
    hour = found.get("H") or found.get("I")
    if hour is None:
        return day
    late = (found.get("p") or "").lower()[:1]
    hours = int(hour) % 12 + 12 * (late == "p") if late else int(hour)
    fraction = f".{found['f'][:6]}" if found.get("f") else ""  # type: ignore[index]
    clock = f"{hours:02}:{int(found.get('M') or 0):02}:{int(found.get('S') or 0):02}{fraction}"
    return f"{day}T{clock}{standard_offset(found.get('z') or '')}"


def standard_offset(text: str) -> str:
    """Return a group `z` of `time` as ISO 8601 has it."""
    return ZONES.get(text) or re.sub(r"^([+-][0-9]{2}):?([0-9]{2})?$", lambda one: f"{one[1]}:{one[2] or '00'}", text)


def _directive(letter: str, *, is_packed: bool) -> str:
    if letter in _ONE_OR_TWO:
        forms = "|".join(_ONE_OR_TWO[letter])
        return f"(?P<{letter}>{forms.replace('?', '') if is_packed else forms})"
    return {
        "Y": "(?P<Y>[0-9]{4})", "y": "(?P<y>[0-9]{2})", "f": "(?P<f>[0-9]{1,9})",
        "b": f"(?P<b>{MONTH})", "B": f"(?P<b>{MONTH})", "a": WEEKDAY, "A": WEEKDAY,
        "p": f"(?P<p>{HALF})", "z": f"(?P<z>{_OFFSET}|Z)", "Z": "(?P<z>UTC|GMT|UT|Z)", "%": "%",
    }[letter]  # fmt: skip


def _literal(text: str) -> str:
    return re.sub(f"[{SPACES}]+", f"[{SPACES}]+", escaped(text))
