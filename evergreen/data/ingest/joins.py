"""Columns from other sources: matched by equal keys, or as of the observation's time, and never from its future."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import pandas as pd
import pyarrow as pa

from evergreen.base.errors import DataError
from evergreen.config.contract.columns import Column
from evergreen.config.contract.contract import Contract
from evergreen.config.contract.sources import Join
from evergreen.data.ingest.privacy import WITHHELD
from evergreen.data.typed.schema import ROW, UNREADABLE, arrow_schema, conform, to_pandas

AS_OF, POSITION = "_as_of", "_position"


@dataclass(frozen=True)
class JoinedTable:
    """A joined source in memory: its keys, under the observation's names, and the columns that it brings."""

    join: Join
    keys: pd.DataFrame
    columns: pa.RecordBatch


def lookup(join: Join, batches: Iterable[pa.RecordBatch], contract: Contract, *, name: str) -> JoinedTable:
    """Read a joined source whole.

    Raises
    ------
    DataError if it lacks a column, or has two rows for one key and there is no time to choose by.
    """
    declared = {column.name: column for column in contract.columns}
    renamed = [declared[ours] for ours in (*join.by, *join.columns)]
    theirs = [*join.by.values(), *join.columns.values()]
    if join.as_of:
        renamed.append(Column(name=AS_OF, type="timestamp", role="ignore"))
        theirs.append(join.as_of.time)
    typed: list[pa.RecordBatch] = []
    seen: dict[str, None] = {}
    for batch in batches:
        seen |= dict.fromkeys(batch.schema.names)
        arrays = [
            batch.column(column) if column in batch.schema.names else pa.nulls(batch.num_rows) for column in theirs
        ]
        together = pa.RecordBatch.from_arrays(arrays, names=[column.name for column in renamed])
        typed.append(conform(together, renamed, zone=contract.timezone, missing=contract.missing))
    missing = [column for column in theirs if column not in seen]
    if missing and seen:
        raise DataError(
            "DQ001",
            f"missing columns: {', '.join(missing)}; found: {', '.join(seen)}",
            where=name,
            next_step="Correct the file, or the column names in the contract's join.",
        )
    table = pa.concat_batches([pa.RecordBatch.from_pylist([], arrow_schema(renamed)), *typed])
    keys = to_pandas(table.select([*join.by, *([AS_OF] if join.as_of else [])]))
    keys = keys.assign(**{POSITION: range(len(keys))}).dropna()
    if not join.as_of and keys.duplicated([*join.by]).any():
        twice = keys[keys.duplicated([*join.by])].iloc[0][[*join.by]].to_dict()
        twice |= {key: WITHHELD for key in join.by if declared[key].pii not in (None, "keep")}
        raise DataError(
            "DQ032",
            f"more than one row for {', '.join(f'{key} {value}' for key, value in twice.items())}",
            where=name,
            next_step="Make the key unique there, add a column to `by`, or join as_of a time.",
        )
    if join.as_of:
        keys = keys.sort_values(AS_OF, kind="stable")
    return JoinedTable(join, keys, table.select([*join.columns, UNREADABLE]))


def attach(rows: pa.RecordBatch, lookups: Sequence[JoinedTable], contract: Contract) -> pa.RecordBatch:
    """Return typed observations with the columns of every lookup, in the contract's order; no row is lost or doubled.

    As of a time, the match is the last row strictly before the observation, within the tolerance: what is known at the
    very moment may have been written after it.
    """
    if not lookups:
        return rows
    brought = {UNREADABLE: rows.column(UNREADABLE)}
    for table in lookups:
        positions = pa.array(_positions(rows, table, contract).astype("Int64"), pa.int64())
        taken = table.columns.take(positions)
        brought |= {name: taken.column(name) for name in table.join.columns}
        brought[UNREADABLE] = _both(brought[UNREADABLE], taken.column(UNREADABLE), table.join)
    names = [column.name for column in contract.stored] + [ROW, UNREADABLE]
    return pa.RecordBatch.from_arrays([brought[n] if n in brought else rows.column(n) for n in names], names=names)


def _both(ours: pa.Array, theirs: pa.Array, join: Join) -> pa.Array:
    """Return what could not be read in a row, or in the columns that the join brings to it."""
    if theirs.null_count == len(theirs):
        return ours
    notes = [
        (json.loads(a or "{}"), json.loads(b or "{}"))
        for a, b in zip(ours.to_pylist(), theirs.to_pylist(), strict=True)
    ]
    together = [a | {name: text for name, text in b.items() if name in join.columns} for a, b in notes]
    return pa.array([json.dumps(note, ensure_ascii=False) if note else None for note in together], pa.string())


def _positions(rows: pa.RecordBatch, table: JoinedTable, contract: Contract) -> pd.Series:
    join = table.join
    on = [*join.by]
    if join.as_of is None or contract.time is None:
        left = to_pandas(rows.select(on))
        return left.merge(table.keys, on=on, how="left", validate="m:1")[POSITION]
    left = to_pandas(rows.select([*on, contract.time]))
    known = left.dropna().sort_values(contract.time, kind="stable")
    if known.empty or table.keys.empty:  # pandas 3.0 cannot join two empty tables
        return pd.Series(pd.NA, index=left.index, dtype="Int64")
    tolerance = join.as_of.tolerance_hours
    matched = pd.merge_asof(
        known.reset_index(names="_index"),
        table.keys,
        left_on=contract.time,
        right_on=AS_OF,
        by=on,
        direction="backward",
        allow_exact_matches=False,
        tolerance=None if tolerance is None else pd.Timedelta(hours=tolerance),
    )
    return matched.set_index("_index")[POSITION].reindex(left.index)
