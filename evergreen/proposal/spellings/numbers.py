"""Which spelling of a number a column's texts have, where only one will do."""

import re
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from evergreen.base.forms import MINUS
from evergreen.config.contract.spelling import NumberSpelling
from evergreen.proposal.sketches import Array
from evergreen.proposal.spellings.told import Told

Reader = Callable[[NumberSpelling], pa.Array]
Decimal = Literal[".", ","]
MOSTLY = 0.95
# Two numbers are as well two categories: 36 months and 60 months.
FEWEST_DIFFERENT = 3
SPACES = " \u00a0\u202f\u2009"
SHAPE = re.compile(
    rf"(?P<open>\()?(?P<sign>[-+\u2212\u2013])?[{SPACES}]?(?P<before>[^\d().,'\u2019+\-\u2212\u2013]{{0,8}}?)[{SPACES}]?(?P<inner>[-+\u2212\u2013]|\()?"
    rf"(?P<core>\d[\d.,'\u2019{SPACES}]*(?<![{SPACES}])|[.,]\d+)(?P<exponent>[eE][+-]?\d+)?"
    rf"[{SPACES}]?(?P<after>[^\d()]{{0,16}}?)(?P<close>\))?"
)
CURRENCY = re.compile(
    r"(US|A|C|R|NZ|HK|S)?\$|[€£¥₹₽₩₺₴₪฿]|Rs\.?|kr\.?|Fr\.?|zł|Kč|Ft|lei|"
    r"USD|EUR|GBP|JPY|CHF|CAD|AUD|NZD|INR|CNY|RMB|SEK|NOK|DKK|PLN|CZK|HUF|BRL|MXN|ZAR|RUB|TRY|KRW|SGD|HKD|THB|ILS"
)
BOUND = re.compile(r"^\s*(<|>|≤|≥|<=|>=|~|≈|±)\s*[-+]?[\d.,]*\d")
AT_LEAST = re.compile(r"^\s*[\d.,]*\d\s?\+$")
PAIR = re.compile(r"\d{1,3}([.,]\d+)?\s?/\s?\d{1,3}([.,]\d+)?")
TRAILING_MINUS = re.compile(r"^\s*[\d.,]*\d-\s*$")
CODE = re.compile(r"^0\d")
# Currencies of countries that write a comma between thousands; some of them have no smaller coin.
DOLLAR = re.compile(r"(US|A|C|NZ|HK|S)?\$|[£¥₩₹]|USD|GBP|JPY|CNY|KRW|INR|Rs\.?|円|元|원")
IN_THREES = re.compile(r"\d{1,3}(,\d{3})*")
INDIAN = re.compile(r"\d{1,2}(,\d{2})+,\d{3}(\.\d+)?")
LONG = 8
MOST_UNITS = 4
SHOWN = 100
WAYS: tuple[tuple[Decimal, Literal["", ",", ".", " ", "'"]], ...] = (
    (".", ""), (",", ""), (".", ","), (",", "."), (".", " "), (",", " "), (".", "'"), (",", "'"),
)  # fmt: skip


@dataclass(frozen=True)
class Worn:
    """What a number's text has around its digits."""

    before: str
    after: str
    parentheses: bool
    core: str


def worn(text: str) -> Worn | None:
    """Return what stands around the digits of a text that may be a number; None if it cannot be one.

    Examples
    --------
    >>> worn("-$1,234.50"), worn("12,5 %"), worn("(300)")
    (Worn(before='$', after='', parentheses=False, core='1,234.50'), Worn(before='', after='%', parentheses=False, core='12,5'), Worn(before='', after='', parentheses=True, core='300'))
    >>> worn("10-20"), worn("A12"), worn("<5")
    (None, None, None)
    """  # noqa: E501
    found = SHAPE.fullmatch(text)
    if not found or [found["open"], found["inner"]].count("(") != bool(found["close"]):
        return None
    if found["inner"] and (found["sign"] or found["open"] or not found["before"]):
        return None
    before, after = found["before"].strip(SPACES), found["after"].strip(SPACES)
    if (before and not CURRENCY.fullmatch(before)) or not _is_unit(after):
        return None
    if CODE.match(found["core"]) and not re.search(r"[.,]", found["core"]):
        return None
    return Worn(before, after, bool(found["close"]), found["core"])


