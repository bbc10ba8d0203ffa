"""What a profiled column is: its type, which values are not of it, and what the target asks a model to do."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import get_args

import pyarrow as pa

from evergreen.base.errors import ConfigError, DataError
from evergreen.config.contract.columns import ColumnType, Physical, Task
from evergreen.config.contract.spelling import NumberSpelling
from evergreen.data.typed.schema import FALSE, TRUE
from evergreen.proposal.classes import (
    PAIRS,
    SPOKEN,
    notes_on_classes,
    said_of,
    spelled_alike,
    true_word,
    without_spaces,
)
from evergreen.proposal.column_profile import ColumnProfile

# A column is of the type that this share of its values has; the others go to quarantine.
MOSTLY = 0.95
MOST_CLASSES = 20
MOST_TEXT_CLASSES = 100
# One for the gate and two to learn from.
FEWEST_OF_CLASS = 3
MEASURE = re.compile(
    r"(^|_)(count|number|num|n|qty|quantity|amount|price|cost|age|days|hours|minutes|seconds|year|size)(_|$)"
)
TRUTH = re.compile(r"^(is|has|was|did)_|_(flag|bool)$|^flag_")
LONG_TEXT, MOST_SHARED = 20, 0.3
DECIMALS = pa.Decimal32Type, pa.Decimal64Type, pa.Decimal128Type, pa.Decimal256Type


@dataclass(frozen=True)
class Guess:
    """A column's likely type. `bad`: how many of its values are not of it. `notes`: what a person should know."""

    type: ColumnType
    bad: int = 0
    spelling: tuple[str, str] | NumberSpelling | str | None = None
    missing: tuple[str, ...] = ()
    parts: tuple[str, ...] = ()
    unit: str = ""
    notes: tuple[str, ...] = ()


def guess(column: ColumnProfile) -> Guess:
    """Return the type that a column has, or that at least 95 % of its values have; text where there is none."""
    found, told = _guess(column), column.told
    if told is None:
        return found
    if not told.is_read_again:
        is_said = found.type in ("category", "text")
        return replace(found, notes=told.notes if is_said else (*told.notes, *found.notes))
    return replace(
        found, spelling=told.spelling, missing=told.missing, parts=told.parts, unit=told.unit,
        notes=(*told.notes, *found.notes),
    )  # fmt: skip


def _guess(column: ColumnProfile) -> Guess:
    n = column.present + column.illegible
    if column.plain is not None and (not pa.types.is_string(column.plain) or pa.types.is_decimal(column.physical)):
        return _guess_typed(column)
    if column.present == 0:
        return Guess("category")
    if column.huge and column.numbers >= MOSTLY * n:
        return Guess("category", notes=("holds integers beyond 2^63, kept as text",))
    if column.leading_zeros and column.numbers >= MOSTLY * n:
        return Guess("category", notes=("written with leading zeros, kept as text",))
    if column.numbers >= MOSTLY * n:
        kind: ColumnType = "integer" if column.whole == column.numbers else "number"
        return _truth(column) or Guess(kind, n - column.numbers, notes=_strays(column, kind))
    if column.times >= MOSTLY * n:
        if 0 < column.with_offset < column.times:
            return Guess("category", notes=("times with and without an offset from UTC are mixed, kept as text",))
        return Guess("timestamp", n - column.times, notes=_strays(column, "timestamp"))
    return _truth(column) or Guess(_words(column), column.illegible, notes=_why_text(column))


def _guess_typed(column: ColumnProfile) -> Guess:
    kind, stored = column.plain, column.physical
    if pa.types.is_boolean(kind):
        return Guess("boolean")
    if pa.types.is_timestamp(kind):
        return Guess("timestamp")
    if column.huge and not pa.types.is_floating(kind):
        return Guess("category", notes=("holds integers beyond 2^63, kept as text",))
    if pa.types.is_integer(kind) or (isinstance(stored, DECIMALS) and stored.scale <= 0):
        return _truth(column) or Guess("integer")
    strays = _strays(column, "number")
    if pa.types.is_duration(stored):
        return Guess("number", column.infinite, unit="s", notes=("a length of time, read in seconds", *strays))
    return Guess("number", column.infinite, notes=strays)


