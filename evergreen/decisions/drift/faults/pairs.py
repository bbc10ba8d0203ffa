"""The same rows as they were served and as training reads them, side by side by key."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Pairs:
    """Rows of both tables with the same key, in one order; `ambiguous`: keys that the source has more than once."""

    served: pa.Table
    source: pa.Table
    ambiguous: int


def pair(served: pa.Table, source: pa.Table, keys: Sequence[str]) -> Pairs:
    """Return the rows that both tables have, by key; keys are compared as text where their types differ.

    A key served twice makes two pairs; one that the source has twice makes none. Keys with a missing part make none.
    """
    ours, theirs = _indexed(served, source, keys, "_served"), _indexed(source, served, keys, "_source")
    counted = theirs.group_by(list(keys)).aggregate([("_source", "count"), ("_source", "min")])
    once = counted.filter(pc.equal(counted["_source_count"], 1))
    joined = ours.join(once, keys=list(keys), join_type="inner").sort_by("_served")
    return Pairs(
        served=served.take(joined["_served"]),
        source=source.take(joined["_source_min"]),
        ambiguous=counted.num_rows - once.num_rows,
    )


def _indexed(table: pa.Table, other: pa.Table, keys: Sequence[str], name: str) -> pa.Table:
    parts = {}
    for key in keys:
        column = _plain(table[key])
        parts[key] = column if column.type == _plain(other[key]).type else column.cast(pa.string())
    return pa.table({**parts, name: pa.array(np.arange(table.num_rows))}).drop_null()


def _plain(values: pa.ChunkedArray) -> pa.ChunkedArray:
    if pa.types.is_dictionary(values.type):
        values = values.cast(values.type.value_type)
    return values.cast(pa.string()) if pa.types.is_large_string(values.type) else values


@dataclass(frozen=True)
class Compared:
    """Which pairs of one column differ, shape (n,): in all, and because only one is missing; of numbers the values."""

    differ: Flags
    one_missing: Flags
    numbers: tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]] | None


def compare(served: pa.ChunkedArray, source: pa.ChunkedArray, *, tolerance: float) -> Compared:
    """Return where two columns of equal length differ.

    Numbers, and times in microseconds, differ beyond `tolerance` times the larger of both; a text is read as what the
    other side is. NaN is missing. Anything else is compared as text.

    Raises
    ------
    pyarrow.ArrowException if a column cannot be read as text.
    """
    ours, theirs = _plain(served), _plain(source)
    a, b = _numbers(ours, theirs.type), _numbers(theirs, ours.type)
    if a is not None and b is not None:
        gone, absent = np.isnan(a), np.isnan(b)
        with np.errstate(invalid="ignore", over="ignore"):
            apart = np.abs(a - b)
            same = (a == b) | (np.isfinite(apart) & (apart <= tolerance * np.maximum(np.abs(a), np.abs(b))))
        one = gone != absent
        return Compared(differ=one | ~(same | gone | absent), one_missing=one, numbers=(a, b))
    truth = pa.types.is_boolean(ours.type) or pa.types.is_boolean(theirs.type)
    texts = [column.cast(pa.string()) for column in (ours, theirs)]
    texts = [pc.utf8_lower(text) for text in texts] if truth else texts
    gone, absent = (_flags(pc.is_null(text)) for text in texts)
    differ = _flags(pc.fill_null(pc.not_equal(texts[0], texts[1]), False))
    return Compared(differ=differ | (gone != absent), one_missing=gone != absent, numbers=None)


def _numbers(values: pa.ChunkedArray, other: pa.DataType) -> npt.NDArray[np.float64] | None:
    """Return values as numbers with NaN where they are missing, or None where they or the other side are none."""
    times = pa.types.is_temporal(values.type) or pa.types.is_temporal(other)
    if not times and not _is_number(values.type) and not _is_number(other):
        return None
    try:
        if times:
            zone = getattr(values.type, "tz", None)
            values = values.cast(pa.timestamp("us", tz=zone), safe=False).cast(pa.int64())
        return np.asarray(pc.fill_null(values.cast(pa.float64(), safe=False), np.nan).to_numpy())
    except pa.ArrowException:
        return None


def _is_number(kind: pa.DataType) -> bool:
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind))


def _flags(values: pa.ChunkedArray) -> Flags:
    return np.asarray(values.to_numpy(), dtype=np.bool_)
