"""A table looked at once, and its unusual columns again as they are spelled."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime

import pyarrow as pa

from evergreen.config.contract.columns import Column, ColumnType
from evergreen.proposal import inference
from evergreen.proposal.profile import TableProfile, profile
from evergreen.proposal.spellings import columns, joined
from evergreen.proposal.spellings.told import Told

READ_AS: Mapping[ColumnType, tuple[ColumnType, ...]] = {
    "number": ("number", "integer", "boolean"), "integer": ("number", "integer"), "timestamp": ("timestamp",),
}  # fmt: skip
Batches = Callable[[], Iterable[pa.RecordBatch]]


def read(
    batches: Batches,
    *,
    now: datetime,
    key: Sequence[str] = (),
    missing: Sequence[str] = (),
    decimal: str | None = None,
    declared: Sequence[Column] = (),
) -> TableProfile:
    """Return what rows hold, of columns that are spelled in a way of their own what their texts stand for.

    Parameters
    ----------
    batches : the rows, from their beginning each time; twice where a column is spelled unusually.
    missing : what stands for a missing value in every column.
    decimal : the decimal sign, where a person has said it.
    declared : columns that a contract says how to read already.
    """
    table = profile(batches(), key=key)
    sample = table.sample()
    of_parts = {part for column in declared for part in column.parts}
    told = {c.name: _as_declared(c) for c in declared if _is_spelled(c) or c.name in of_parts}
    known = {column.name for column in declared}
    for name, seen in table.columns.items():
        if name in known or not seen.present or not name or name.startswith("_"):
            continue
        found = columns.tell(seen, _drawn(sample, name), missing=missing, decimal=decimal, now=now)
        if found is not None:
            told[name] = found
    if not declared:
        told |= joined.tell(table, sample, told)
    _again(table, told, batches)
    for name, said in told.items():
        if name not in known:
            _keep_if_read(table, name, said)
    return table


def _again(table: TableProfile, told: Mapping[str, Told], batches: Batches) -> None:
    for name, said in told.items():
        if name in table.columns:
            table.columns[name].told = said
    if any(said.is_read_again for said in told.values()):
        table.reread(batches(), told)


def _keep_if_read(table: TableProfile, name: str, said: Told) -> None:
    """Put a column back as it came where fewer of its values than the drawn ones promised are what was told."""
    seen = table.columns[name]
    if not said.is_read_again or inference.guess(seen).type in READ_AS[said.type or "text"]:
        return
    if seen.as_came is None:
        del table.columns[name]
        return
    table.columns[name] = seen.as_came
    seen.as_came.told = Told(notes=(f"read as text: only some of its values are what these are: {said.notes[0]}",))


def _drawn(sample: pa.Table, name: str) -> pa.Array:
    """Return the first of the drawn values, which are drawn evenly, as they came."""
    return sample[name].slice(0, columns.LOOKED_AT).combine_chunks()


def _is_spelled(column: Column) -> bool:
    return bool(column.missing or column.parts) or (column.spelling is not None and column.type != "boolean")


def _as_declared(column: Column) -> Told:
    spelling = None if isinstance(column.spelling, tuple) else column.spelling
    return Told(column.type, spelling, missing=column.missing, parts=column.parts)
