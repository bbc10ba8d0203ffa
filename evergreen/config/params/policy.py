"""What `retrain.policy` may say: signals, and any, all or most of them."""

import difflib
import re
from typing import Literal

from evergreen.base.values import Value

Kind = Literal[
    "never", "every", "rows", "age", "drift", "harm", "estimated", "probe", "cost", "any", "all", "majority"
]  # fmt: skip
Counted = Literal["every", "rows", "age"]
PLAIN: tuple[Kind, ...] = ("never", "drift", "harm", "estimated", "probe", "cost")
COUNTED: dict[Counted, str] = {"every": "K", "rows": "N", "age": "D"}  # windows, rows, days
JOINED: tuple[Kind, ...] = ("any", "all", "majority")
GREATEST = 1_000_000_000
DEEPEST = 8
KNOWN = (*PLAIN, *(f"{kind}-{letter}" for kind, letter in COUNTED.items()), *(f"{kind}(…)" for kind in JOINED))
_NAME = re.compile(r"\s*([A-Za-z_]+)\s*(?:-\s*([0-9]+))?\s*")


class Policy(Value):
    """When to train again: one signal (`n`: of how many windows, rows or days), or some of `parts` together."""

    kind: Kind
    n: int | None = None
    parts: tuple["Policy", ...] = ()

    @classmethod
    def parse(cls, text: str) -> "Policy":
        """Return the policy that a text says.

        Raises
        ------
        ValueError with what is wrong, and a likely spelling.

        Examples
        --------
        >>> str(Policy.parse("any(harm, all(every-3, probe))"))
        'any(harm,all(every-3,probe))'
        >>> Policy.parse("any(harm,prob)")
        Traceback (most recent call last):
        ValueError: 'prob' is no policy. Did you mean 'probe'?
        """
        policy, rest = _read(text, deep=0)
        if rest:
            raise ValueError(f"{rest[:40]!r} is left over after {str(policy)!r}; any(…), all(…) and majority(…) join")
        return policy

    def __str__(self) -> str:
        if self.parts:
            return f"{self.kind}({','.join(map(str, self.parts))})"
        return self.kind if self.n is None else f"{self.kind}-{self.n}"

    @property
    def signals(self) -> tuple["Policy", ...]:
        """The signals that it asks, each once, in the order in which they are written."""
        if not self.parts:
            return (self,)
        return tuple({str(each): each for part in self.parts for each in part.signals}.values())


def _read(text: str, *, deep: int) -> tuple[Policy, str]:
    """Return the policy at the beginning of a text, and what comes after it."""
    if deep > DEEPEST:
        raise ValueError(f"a policy is nested at most {DEEPEST} deep")
    found = _NAME.match(text)
    if not found:
        raise ValueError(f"expected a policy, got {text[:40]!r}. Known are {', '.join(KNOWN)}")
    name, number, rest = found[1], found[2], text[found.end() :]
    for kind in JOINED:
        if name == kind and number is None and rest.startswith("("):
            return _joined(kind, rest[1:], deep=deep)
    for counted, letter in COUNTED.items():
        if name == counted:
            if number is None or not 1 <= len(number) <= len(str(GREATEST)) or not 1 <= int(number) <= GREATEST:
                raise ValueError(f"'{counted}-{letter}' wants a whole number from 1 to {GREATEST:,}, as in {counted}-3")
            return Policy(kind=counted, n=int(number)), rest
    for plain in PLAIN:
        if name == plain and number is None:
            return Policy(kind=plain), rest
    raise ValueError(f"'{text[: found.end()].strip()[:40]}' is no policy. {_likely(name)}")


def _joined(kind: Kind, text: str, *, deep: int) -> tuple[Policy, str]:
    parts: list[Policy] = []
    while True:
        part, text = _read(text, deep=deep + 1)
        if part in parts:
            raise ValueError(f"'{part}' stands twice in {kind}(…)")
        parts.append(part)
        if text.startswith(")"):
            return Policy(kind=kind, parts=tuple(parts)), text[1:].lstrip()
        if not text.startswith(","):
            raise ValueError(f"{kind}(… is not closed: expected ',' or ')' after '{part}'")
        text = text[1:]


def _likely(name: str) -> str:
    spelt = {re.split(r"[-(]", known)[0]: known for known in KNOWN}
    close = difflib.get_close_matches(name.lower(), [*spelt], n=1)
    return f"Did you mean '{spelt[close[0]]}'?" if close else f"Known are {', '.join(KNOWN)}"
