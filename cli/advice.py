"""Advice that can be followed as it is printed: a command that is named keeps the user's own --params and --env."""

import re
import shlex
from collections.abc import Iterator, Sequence
from typing import Any

KEPT = ("--params", "--env")
NAMED = re.compile(r"\bevergreen((?: [a-z][a-z-]*)+)")


def kept(advice: str, given: Sequence[str], commands: Any) -> str:
    """Return advice in which each command of ours is given the options of KEPT that the user's own was.

    Parameters
    ----------
    given : the user's arguments.
    commands : the root of our commands, as click knows them.
    """
    options = dict(_given(given))
    return NAMED.sub(lambda found: _with(found, options, commands), advice) if options else advice


def command(words: Sequence[str], commands: Any) -> tuple[Any, int]:
    """Return the command that words begin with, and how many of them name it; 0 if none does."""
    found, used = commands, 0
    for word in words:
        below = getattr(found, "commands", {}).get(word)
        if below is None:
            break
        found, used = below, used + 1
    return found, used


def options_of(command: Any) -> set[str]:
    """Return the options that a command knows."""
    return {option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)}


def _given(arguments: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Yield the options of KEPT among a command's arguments, with their values."""
    for at, argument in enumerate(arguments):
        name, is_joined, value = argument.partition("=")
        if name in KEPT and (is_joined or at + 1 < len(arguments)):
            yield name, value if is_joined else arguments[at + 1]


def _with(found: "re.Match[str]", options: dict[str, str], commands: Any) -> str:
    """Return a command's name with the options that it knows; without those that the advice gives it already."""
    words = found[1].split()
    named, used = command(words, commands)
    if not used:
        return found[0]
    said = found.string[found.start() :].partition(". ")[0]
    more = [
        f"{name} {shlex.quote(value)}"
        for name, value in options.items()
        if name in options_of(named) and f"{name} " not in said
    ]
    return " ".join(["evergreen", *words[:used], *more, *words[used:]])
