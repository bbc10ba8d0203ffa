"""What is wrong with the shape of a body, in words that say nothing of how we read it."""

import re
from typing import NamedTuple

import msgspec

_WORDS = {
    "array": "a list",
    "object": "an object",
    "str": "a text",
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "null": "null",
}
_EXPECTED = re.compile(r"Expected `([a-z |]+)`, got `([a-z]+)`")
_MISSING = re.compile(r"Object missing required field `(.*)`", re.DOTALL)
_UNKNOWN = re.compile(r"Object contains unknown field `(.*)`", re.DOTALL)
_PATTERN = re.compile(r"Expected `str` matching regex '(.*)'", re.DOTALL)
_LENGTH = re.compile(r"Expected `str` of length (<=|>=) (\d+)")
_LARGE = re.compile(r"(Integer|Number) (value )?out of range")
IS_MISSING = "the field is missing"
SHOWN = 80  # characters of what a caller sent


class Misshapen(NamedTuple):
    """A fault: its place, such as ``rows[0].fare``, empty for the body; what it is; and the field that is not known."""

    where: str
    what: str
    unknown: str | None = None


def misshapen(error: msgspec.ValidationError) -> Misshapen:
    """Return in our words what msgspec says; the place of a field that is missing or unknown is the field's own."""
    fault, _, place = str(error).rpartition(" - at `")
    if not fault or place == "$`":  # no place is said of the body itself: that is in a field's name
        fault, place = str(error), ""
    where = place.removesuffix("`").removeprefix("$").removeprefix(".")
    if found := _MISSING.fullmatch(fault):
        return Misshapen(_below(where, found[1]), IS_MISSING)
    if found := _UNKNOWN.fullmatch(fault):
        return Misshapen(_below(where, found[1]), "there is no such field", found[1])
    return Misshapen(cut(where), _what(fault))


def cut(text: str) -> str:
    """Return a text, or the beginning of a long one."""
    return text if len(text) <= SHOWN else f"{text[: SHOWN - 1]}…"


def _what(fault: str) -> str:
    if found := _EXPECTED.fullmatch(fault):
        kinds = found[1].split(" | ")
        wanted = "one value" if len(kinds) > 3 else " or ".join(_WORDS[kind] for kind in kinds)
        return f"must be {wanted}, got {_got(found[2])}"
    if found := _PATTERN.fullmatch(fault):
        return f"must be a text of the pattern {found[1]}"
    if found := _LENGTH.fullmatch(fault):
        return f"must be a text of {'at most' if found[1] == '<=' else 'at least'} {found[2]} characters"
    if _LARGE.fullmatch(fault):
        return "the number is too large to be read"
    return cut(fault)


def _got(kind: str) -> str:
    return "a truth value" if kind == "bool" else _WORDS.get(kind, kind)


def _below(where: str, field: str) -> str:
    return f"{where}.{cut(field)}" if where else cut(field)
