"""What stands for a missing value in one column: marks among numbers and times, and numbers far outside the others."""

import re
from collections.abc import Sequence

import numpy as np

from evergreen.data.typed.times import EARLIEST, LATEST
from evergreen.proposal.column_profile import ColumnProfile
from evergreen.proposal.sketches import Array

PLACEHOLDERS = frozenset(
    ("?", "-", "--", "---", ".", "..", "...", "*", "**", "#", "/", ":", "\u2013", "\u2014", "_", "unknown", "missing",
     "n.a.", "na", "n/a", "#n/a", "nan", "none", "null", "nil", "undefined", "undef", "not available", "not known",
     "not applicable", "not recorded", "not reported", "not measured", "not tested", "not done", "no data", "nodata",
     "no value", "unavailable", "unspecified", "(null)", "<null>", "[null]", "<na>", "\\n", "#n/d", "#nv", "inf",
     "-inf", "n.d.", "nd", "n/d", "s/d", "s.d.", "k.a.", "k. a.", "n.v.", "n.c.", "keine angabe", "unbekannt",
     "nicht gemessen", "inconnu", "non renseigné", "non mesuré", "desconocido", "sin datos", "sin dato", "ignorado",
     "sem dados", "não informado", "nao informado", "non disponibile", "sconosciuto", "brak", "brak danych", "onbekend",
     "okänd", "ukjent", "ukendt", "нет данных", "неизвестно", "tbd", "empty", "blank", "error", "err", "fault",
     "offline", "bad input", "no reading", "sensor error")
)  # fmt: skip
# Among words, only these can stand for nothing else.
SURELY_MISSING = frozenset(("?", "(null)", "<null>", "[null]", "<na>", "\\n", "#n/d", "#nv"))
# What a cell of a workbook shows that could not be computed, in any language: #VALUE!, #WERT!, #¡DIV/0!, #NAME?
UNCOMPUTED = re.compile(r"#[^\W\d_¡¿]?[¡¿]?[\w/]{2,10}[!?]")
# Days that no calendar of ours has: MySQL's 0000-00-00, and the end of a time that has none, 9999-12-31.
NO_DAY = re.compile(
    r"(?:0000|0001|9999)([-/.]?)(?:00|01|12)\1(?:00|01|31)(?:[T ]00:00(?::00(?:\.0+)?)?| 23:59:59)?"
    r"|(?:00|01|12|31)[-/.](?:00|01|12|31)[-/.](?:0000|0001|9999)(?: 00:00(?::00)?)?"
)
FEWEST_OTHERS = 5
FEWEST_TIMES = 3
# How many times as far outside as the other values are wide: of numbers that people choose for it, and of any others.
FAR, VERY_FAR = 1.0, 5.0
CHOSEN = re.compile(r"-?(9{2,}|9+\.9+|8{3,}|1{5,}|200|32767|32768|65535|2147483647|2147483648|1e\+?\d\d|99999\.\d+)|-1")


def is_mark(text: str) -> bool:
    """Return whether a text, trimmed, is one that people write for a missing value.

    Examples
    --------
    >>> is_mark("?"), is_mark("Unknown"), is_mark("#WERT!"), is_mark("0000-00-00"), is_mark("many")
    (True, True, True, True, False)
    """
    return text.lower() in PLACEHOLDERS or bool(UNCOMPUTED.fullmatch(text) or NO_DAY.fullmatch(text))


def may_have_no_days(seen: ColumnProfile) -> bool:
    """Return whether some times lie where no day of ours can, as 9999-12-31 does."""
    bounds = EARLIEST.timestamp(), LATEST.timestamp()
    return bool(seen.instants.n) and not bounds[0] <= seen.instants.low / 1e6 <= seen.instants.high / 1e6 < bounds[1]


def sentinels(values: Array, counts: Array) -> list[float]:
    """Return values that repeat far below or above all others, as -200 and 9999 do where they mean that one is missing.

    Parameters
    ----------
    values : shape (n,), different and finite; each stands for `counts` rows.

    Examples
    --------
    >>> sentinels(np.array([-200.0, 1.2, 1.9, 2.4, 3.3, 4.1]), np.array([40, 9, 9, 9, 9, 9]))
    [-200.0]
    >>> sentinels(np.array([0.0, 1.0, 2.0, 3.0, 4.0, 5.0]), np.array([40, 9, 9, 9, 9, 9]))
    []
    """
    order = np.argsort(values)
    values, counts = values[order].astype(float), counts[order]
    found: list[float] = []
    while len(values) > FEWEST_OTHERS:
        for at, beside, rest in ((0, 1, values[1:]), (-1, -2, values[:-1])):
            gap = abs(values[at] - values[beside])
            enough = FAR if CHOSEN.fullmatch(f"{values[at]:.15g}") else VERY_FAR
            if counts[at] >= FEWEST_TIMES and gap > enough * (rest[-1] - rest[0]):
                found.append(float(values[at]))
                values, counts = np.delete(values, at), np.delete(counts, at)
                break
        else:
            break
    return found


def note_of_sentinels(found: Sequence[float], spelled: Sequence[str], n: int) -> str:
    """Return what to do about numbers that may stand for missing values, as `spelled` in the source."""
    shown = " and ".join(f"{value:.15g}" for value in found)
    return (
        f"{shown} {'stand' if len(found) > 1 else 'stands'} far outside the other values, in {n:,} rows: if it means "
        f"that the value is missing, set missing: [{', '.join(repr(text) for text in spelled)}] in this column"
    )


def notes_of_words(texts: Sequence[str], counts: Sequence[int]) -> tuple[str, ...]:
    """Return a note on marks among words, where they are read as a category of their own.

    Examples
    --------
    >>> notes_of_words(["a", "?"], [90, 10])
    ("'?' in 10 rows is a category of its own; if it means missing, set missing: ['?'] in this column",)
    """
    marks = [(text, n) for text, n in zip(texts, counts, strict=True) if _is_missing(text.strip())]
    if not marks:
        return ()
    said = ", ".join(f"{text!r} in {n:,} rows" for text, n in marks)
    listed = ", ".join(repr(text) for text, _ in marks)
    return (f"{said} is a category of its own; if it means missing, set missing: [{listed}] in this column",)


def _is_missing(text: str) -> bool:
    return text.lower() in SURELY_MISSING or UNCOMPUTED.fullmatch(text) is not None
