"""How a source spells the values of a column where it does not do so in the usual way."""

import re
from typing import Literal, Self

from pydantic import model_validator

from evergreen.base.forms import MINUS
from evergreen.config.section import Section


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

    def of(self, number: str) -> str:
        """Return a number in the usual spelling in this one, with nothing between thousands, where nothing need be."""
        return f"{self.before}{number.replace('.', self.decimal)}{self.after}"
