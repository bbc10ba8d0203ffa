"""How a source spells the values of a column where it does not do so in the usual way."""

import re
from collections.abc import Sequence
from typing import Literal, Self

from pydantic import model_validator

from evergreen.base.forms import MINUS
from evergreen.config.section import Section

Part = Literal["date", "time of day", "year", "month", "day", "hour", "minute", "second"]
_OF_DAY: tuple[Part, ...] = ("hour", "minute", "second")
_OF_TIME: tuple[Part, ...] = ("year", "month", "day", *_OF_DAY)


class NumberSpelling(Section):
    """How a number is written: `1.234,50 €` is decimal `,`, thousands `.`, after `€`.

    `thousands`: what stands between groups of three digits; `" "` for every kind of space, `"'"` for the typographic
    one too. `before` and `after`: what every value begins and ends with, such as a currency, a unit or `%`, which is
    never divided by a hundred: `12.5 %` is 12.5. `parentheses`: `(123)` is -123.
    """

    decimal: Literal[".", ","] = "."
    thousands: Literal["", ",", ".", " ", "'"] = ""
    before: str = ""
    after: str = ""
    parentheses: bool = False

    @model_validator(mode="after")
    def _is_unambiguous(self) -> Self:
        if self.decimal == self.thousands:
            raise ValueError(f"'{self.decimal}' cannot stand both before decimals and between thousands")
        for text in (self.before, self.after):
            if text != text.strip():
                raise ValueError(f"'{text}' begins or ends with a space; spaces beside a number need not be told")
        if re.search(rf"[\d+{MINUS}(-]$", self.before) or re.search(r"^[\d,.)]", self.after):
            raise ValueError("what stands beside a number cannot be taken for a part of it")
        return self


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
