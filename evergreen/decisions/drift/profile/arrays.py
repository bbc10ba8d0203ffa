"""Columns as they come from Arrow, and whether they are of the kind that they are profiled as."""

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from evergreen.decisions.drift.profile.profile import Floats, Kind

Cells = npt.NDArray[np.intp]
NAMES: dict[Kind, str] = {
    "number": "a number", "timestamp": "a time with a zone", "category": "a category", "boolean": "a truth value",
}  # fmt: skip


def mismatch(of: pa.DataType, kind: Kind) -> str | None:
    """Return what is wrong with a column's type; None if its values are of the kind, or all of them missing.

    Examples
    --------
    >>> mismatch(pa.string(), "number"), mismatch(pa.int64(), "number")
    ('string where a number was expected', None)
    """
    held = of.value_type if pa.types.is_dictionary(of) else of
    fits = {
        "number": _is_number(held),
        "timestamp": pa.types.is_timestamp(held) and held.tz is not None,
        "category": pa.types.is_string(held) or pa.types.is_large_string(held) or pa.types.is_string_view(held),
        "boolean": pa.types.is_boolean(held),
    }
    return None if fits[kind] or pa.types.is_null(held) else f"{of} where {NAMES[kind]} was expected"


def _is_number(held: pa.DataType) -> bool:
    return any(test(held) for test in (pa.types.is_integer, pa.types.is_floating, pa.types.is_decimal))


def decoded(values: pa.Array) -> pa.Array:
    """Return values one by one, without a dictionary."""
    return values.dictionary_decode() if pa.types.is_dictionary(values.type) else values


def filled(values: pa.Array, instead: int) -> pa.Array:
    """Return whole numbers with one in the place of those that are missing."""
    return values.fill_null(instead) if values.null_count else values


def numbers(values: pa.Array) -> Floats:
    """Return numbers, or instants in microseconds since 1970, as float64; nan where missing."""
    values = decoded(values)
    if pa.types.is_timestamp(values.type):
        values = microseconds(values)
    if not pa.types.is_float64(values.type):
        values = values.cast(pa.float64(), safe=False)
    as_floats: Floats = values.to_numpy(zero_copy_only=False)
    return as_floats


def microseconds(times: pa.Array) -> pa.Array:
    """Return instants as whole microseconds since 1970; one that int64 cannot hold is missing."""
    unit = times.type.unit
    if unit == "ns":
        return pc.floor_temporal(times, unit="microsecond").cast(pa.timestamp("us", times.type.tz)).cast(pa.int64())
    counts = times.cast(pa.int64())
    if unit == "us":
        return counts
    per = 1_000_000 if unit == "s" else 1_000
    held = pc.less_equal(pc.abs(counts), np.iinfo(np.int64).max // per)
    return pc.multiply(pc.if_else(held, counts, pa.scalar(None, pa.int64())), per)


def coded(values: pa.Array, categories: tuple[str, ...]) -> Cells:
    """Return the cell of each text: that of its category, else len(categories), or one more where it is missing."""
    if pa.types.is_dictionary(values.type):
        cell_of = np.append(coded(values.dictionary, categories), len(categories) + 1)
        indices = values.indices if values.indices.null_count == 0 else values.indices.cast(pa.int64())
        return np.asarray(cell_of[filled(indices, len(cell_of) - 1).to_numpy()])
    if pa.types.is_null(values.type) or pa.types.is_string_view(values.type):
        values = values.cast(pa.string())
    known = pc.index_in(values, value_set=pa.array(categories, values.type))
    cells: Cells = filled(known, len(categories)).to_numpy().astype(np.intp)
    if values.null_count:
        cells[values.is_null().to_numpy(zero_copy_only=False)] = len(categories) + 1
    return cells


def truths(values: pa.Array) -> Cells:
    """Return the cell of each truth value: 0 for false, 1 for true, 3 where it is missing."""
    cells: Cells = (
        decoded(values).cast(pa.bool_()).cast(pa.int8()).fill_null(3).to_numpy(zero_copy_only=False).astype(np.intp)
    )
    return cells
