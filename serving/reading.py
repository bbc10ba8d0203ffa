"""Single values as JSON has them, read as batch scoring reads them: quickly where they are plain, else by its code."""

import re
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from evergreen.config.contract.columns import MISSING, Column
from evergreen.config.contract.contract import Contract
from evergreen.config.contract.spelling import NumberSpelling
from evergreen.data.typed.schema import ROW, UNREADABLE, conform, from_pandas, from_parts
from evergreen.data.typed.times import where
from evergreen.data.typed.values import EXACT
from evergreen.data.validation.rules import RowRule, column_rules
from evergreen.learning.model.compiled.plan import PlanColumn
from evergreen.learning.model.compiled.reading import Reader, Unusual
from evergreen.learning.model.requested import planned
from serving.spellings import allowed, is_text_alone

Scalar = str | int | float | bool | None
SHOWN = 80


_AT_THE_ENDS = re.compile(r"\s*(?:(?:2262|1678)(?:-0?1-0?1|/0?1/0?1|0101)|2261(?:-12-31|/12/31|1231))(?![0-9])")


class Fault(Exception):  # noqa: N818  of what was sent
    """A value that the contract does not allow: its row, its column, what is wrong, and what is allowed."""

    def __init__(self, row: int, column: str, what: str, allowed: str) -> None:
        super().__init__(what)
        self.row, self.column, self.what, self.allowed = row, column, what, allowed


Read = list[list[Scalar]]


class Reading:
    """Reads rows of raw values, one for each of `columns`, into typed ones.

    Parameters
    ----------
    plan : the same columns as plain data.
    missing : texts that stand for a value that is not there where a number, a time or a truth value is wanted.
    parts : the columns that times among `columns` are told by; such a time's value is the tuple of theirs, or one text.
    """

    def __init__(
        self,
        columns: Sequence[Column],
        plan: Sequence[PlanColumn],
        *,
        zone: str,
        missing: Sequence[str] = MISSING,
        parts: Sequence[Column] = (),
    ) -> None:
        self._columns, self._zone, self._missing, self._parts = tuple(columns), zone, missing, tuple(parts)
        self._quick = Reader(plan, zone=zone).read
        self._place = {column.name: at for at, column in enumerate(self._columns)}
        self._rules = [rule for rule in column_rules(self._columns) if rule.severity == "fail"]
        self._texts_alone = [at for at, column in enumerate(self._columns) if is_text_alone(column)]

    def read(self, rows: Sequence[Sequence[Any]]) -> Read:
        """Return the typed values of rows.

        A number is a float, an instant whole microseconds since 1970 in UTC, what is missing None.

        Raises
        ------
        Fault for the first row with a value that cannot be read, or breaks a rule whose severity is fail.
        """
        for at in self._texts_alone:
            for number, row in enumerate(rows):
                if row[at] is not None and type(row[at]) is not str:
                    self._refuse(rows, (number, at, f"must be {allowed(self._columns[at])}"))
        typed: list[list[Scalar]] = []
        unusual: list[int] = []
        for number, row in enumerate(rows):
            into: list[Scalar] = []
            try:
                self._quick(row, into)
            except Unusual:
                unusual.append(number)
            typed.append(into)
        if not unusual:
            return typed
        try:
            checked = self._check([rows[number] for number in unusual])
        except Fault as fault:
            fault.row = unusual[fault.row]
            raise
        for number, values in zip(unusual, checked, strict=True):
            typed[number] = values
        return typed

    def _check(self, rows: Sequence[Sequence[Any]]) -> Read:
        faults: list[tuple[int, int, str]] = []
        batch = conform(
            self._as_they_came(rows), self._columns, zone=self._zone, missing=self._missing, parts=self._parts
        )
        faults += [*self._misspelled(rows), *self._unreadable(batch)]
        for rule in self._rules:
            _, bad = rule.find(batch)
            if bad is not None and rule.code == "DQ003":  # else what cannot be read would be said to be missing
                bad = pc.and_(bad, batch.column(UNREADABLE).is_null())
            if bad is not None and bad.true_count:
                faults.append(self._first(rule, bad))
        if faults:
            self._refuse(rows, min(faults))
        return self._values(batch)

    def _misspelled(self, rows: Sequence[Sequence[Any]]) -> Iterator[tuple[int, int, str]]:
        """Yield the first time in each column that lies on a day which only some offsets from UTC leave in range."""
        for at, column in enumerate(self._columns):
            if column.type == "timestamp" and column.spelling is None:
                for number, row in enumerate(rows):
                    if isinstance(row[at], str) and _AT_THE_ENDS.match(row[at]):
                        yield number, at, f"must be {allowed(column)}"
                        break

    def _as_they_came(self, rows: Sequence[Sequence[Any]]) -> pa.RecordBatch:
        """Return rows column by column; values of several types as texts, so that none depends on its neighbours."""
        series: dict[str, pd.Series] = {}
        for at, column in enumerate(self._columns):
            values = [row[at] for row in rows]
            if any(type(value) is tuple for value in values):
                values = self._told_by_parts(values, column)
            series[column.name] = _series(values, column)
        return from_pandas(pd.DataFrame(series), self._columns)

    def _told_by_parts(self, values: Sequence[Any], column: Column) -> list[Any]:
        """Return a time's values with those that its parts tell as texts: times in ISO 8601, or what is none."""
        told = zip(*(value for value in values if type(value) is tuple), strict=True)
        series = {part.name: _series(list(each), part) for part, each in zip(self._parts_of(column), told, strict=True)}
        batch = from_pandas(pd.DataFrame(series), self._parts_of(column))
        came, times = from_parts(batch, column, self._parts_of(column), self._missing)
        none = pc.binary_join_element_wise("no time:", came, " ")  # which cannot be read as one itself
        texts = iter(where(came.is_valid(), pc.coalesce(times, none)).to_pylist())
        return [next(texts) if type(value) is tuple else value for value in values]

    def _parts_of(self, column: Column) -> list[Column]:
        declared = {part.name: part for part in self._parts}
        return [declared[name] for name in column.parts]

    def _unreadable(self, batch: pa.RecordBatch) -> list[tuple[int, int, str]]:
        noted = batch.column(UNREADABLE)
        if noted.null_count == len(noted):
            return []
        row = int(pc.indices_nonzero(noted.is_valid())[0].as_py())
        names = msgspec.json.decode(noted[row].as_py())
        at = min(self._place[name] for name in names)
        return [(row, at, f"must be {allowed(self._columns[at])}")]

    def _first(self, rule: RowRule, broken: pa.Array) -> tuple[int, int, str]:
        at = self._place[rule.column]
        text = rule.text if rule.code == "DQ003" else allowed(self._columns[at])
        return int(pc.indices_nonzero(broken)[0].as_py()), at, f"must be {text}"

    def _refuse(self, rows: Sequence[Sequence[Any]], fault: tuple[int, int, str]) -> None:
        row, at, what = fault
        column = self._columns[at]
        shown = "" if column.pii is not None else f", got {_shown(rows[row][at])}"
        raise Fault(row, column.name, f"{what}{shown}", f"It may be {allowed(column)}.")

    def _values(self, batch: pa.RecordBatch) -> list[list[Scalar]]:
        columns = []
        for column in self._columns:
            values = batch.column(column.name)
            columns.append((values.cast(pa.int64()) if column.type == "timestamp" else values).to_pylist())
        return [list(row) for row in zip(*columns, strict=True)] if columns else [[] for _ in batch.column(ROW)]


