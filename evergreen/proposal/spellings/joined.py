"""A time that several columns of a table tell together, where it is clear which."""

import re
from collections.abc import Mapping, Sequence

import pyarrow as pa
import pyarrow.compute as pc

from evergreen.base import forms
from evergreen.config.contract.columns import ColumnType
from evergreen.data.typed.schema import conform
from evergreen.proposal.inference import guess, snake
from evergreen.proposal.profile import TableProfile
from evergreen.proposal.roles import NOT_WHEN
from evergreen.proposal.spellings import parts
from evergreen.proposal.spellings.told import Told

NAME = "observed_at"
MOST_MISSING = 0.04
LOOKED_AT = 20_000
DAY = 86_400_000_000
MONTH = re.compile(forms.MONTH)


def tell(table: TableProfile, sample: pa.Table, told: Mapping[str, Told]) -> dict[str, Told]:
    """Return the time that columns tell together, by a name that the table has not, or a note where it is not clear.

    A table that has a time with hours already, or a date and nothing beside it, has nothing to join.
    """
    kinds = _kinds(table, told)
    times = [name for name, kind in kinds.items() if kind == "timestamp" and not NOT_WHEN.search(snake(name))]
    whole = {name: Told(kinds[name]) if name not in told else told[name] for name in times}
    if any(not _is_date(sample, name, said) for name, said in whole.items()):
        return {}
    dates = [name for name in times if table.columns[name].null_share <= MOST_MISSING]
    counts = {name: "integer" if _has_leading_zeros(table, name) else kind for name, kind in kinds.items()}
    months = [name for name in parts.named(list(kinds), "month") if _names_months(table, name)]
    hours = [name for name in parts.named(list(kinds), "hour") if _within(table, name, counts, "hour")]
    clocks = hours or [name for name, kind in kinds.items() if kind in ("category", "text") and _is_clock(sample, name)]
    if len(dates) == 1 and len(clocks) == 1:
        minutes = [name for name in parts.named(list(kinds), "minute") if _within(table, name, kinds, "minute")]
        takes_minutes = hours and kinds[clocks[0]] == "integer" and len(minutes) == 1
        found = (dates[0], clocks[0], *(minutes if takes_minutes else ()))
    elif dates or any(said.is_date for said in told.values()):
        return _note_of_several(dates, clocks) if dates and clocks else {}
    else:
        ranges = {name: (seen.range.low, seen.range.high) for name, seen in table.columns.items()}
        counts |= dict.fromkeys(months, "integer")
        found = parts.calendar(counts, ranges | dict.fromkeys(months, parts.RANGES["month"]))
    return _joined(table, sample, found, kinds, told) if found else {}


def _kinds(table: TableProfile, told: Mapping[str, Told]) -> dict[str, ColumnType]:
    kinds: dict[str, ColumnType] = {}
    for name, seen in table.columns.items():
        if name and not name.startswith("_"):
            kinds[name] = (told[name].type if name in told else None) or guess(seen).type
    return kinds


def _has_leading_zeros(table: TableProfile, name: str) -> bool:
    """Return whether a column's texts are whole numbers, some of them written as 01: kept as text, and parts alike."""
    seen = table.columns[name]
    return bool(seen.leading_zeros) and seen.whole == seen.numbers == seen.present


def _names_months(table: TableProfile, name: str) -> bool:
    """Return whether a column's texts are the English names of months."""
    seen = table.columns[name].counts
    return bool(seen) and all(MONTH.fullmatch(text.strip()) for text in seen or ())


def _is_date(sample: pa.Table, name: str, said: Told) -> bool:
    """Return whether times have no time of day."""
    instants = conform(_batch(sample, [name]), [said.column(name)], zone="UTC").column(name).drop_null()
    micros = instants.cast(pa.int64()).to_numpy()
    return bool((micros % DAY == 0).all())


def _within(table: TableProfile, name: str, kinds: Mapping[str, ColumnType], part: str) -> bool:
    seen, (low, high) = table.columns[name], parts.RANGES[part]
    return kinds[name] == "integer" and low <= seen.range.low < seen.range.high <= high


def _is_clock(sample: pa.Table, name: str) -> bool:
    values = sample[name].slice(0, LOOKED_AT).drop_null()
    return pa.types.is_string(values.type) and parts.is_clock([text.strip() for text in pc.unique(values).to_pylist()])


def _batch(sample: pa.Table, names: Sequence[str]) -> pa.RecordBatch:
    rows = sample.select(list(names)).slice(0, LOOKED_AT).combine_chunks()
    return pa.RecordBatch.from_arrays([column.combine_chunks() for column in rows.columns], names=list(names))


def _joined(
    table: TableProfile, sample: pa.Table, found: Sequence[str], kinds: Mapping[str, ColumnType],
    told: Mapping[str, Told],
) -> dict[str, Told]:  # fmt: skip
    shown = ", ".join(map(repr, found))
    name = next(each for each in (NAME, *(f"{NAME}_{n}" for n in range(2, 99))) if each not in table.columns)
    joined = Told("timestamp", parts=tuple(found), is_date=True, notes=(f"{shown} together tell the time of a row",))
    columns = [told.get(part, Told(kinds[part])).column(part, kinds[part]) for part in found]
    rows = conform(_batch(sample, found), [*columns, joined.column(name)], zone="UTC")
    if rows.column(name).null_count > MOST_MISSING * rows.num_rows:
        return {}
    kept = {part: told[part] if part in told and told[part].is_read_again else Told(kinds[part]) for part in found}
    return {**kept, name: joined}


def _note_of_several(dates: Sequence[str], clocks: Sequence[str]) -> dict[str, Told]:
    said = (
        f"{', '.join(dates)} may be a time together with {', '.join(clocks)}: for one, add a column such as "
        f"{{name: {NAME}, type: timestamp, role: time, parts: [{dates[0]}, {clocks[0]}]}}"
    )
    return {clocks[0]: Told(notes=(said,))}