def _words(column: ColumnProfile) -> ColumnType:
    """Return text for free text: long, with spaces, seldom the same twice."""
    long = column.lengths.mean >= LONG_TEXT and 2 * column.spaced >= column.present
    return "text" if long and column.distinct.n >= MOST_SHARED * column.present else "category"


def _truth(column: ColumnProfile) -> Guess | None:
    """Return boolean for a column of two words that mean no and yes; 0 and 1 only where the name says so."""
    words = list(column.counts or ())
    if len(words) != 2:
        return None
    by_small = {word.strip().lower(): word.strip() for word in words}
    if by_small.keys() == {"0", "1"}:
        return Guess("boolean") if TRUTH.search(snake(column.name)) else None
    pair = next((pair for pair in SPOKEN if by_small.keys() == set(pair)), None)
    if pair is None:
        return None
    return Guess("boolean", spelling=None if pair == PAIRS[0] else (by_small[pair[0]], by_small[pair[1]]))


def _strays(column: ColumnProfile, kind: ColumnType) -> tuple[str, ...]:
    n = column.present + column.illegible - (column.times if kind == "timestamp" else column.numbers)
    if not n:
        return ()
    shown = ", ".join(repr(text) for text in list(column.strays)[:3]) or "not finite"
    return (f"{n:,} of {column.present:,} values are not of type {kind} ({shown}): their rows go to quarantine",)


def _why_text(column: ColumnProfile) -> tuple[str, ...]:
    mixed = [kind for kind, n in (("numbers", column.numbers), ("times", column.times)) if 4 * n > column.present]
    broken = f"{column.illegible:,} of {column.rows:,} values are no text in UTF-8: their rows go to quarantine"
    return (*(f"{kind} and other texts are mixed, kept as text" for kind in mixed), *[broken] * bool(column.illegible))


def guess_target(column: ColumnProfile, guessed: Guess, wanted: Task | None) -> tuple[Task, Guess]:
    """Return the task that a target asks for, and the type that it needs.

    Raises
    ------
    DataError (DQ009) if it has one value only, or a class of one row. ConfigError (CFG024) if it cannot be the target
    of the task that is wanted, or of any.
    """
    if column.distinct.n < 2:
        what = "one value only" if column.present else "no value at all"
        raise DataError(
            "DQ009",
            f"target '{column.name}' has {what} in {column.rows:,} rows: there is nothing to learn",
            where=f"column '{column.name}'",
            next_step="Name another column with --target, or add rows of another kind.",
        )
    counts = without_spaces(column.counts or {})
    task = wanted or _natural_task(column, guessed, counts)
    if task == "regression":
        if guessed.type not in ("number", "integer"):
            raise _cannot(column, f"'{task}' needs numbers", guessed)
        return task, guessed
    if task == "binary":
        if guessed.type == "boolean":
            return task, guessed
        if len(counts) != 2:
            raise _cannot(column, f"'{task}' needs two values", guessed)
        _require_enough_of_each(column, counts, guessed)
        _require_two_words(column, counts)
        truth = _as_truth(counts)
        return task, replace(truth, missing=guessed.missing, notes=(*guessed.notes, *truth.notes))
    most = MOST_TEXT_CLASSES if guessed.type in ("category", "text", "boolean") else 10 * MOST_CLASSES
    if not counts or len(counts) > most or 2 * len(counts) > column.present:
        raise _cannot(column, f"'multiclass' needs few values that repeat, at most {most}", guessed)
    _require_enough_of_each(column, counts, guessed)
    notes = (*guessed.notes, *notes_on_classes(column.counts or {}))
    return "multiclass", Guess("category", missing=guessed.missing, notes=notes)