def reading_of(columns: Sequence[Column], contract: Contract, *, given: Sequence[Column] = ()) -> Reading:
    """Return what reads rows of a contract's columns, of which `given` may be left out."""
    parts = {part.name: part for part in contract.as_written(contract.with_parts(columns)) if not part.parts}
    plan = [
        planned(column, given=column in given, parts=[planned(parts[name]) for name in column.parts])
        for column in columns
    ]
    told = [parts[name] for column in columns for name in column.parts]
    return Reading(columns, plan, zone=contract.timezone, missing=contract.missing, parts=told)


def _series(values: list[Any], column: Column) -> pd.Series:
    """Return values; those of several types as texts, so that none depends on its neighbours."""
    if len({type(value) for value in values if value is not None}) > 1:
        values = [_spelled(value, column) for value in values]
    return pd.Series(values, dtype=object)


def _spelled(value: Any, column: Column) -> str | None:
    """Return a value as the text that is read as the same."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return (column.spelling if isinstance(column.spelling, tuple) else ("false", "true"))[value]
    is_whole = isinstance(value, float) and value.is_integer() and abs(value) <= EXACT
    text = str(int(value)) if is_whole else str(value)
    if isinstance(column.spelling, NumberSpelling):
        return column.spelling.of(text)
    return text


def _shown(value: object) -> str:
    text = msgspec.json.encode(value).decode()
    return text if len(text) <= SHOWN else f"{text[: SHOWN - 1]}…"
