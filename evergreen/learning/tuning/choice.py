"""A choice: a family and its parameters, as a search draws it, begins with it, and ends with it."""

import json
from collections.abc import Mapping
from typing import Any

from evergreen.base.values import Value

FAMILY = "family"


class Choice(Value):
    """A family and one value for each parameter of its space."""

    family: str
    params: dict[str, Any]

    @property
    def key(self) -> str:
        """The same for equal choices."""
        return json.dumps([self.family, self.params], sort_keys=True)

    def as_drawn(self) -> dict[str, Any]:
        """Return the choice by the names that a study uses."""
        return {FAMILY: self.family, **{f"{self.family}.{name}": value for name, value in self.params.items()}}

    @classmethod
    def read(cls, drawn: Mapping[str, Any]) -> "Choice":
        """Return the choice that a study knows by its own names."""
        family = drawn[FAMILY]
        params = {name.removeprefix(f"{family}."): value for name, value in drawn.items() if name != FAMILY}
        return cls(family=family, params=params)