def _is_unit(after: str) -> bool:
    """Return whether what stands behind digits may be a unit: a sign or words, and nothing that joins or compares."""
    return not after or (
        all(unicodedata.category(c)[0] in "LSZM" or c in "%‰/°.²³*·" for c in after)
        and not after.startswith(("/", ".", "*"))
        and not set(after) & set("<>=~|^+")
    )


def told(texts: Sequence[str], counts: Array, *, read: Reader, decimal: str | None = None) -> Told | None:
    """Return how texts are spelled as numbers: the one way in which all can be read, or a note where there are several.

    Parameters
    ----------
    texts : shape (n,), different and trimmed, without marks for what is missing; each stands for `counts` rows.
    read : the numbers that the texts are under a spelling, null where one is none.
    decimal : which of "." and "," a person says that it is.
    """
    parts = [worn(text) for text in texts]
    is_shaped = np.array([part is not None for part in parts], bool)
    total, shaped = int(counts.sum()), int(counts[is_shaped].sum())
    if shaped < MOSTLY * total or is_shaped.sum() < FEWEST_DIFFERENT:
        return unread(texts, counts)
    known = [part for part in parts if part is not None]
    some = [text for text, part in zip(texts, parts, strict=True) if part is not None]
    around = {(part.before, part.after): None for part in known}
    if len(around) > 1:
        return _many_units(list(around), some)
    ((before, after),) = around
    if _are_codes(known):
        return None
    parentheses = any(part.parentheses for part in known)
    assumed = ""
    sign = before or after
    if decimal is None and DOLLAR.fullmatch(sign) and all(IN_THREES.fullmatch(part.core) for part in known):
        decimal, assumed = ".", f", with commas between thousands as is usual with {sign}"
    ways = [way for way in WAYS if decimal in (None, way[0])]
    spellings = [
        NumberSpelling(decimal=point, thousands=groups, before=before, after=after, parentheses=parentheses)
        for point, groups in ways
        if groups == "" or _may_group(groups, known)
    ]
    keep = pa.array(is_shaped)
    ways_read = [(spelling, read(spelling).filter(keep)) for spelling in spellings]
    fitting = [(spelling, numbers) for spelling, numbers in ways_read if numbers.null_count == 0]
    if not fitting:
        return _mixed(some, known, [numbers for _, numbers in ways_read])
    if any(not left[1].equals(right[1]) for left, right in pairwise(fitting)):
        return _ambiguous(some, fitting)
    return _read_as(fitting[0][0], some, assumed)


def _may_group(groups: str, known: Sequence[Worn]) -> bool:
    """Return whether a sign can separate thousands: it comes, and never behind a leading zero, as in 0,123."""
    cores = [_plain_groups(part.core) for part in known]
    return any(groups in core for core in cores) and not any(core.startswith("0" + groups) for core in cores)


def _plain_groups(core: str) -> str:
    return re.sub(rf"[{SPACES}]", " ", core).replace("\u2019", "'")


def _are_codes(known: Sequence[Worn]) -> bool:
    """Return whether digits are only grouped as telephone numbers are, or stand before the letter of a code."""
    cores = [_plain_groups(part.core) for part in known]
    grouped = all(" " in core for core in cores) and len({len(core) for core in cores}) == 1 and len(cores[0]) > LONG
    lettered = re.fullmatch("[A-Z]", known[0].after) is not None and all(core.isdigit() for core in cores)
    return grouped or lettered


def _mixed(texts: Sequence[str], known: Sequence[Worn], ways: Sequence[pa.Array]) -> Told | None:
    """Return a note on numbers of which each is read in some way, but no way reads them all."""
    if any(INDIAN.fullmatch(part.core) for part in known):
        return _note(f"numbers in groups of two digits ({_examples(texts, known)}) are not read", "write them without")
    if not np.logical_or.reduce([way.is_valid().to_numpy(zero_copy_only=False) for way in ways]).all():
        return None
    return _note(f"numbers in several spellings ({_examples(texts, known)}) are not read", "write all in one")


