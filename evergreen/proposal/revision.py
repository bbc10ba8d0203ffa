"""A contract looked at again: what newer data breaks is renewed, what people decided stays; and how two differ."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from evergreen.config.contract.columns import Column
from evergreen.config.contract.contract import Contract
from evergreen.proposal import bounds, drafts
from evergreen.proposal.column_profile import ColumnProfile
from evergreen.proposal.inference import Guess, physical
from evergreen.proposal.profile import TableProfile
from evergreen.proposal.propose import propose
from evergreen.proposal.roles import Ask

PARTED = "says whose row it is: left out, because role: group would part rows anew; set it if that is meant"


@dataclass(frozen=True)
class Revision:
    """A contract for the data as it is now. `notes`: by column, what comes from the data; the table's under ''."""

    contract: Contract
    notes: Mapping[str, tuple[str, ...]]


def revise(contract: Contract, table: TableProfile, *, now: datetime, is_typed: bool) -> Revision:
    """Return the contract with what the data breaks renewed, and with what it says nothing about yet.

    Types, roles, units, descriptions, pii, severities, rules, patterns and the key stay. So does each bound, list and
    limit that all data keep. Columns that joins bring are not looked at.
    """
    notes: dict[str, tuple[str, ...]] = {}
    columns = []
    for column in contract.columns:
        seen = table.columns.get(column.name)
        if column.name in contract.joined:
            columns.append(column)
        elif seen is None:
            notes[""] = (*notes.get("", ()), f"column '{column.name}' is not in the source any more")
        else:
            renewed = _renewed(column, seen, is_typed=is_typed)
            columns.append(renewed)
            changed = [name for name in type(column).model_fields if getattr(column, name) != getattr(renewed, name)]
            if changed:
                notes[column.name] = (f"from the data: {', '.join(changed)}",)
    declared = {column.name for column in contract.columns}
    if new := [name for name in table.columns if name not in declared and not name.startswith("_") and name]:
        ask = Ask(
            target=contract.target, name=contract.name, source=contract.source, now=now, time=contract.time,
            key=contract.key, task=contract.task, missing=contract.missing, is_typed=is_typed,
            timezone=contract.timezone,
        )  # fmt: skip
        proposed = propose(table, ask)
        columns += [_beside(column) for column in proposed.contract.columns if column.name in new]
        for name in new:
            said = (PARTED,) if name == proposed.contract.group else proposed.notes.get(name, ())
            notes[name] = ("not in the contract before; all of it comes from the data", *said)
    rows = contract.rows
    if rows and not rows[0] <= table.rows <= (table.rows if rows[1] is None else rows[1]):
        rows = (max(1, min(rows[0], table.rows // 2)), None)
        notes[""] = (*notes.get("", ()), "from the data: rows")
    # Built, not copied: the rules between the parts are checked again.
    parts = {name: getattr(contract, name) for name in type(contract).model_fields}
    return Revision(contract=type(contract)(**{**parts, "columns": tuple(columns), "rows": rows}), notes=notes)


def _beside(column: Column) -> Column:
    """Return a new column of a contract whose rows are parted already: what would be the group takes no part."""
    return column.model_copy(update={"role": "ignore", "nullable": True}) if column.role == "group" else column


def _renewed(column: Column, seen: ColumnProfile, *, is_typed: bool) -> Column:
    fresh = bounds.column_of(
        seen,
        guessed=Guess(column.type, spelling=column.spelling),
        role=column.role,
        pii=column.pii,
        physical=physical(seen, is_typed=is_typed),
    )
    update: dict[str, Any] = {"nullable": column.nullable or (fresh.nullable and seen.nulls > 0)}
    if column.type in ("number", "integer") and seen.range.n:
        keeps_min = column.min is not None and column.min <= seen.range.low
        keeps_max = column.max is not None and seen.range.high <= column.max
        update["min"] = column.min if keeps_min else fresh.min
        update["max"] = column.max if keeps_max else fresh.max
        keeps_mean = column.mean is not None and column.mean[0] <= seen.range.mean <= column.mean[1]
        update["mean"] = column.mean if keeps_mean else fresh.mean
        if fresh.mean and column.mean is None:
            update["severity"] = {**fresh.severity, **column.severity}
    if column.categories is not None:
        update["categories"] = column.categories + tuple(sorted(set(seen.counts or ()) - {*column.categories}))
    elif column.pattern is None:
        update["categories"], update["open"] = fresh.categories, fresh.open
    if update["nullable"] and (column.max_null_share is None or column.max_null_share < seen.null_share):
        update["max_null_share"] = fresh.max_null_share
    if fresh.physical is not None:
        update["physical"] = fresh.physical
    return Column(**{**{name: getattr(column, name) for name in Column.model_fields}, **update})


@dataclass(frozen=True)
class ContractDifference:
    """What one contract has and another has not. Fields are named as in the file; each maps to (old, new)."""

    added: tuple[str, ...]
    dropped: tuple[str, ...]
    changed: Mapping[str, Mapping[str, tuple[Any, Any]]]
    table: Mapping[str, tuple[Any, Any]]

    @property
    def is_empty(self) -> bool:
        return not (self.added or self.dropped or self.changed or self.table)


def compare(old: Contract, new: Contract) -> ContractDifference:
    """Return how `new` differs from `old`; the order of columns is no difference."""
    before, after = ({column.name: column for column in contract.columns} for contract in (old, new))
    changed = {name: _fields(before[name], after[name]) for name in before if name in after}
    return ContractDifference(
        added=tuple(name for name in after if name not in before),
        dropped=tuple(name for name in before if name not in after),
        changed={name: fields for name, fields in changed.items() if fields},
        table={key: pair for key, pair in _fields(old, new).items() if key != "columns"},
    )


def _fields(old: Column | Contract, new: Column | Contract) -> dict[str, tuple[Any, Any]]:
    before, after = drafts.written(old), drafts.written(new)
    names = [*before, *(name for name in after if name not in before)]
    return {name: (before.get(name), after.get(name)) for name in names if before.get(name) != after.get(name)}
