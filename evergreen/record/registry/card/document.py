"""A page before it is Markdown or HTML: blocks of text, facts and tables. Escaping is the renderers' alone."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from evergreen.base.errors import printable
from evergreen.record.registry.card.values import Logged

COUNTS = ("rows", "tune_trials")


@dataclass(frozen=True)
class Token:
    """A name that a program knows, such as a digest, a metric or a path."""

    text: str


@dataclass(frozen=True)
class Interval:
    """Both ends around a value, and where others lie, by whose they are; all in one unit."""

    low: Logged
    high: Logged
    value: Logged
    others: tuple[tuple[str, Logged], ...] = ()


Cell = str | Token | Logged | Interval | None


@dataclass(frozen=True)
class Heading:
    """`level` from 1."""

    level: int
    text: str


@dataclass(frozen=True)
class Paragraph:
    text: str


@dataclass(frozen=True)
class Items:
    """A list without order."""

    texts: tuple[str, ...]


@dataclass(frozen=True)
class Facts:
    """What things are called, and what they are; a cell that is None is left out."""

    rows: tuple[tuple[str, Cell], ...]


@dataclass(frozen=True)
class Rows:
    """A table with a head; a cell that is None is empty."""

    head: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]


@dataclass(frozen=True)
class Command:
    """What to type."""

    text: str


@dataclass(frozen=True)
class ToDo:
    """What only a person can add."""

    text: str


Block = Heading | Paragraph | Items | Facts | Rows | Command | ToDo


@dataclass(frozen=True)
class Document:
    """A page. `kind`: what it is, for its head; `verdict`: one word about it."""

    title: str
    kind: str
    verdict: str
    blocks: tuple[Block, ...]


def plain(text: str) -> str:
    """Return text on one line, with everything spelled out that does not print or would turn the line around.

    Examples
    --------
    >>> plain("a\\n b\\u202ec")
    'a b\\\\u202ec'
    """
    return printable(" ".join(text.split()))


def number(logged: Logged) -> str:
    """Return a number as it is shown: counts whole, others with four decimals, or four digits where those say little.

    Examples
    --------
    >>> [number(Logged(name=name, value=value)) for name, value in (("rows_kept", 28834), ("rmse", 0.51239))]
    ['28,834', '0.5124']
    >>> number(Logged(name="mae", value=0.0000123456))
    '0.00001235'
    """
    value = logged.value
    if logged.name.rpartition(".")[2].partition("_")[0] == "rows" or logged.name in COUNTS:
        return f"{value:,.0f}"
    if value == 0 or 1e-3 <= abs(value) < 1e15:
        return f"{value:,.4f}"
    return f"{Decimal(f'{value:.3e}'):f}" if 1e-12 < abs(value) < 1e15 else f"{value:.3e}"


def listed(texts: Sequence[str], *, instead: str = "Not stated.") -> Block:
    """Return texts as a list, or that there are none."""
    return Items(tuple(texts)) if texts else Paragraph(instead)