def _read_as(spelling: NumberSpelling, texts: Sequence[str], assumed: str) -> Told | None:
    if spelling == NumberSpelling() and not any(sign in text for text in texts for sign in MINUS):
        return None
    example = max(texts[:SHOWN], key=lambda text: (sum(not c.isdigit() for c in text), len(text)))
    note = f"numbers such as {example!r} are read by spelling: {_written(spelling)}{assumed}"
    return Told("number", spelling, unit=spelling.after or spelling.before, notes=(note,))


def _written(spelling: NumberSpelling) -> str:
    """Return a spelling as a contract says it."""
    given = spelling.model_dump(exclude_defaults=True) or {"decimal": spelling.decimal}
    return "{" + ", ".join(f"{name}: {'true' if value is True else repr(value)}" for name, value in given.items()) + "}"


def _ambiguous(texts: Sequence[str], fitting: Sequence[tuple[NumberSpelling, pa.Array]]) -> Told:
    """Return the note on texts that are one number with a decimal comma and another with separated thousands."""
    first, numbers = fitting[0]
    second, others = next(way for way in fitting if not way[1].equals(numbers))
    at = pc.index(pc.not_equal(numbers, others), True).as_py()
    return _note(
        f"no value tells whether {texts[at]!r} is {numbers[at].as_py():.15g} or {others[at].as_py():.15g}",
        f"for the first set type: number and spelling: {_written(first)}, for the second {_written(second)}",
        remedy="Say which it is with --decimal ',' or --decimal '.'.",
    )


def _many_units(around: Sequence[tuple[str, str]], texts: Sequence[str]) -> Told | None:
    if len(around) > MOST_UNITS:  # names with numbers in them
        return None
    units = ", ".join(repr(before or after) if before or after else "nothing" for before, after in around)
    return _note(f"numbers with {units} beside them, such as {texts[0]!r}, are not read", "bring them to one unit")


def unread(texts: Sequence[str], counts: Array) -> Told | None:
    """Return a note on texts that look like numbers which are not read, such as '<5' and '5-'."""
    bounds = [text for text in texts if BOUND.match(text)]
    if bounds:
        n = int(sum(count for text, count in zip(texts, counts.tolist(), strict=True) if BOUND.match(text)))
        rest = [text for text in texts if not BOUND.match(text)]
        if rest and all(worn(text) for text in rest):
            return _note(
                f"{n:,} values such as {bounds[0]!r} are bounds, not numbers",
                "write a number for them (half of a limit of detection is common), or set type: number and "
                f"missing: [{', '.join(repr(text) for text in bounds[:3])}]",
            )
    for sign, behind, advice in (("minus", TRAILING_MINUS, "write it in front"), ("plus", AT_LEAST, "leave it out")):
        trailing = [text for text in texts if behind.match(text)]
        if trailing and all(worn(text) or behind.match(text) for text in texts):
            return _note(f"numbers with the {sign} behind ({trailing[0]!r}) are not read", advice)
    return None


def told_in_pairs(texts: Sequence[str]) -> Told | None:
    """Return a note on texts of two numbers each, such as a blood pressure of 120/80."""
    if len(texts) < FEWEST_DIFFERENT or not all(PAIR.fullmatch(text) for text in texts):
        return None
    return _note(f"two numbers in one value ({texts[0]!r}) are read as text", "write a column for each")


def _examples(texts: Sequence[str], known: Sequence[Worn]) -> str:
    shapes: dict[str, str] = {}
    for text, part in zip(texts, known, strict=True):
        shapes.setdefault(re.sub(r"\d+", "9", part.core), text)
    return ", ".join(repr(text) for text in list(shapes.values())[:3])


def _note(fault: str, advice: str, *, remedy: str = "Write its values as plain numbers, such as 1234.5.") -> Told:
    return Told(notes=(f"{fault}; {advice}",), fault=fault, remedy=remedy)
