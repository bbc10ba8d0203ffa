"""Single values as JSON has them, read as batch scoring reads them: quickly where they are plain, else by its code."""

from collections.abc import Sequence
from typing import Any

import msgspec
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from evergreen.config.contract.columns import Column
from evergreen.data.typed.schema import ROW, UNREADABLE, conform, from_pandas
from evergreen.data.typed.values import EXACT
from evergreen.data.validation.rules import RowRule, column_rules
from evergreen.learning.model.compiled.plan import PlanColumn
from evergreen.learning.model.compiled.reading import Reader, Unusual
from serving.spellings import allowed, is_text_alone, text_form

Scalar = str | int | float | bool | None
SHOWN = 80


class Fault(Exception):  # noqa: N818  of what was sent
    """A value that the contract does not allow: its row, its column, what is wrong, and what is allowed."""

    def __init__(self, row: int, column: str, what: str, allowed: str) -> None:
        super().__init__(what)
        self.row, self.column, self.what, self.allowed = row, column, what, allowed


Read = list[list[Scalar]]


class Reading:
    """Reads rows of raw values, one for each of `columns`, into typed ones. `plan`: the same columns as plain data."""

    def __init__(self, columns: Sequence[Column], plan: Sequence[PlanColumn], *, zone: str) -> None:
        self._columns, self._zone = tuple(columns), zone
        self._quick = Reader(plan, zone=zone).read
        self._place = {column.name: at for at, column in enumerate(self._columns)}
        self._rules = [rule for rule in column_rules(self._columns) if rule.severity == "fail"]
        self._forms = [text_form(column) for column in self._columns]
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
        for at, form in enumerate(self._forms):
            if form is not None:
                for number, row in enumerate(rows):
                    if isinstance(row[at], str) and form.fullmatch(row[at]) is None:
                        faults.append((number, at, f"must be {allowed(self._columns[at])}"))
                        break
        batch = conform(self._as_they_came(rows), self._columns, zone=self._zone)
        faults += self._unreadable(batch)
        for rule in self._rules:
            _, bad = rule.find(batch)
            if bad is not None and bad.true_count:
                broken = pc.and_(bad, batch.column(UNREADABLE).is_null())
                if broken.true_count:
                    faults.append(self._first(rule, broken))
        if faults:
            self._refuse(rows, min(faults))
        return self._values(batch)

    def _as_they_came(self, rows: Sequence[Sequence[Any]]) -> pa.RecordBatch:
        """Return rows column by column; values of several types as texts, so that none depends on its neighbours."""
        series = {}
        for at, column in enumerate(self._columns):
            values = [row[at] for row in rows]
            if len({type(value) for value in values if value is not None}) > 1:
                values = [_spelled(value, column) for value in values]
            series[column.name] = pd.Series(values, dtype=object)
        return from_pandas(pd.DataFrame(series), self._columns)

    def _unreadable(self, batch: pa.RecordBatch) -> list[tuple[int, int, str]]:
        noted = batch.column(UNREADABLE)
        if noted.null_count == len(noted):
            return []
        row = int(pc.indices_nonzero(noted.is_valid())[0].as_py())
        names = msgspec.json.decode(noted[row].as_py())
        at = min(self._place[name] for name in names)
        return [(row, at, f"must be {allowed(self._columns[at])}")]

    def _first(self, rule: RowRule, broken: pa.Array) -> tuple[int, int, str]:
        return int(pc.indices_nonzero(broken)[0].as_py()), self._place[rule.column], f"must be {rule.text}"

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


def _spelled(value: Any, column: Column) -> str | None:
    """Return a value as the text that is read as the same."""
    if isinstance(value, bool):
        return (column.spelling or ("false", "true"))[value]
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) <= EXACT else repr(value)
    return None if value is None else str(value)


def _shown(value: object) -> str:
    text = msgspec.json.encode(value).decode()
    return text if len(text) <= SHOWN else f"{text[: SHOWN - 1]}…"
