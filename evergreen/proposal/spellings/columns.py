"""How one column is spelled, from what its profile counted and from texts drawn from it."""

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime

import numpy as np
import pyarrow as pa

from evergreen.config.contract.columns import Column, ColumnType
from evergreen.config.contract.spelling import NumberSpelling
from evergreen.data.typed.numbers import NUMBER
from evergreen.data.typed.numbers import numbers as typed_numbers
from evergreen.data.typed.schema import conform
from evergreen.proposal.column_profile import ColumnProfile
from evergreen.proposal.sketches import Array, counted
from evergreen.proposal.spellings import codes, marks, numbers, parts, times
from evergreen.proposal.spellings.told import Told

LOOKED_AT, MOST_DIFFERENT = 20_000, 5_000
MOSTLY, HALF = 0.95, 0.5
SHOWN = 3
FEW_WORDS = 5  # among plain numbers; more are names or codes
PLAIN = re.compile(NUMBER)


def tell(
    seen: ColumnProfile, drawn: pa.Array, *, missing: Sequence[str], decimal: str | None, now: datetime
) -> Told | None:
    """Return how a column is spelled; None where it is read as it stands and there is nothing to say of it.

    Parameters
    ----------
    drawn : some of its values, as they came.
    """
    if not seen.is_text or seen.numbers == seen.present:
        return _of_numbers(seen, drawn, decimal=decimal)
    if seen.times == seen.present and not marks.may_have_no_days(seen):
        return None
    different, counts = _different(seen, drawn)
    texts = [text.strip() for text in different.to_pylist()]
    is_mark = np.array([not text or marks.is_mark(text) or text in missing for text in texts], bool)
    said = _of_texts(seen, different.filter(pa.array(~is_mark)), counts[~is_mark], decimal=decimal, now=now)
    if said is None or (said.type is None and not said.is_date and not said.missing):
        words = marks.notes_of_words(texts, counts.tolist())
        return said if not words else replace(said or Told(), notes=(*words, *(said.notes if said else ())))
    if said.type == "number":
        said = replace(said, notes=(*said.notes, *_sentinels(seen, different, counts, said.spelling)))
    own = tuple(sorted({text for text, mark in zip(texts, is_mark, strict=True) if mark and text not in missing}))
    if said.type is None or not own:
        return said if said.is_read_again or said.notes else None
    shown = ", ".join(map(repr, own))
    return replace(said, missing=own, notes=(*said.notes, f"{shown} in it is read as missing"))


def _of_texts(
    seen: ColumnProfile, texts: pa.Array, counts: Array, *, decimal: str | None, now: datetime
) -> Told | None:
    """Return what texts without marks are: times, numbers of some spelling, or numbers of the usual one."""
    trimmed = [text.strip() for text in texts.to_pylist()]
    has_digit = np.array([any(c.isdigit() for c in text) for text in trimmed], bool)
    share = float(counts[has_digit].sum() / max(int(counts.sum()), 1))
    if HALF <= share < MOSTLY:
        some = _of_texts(seen, texts.filter(pa.array(has_digit)), counts[has_digit], decimal=decimal, now=now)
        words = [text for text, digit in zip(trimmed, has_digit, strict=True) if not digit]
        return _mixed(some, words, share)
    if share < MOSTLY:
        return None
    plain = _share(trimmed, counts, lambda text: PLAIN.match(text) is not None)
    if plain == 1:
        return codes.times_in_numbers(seen, texts) or Told("number")
    as_time = None if plain >= MOSTLY else times.told(trimmed, counts, read=_reader(texts, "timestamp"), now=now)
    if as_time is not None and as_time.type:
        return as_time
    as_number = numbers.told(trimmed, counts, read=_reader(texts, "number"), decimal=decimal)
    if as_number is None and plain >= MOSTLY:
        strays = numbers.unread(trimmed, counts)
        return Told("number", notes=strays.notes if strays else ())
    if as_time is None and as_number is None and parts.is_clock(trimmed[:LOOKED_AT]):
        return Told(notes=("times of day or durations are read as text; for a duration, write a number",))
    if as_time is None and as_number is None:
        return numbers.told_in_pairs(trimmed)
    return as_number or as_time


def _mixed(some: Told | None, words: Sequence[str], share: float) -> Told | None:
    """Return a note on texts of which many, but too few, are numbers or times of one spelling."""
    if some is None or some.type is None or (not some.is_read_again and len(words) > FEW_WORDS):
        return None
    listed = ", ".join(map(repr, words[:SHOWN]))
    fault = f"{share:.0%} of its values are numbers or times, others are words such as {listed}"
    advice = "; ".join((f"if these mean missing, set type: {some.type} and missing: [{listed}]", *some.notes[:1]))
    return Told(notes=(f"{fault}; {advice}",), is_date=some.is_date, fault=fault)


def _of_numbers(seen: ColumnProfile, drawn: pa.Array, *, decimal: str | None) -> Told | None:
    if not (seen.range.n and seen.numbers == seen.present):
        return None
    as_time = codes.times_in_numbers(seen, drawn)
    if as_time is not None:
        return as_time
    different, counts = _different(seen, drawn)
    if seen.is_text and seen.whole < seen.numbers and not seen.leading_zeros:
        grouped = codes.grouped_by_dots(different.to_pylist(), decimal=decimal)
        if grouped is not None:
            return grouped
    notes = _sentinels(seen, different, counts, None)
    return Told(notes=notes) if notes else None


def _sentinels(
    seen: ColumnProfile, different: pa.Array, counts: Array, spelling: NumberSpelling | str | None
) -> tuple[str, ...]:
    """Return a note on numbers that may stand for missing values, if there are any."""
    read = typed_numbers(different) if spelling is None else _reader(different, "number")(spelling)
    values = read.fill_null(np.nan).to_numpy(zero_copy_only=False)
    finite = np.isfinite(values)
    found = marks.sentinels(*_merged(values[finite], counts[finite]))
    if not found:
        return ()
    is_found = np.isin(values, found)
    spelled = [str(value) for value in different.filter(pa.array(is_found)).to_pylist()]
    n = round(int(counts[is_found].sum()) * seen.present / max(int(counts.sum()), 1))
    return (marks.note_of_sentinels(found, spelled, n),)


def _merged(values: Array, counts: Array) -> tuple[Array, Array]:
    different, where = np.unique(values, return_inverse=True)
    return different, np.bincount(where, counts, minlength=len(different)).astype(np.int64)


def _different(seen: ColumnProfile, drawn: pa.Array) -> tuple[pa.Array, Array]:
    """Return different values as they came, and how often each comes: of all rows, or of those that were drawn."""
    if seen.counts is not None and seen.is_text:
        return pa.array(list(seen.counts), pa.string()), np.array(list(seen.counts.values()), np.int64)
    values, counts = counted(drawn.slice(0, LOOKED_AT).drop_null())
    return values.slice(0, MOST_DIFFERENT), counts[:MOST_DIFFERENT]


def _reader(texts: pa.Array, kind: ColumnType) -> Callable[[NumberSpelling | str | None], pa.Array]:
    batch = pa.RecordBatch.from_arrays([texts], names=["texts"])

    def read(spelling: NumberSpelling | str | None) -> pa.Array:
        column = Column(name="texts", type=kind, role="ignore", spelling=spelling, nullable=True)
        return conform(batch, [column], zone="UTC").column("texts")

    return read


def _share(texts: Sequence[str], counts: Array, holds: Callable[[str], bool]) -> float:
    mask = np.fromiter((holds(text) for text in texts), bool, len(texts))
    return float(counts[mask].sum() / max(int(counts.sum()), 1))