def _natural_task(column: ColumnProfile, guessed: Guess, counts: Mapping[str, int]) -> Task:
    if guessed.type == "timestamp":
        raise _cannot(column, "a time is no target", guessed)
    if guessed.type == "boolean" or len(counts) == 2:
        return "binary"
    if guessed.type in ("category", "text"):
        return "multiclass"
    if guessed.spelling is not None:  # a number with a unit counts or measures
        return "regression"
    values = [float(text) for text in counts]
    codes = (
        0 < len(values) <= MOST_CLASSES
        and all(value.is_integer() for value in values)
        and min(values) >= 0
        and max(values) - min(values) + 1 <= 1.5 * len(values)
        and min(counts.values()) >= FEWEST_OF_CLASS
        and column.present >= 5 * len(values)
    )
    return "multiclass" if codes and not MEASURE.search(snake(column.name)) else "regression"


def _as_truth(counts: Mapping[str, int]) -> Guess:
    """Return a boolean: by the meaning of the two words if it is known, else the rarer of them is true."""
    by_small = {text.strip().lower(): text.strip() for text in counts}
    if all(small in TRUE or small in FALSE for small in by_small):
        return Guess("boolean")
    words = true_word(counts)
    return Guess("boolean", spelling=(words.false, words.true), notes=(said_of(words),))


def _require_two_words(column: ColumnProfile, counts: Mapping[str, int]) -> None:
    """Raise DataError if the two values of a target are one word in two spellings."""
    small = {text.strip().lower() for text in counts}
    if spelled_alike(counts) or small <= set(TRUE) or small <= set(FALSE):
        raise DataError(
            "DQ009",
            f"target '{column.name}' has two values that say the same, {' and '.join(map(repr, sorted(counts)))}: "
            "there is nothing to learn",
            where=f"column '{column.name}'",
            next_step="Name another column with --target, or add rows of another kind.",
        )


def _require_enough_of_each(column: ColumnProfile, counts: Mapping[str, int], guessed: Guess) -> None:
    rare = sorted((n, value) for value, n in counts.items() if n < FEWEST_OF_CLASS)
    if rare and column.told is not None and column.told.fault:  # numbers or times, and no classes
        raise _cannot(column, "", guessed)
    if rare:
        shown = ", ".join(f"{value!r} of {n} row{'s' * (n > 1)}" for n, value in rare[:3])
        raise DataError(
            "DQ009",
            f"target '{column.name}' has a class that is too small to learn and to test, at least {FEWEST_OF_CLASS} "
            f"rows are needed: {shown}",
            where=f"column '{column.name}'",
            next_step="Add rows of it, merge it with another class, or remove it. For a number: --task regression.",
        )


def _cannot(column: ColumnProfile, why: str, guessed: Guess) -> ConfigError:
    told = column.told
    if told is not None and told.fault:
        why = told.fault
    return ConfigError(
        "CFG024",
        f"column '{column.name}' ({guessed.type}, {column.distinct.n:,} different values) cannot be the target: {why}",
        where="--target, --task",
        next_step=(told.remedy if told else "") or "Name another column with --target, or another --task.",
    )


def as_category(guessed: Guess, note: str) -> Guess:
    """Return the type that every value has."""
    return replace(guessed, type="category", bad=0, spelling=None, unit="", notes=(note,))


def physical(column: ColumnProfile, *, is_typed: bool) -> Physical | None:
    """Return the type of a column in a typed source, where the contract has a word for it.

    One without any value has none: writers give it a type of their own choice, which the first value may change.
    """
    name = str(column.physical) if column.physical is not None else "string"
    known = {word: word for word in get_args(Physical)}
    return known.get(name) if is_typed and column.present else None


def snake(name: str) -> str:
    """Return a column's name in small letters with underscores, for its words to be looked up.

    Examples
    --------
    >>> snake("Customer E-Mail"), snake("firstName")
    ('customer_e_mail', 'first_name')
    """
    return re.sub(r"[^a-z0-9]+", "_", re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower())
