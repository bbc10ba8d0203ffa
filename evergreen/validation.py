"""Every rule of the contract on every row: which rows are kept, which are set aside, and why."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from evergreen.artifacts import Value
from evergreen.contract import Column

SAMPLES = 3


class RuleResult(Value):
    """One rule on one column: how many rows break it, and a few of the values that do."""

    code: str
    column: str
    rule: str
    n_bad: int
    samples: tuple[str, ...]

    def __str__(self) -> str:
        shown = f", such as {', '.join(self.samples)}" if self.samples else ""
        return f"{self.code} column '{self.column}': {self.n_bad} rows are not {self.rule}{shown}"


class Validation(Value):
    """What validation found. rows = kept + quarantined, always."""

    rows: int
    kept: int
    quarantined: int
    rules: tuple[RuleResult, ...]

    @property
    def broken(self) -> tuple[RuleResult, ...]:
        """The rules that at least one row breaks, worst first."""
        return tuple(sorted((rule for rule in self.rules if rule.n_bad), key=lambda rule: -rule.n_bad))


@dataclass(frozen=True)
class Checked:
    """Rows after the check, under the index 0 to n-1 of the rows that came.

    `typed`: those whose values all have the declared type. `kept`: those that break no rule at all. `codes`: for every
    row the codes of the rules that it breaks, separated by spaces.
    """

    typed: pd.DataFrame
    kept: pd.DataFrame
    codes: pd.Series
    validation: Validation


def check(rows: pd.DataFrame, columns: Sequence[Column], *, key: Sequence[str] = ()) -> Checked:
    """Apply the rules of `columns`, all of which `rows` has, and of the unique `key`, to every row.

    Types come first (DQ002); the other rules, nulls (DQ003), bounds (DQ004), categories (DQ005) and unique keys
    (DQ006), look at the rows whose types are right. Every copy of a repeated key is set aside: which one is true is
    not known here. A key that is missing altogether names no row, so it repeats none.
    """
    rows = rows.reset_index(drop=True)
    broken: dict[str, pd.Series] = {}
    results: list[RuleResult] = []

    def note(code: str, column: str, rule: str, bad: pd.Series) -> None:
        samples = [
            f"row {index}: {rows[column][index]}" if column in rows else f"row {index}"
            for index in bad.index[bad][:SAMPLES]
        ]
        results.append(RuleResult(code=code, column=column, rule=rule, n_bad=int(bad.sum()), samples=tuple(samples)))
        full = bad.reindex(rows.index, fill_value=False)
        broken[code] = broken[code] | full if code in broken else full

    converted = {}
    for column in columns:
        converted[column.name], bad = _convert(rows[column.name], column)
        note("DQ002", column.name, f"of type {column.type}", bad)
    typed = pd.DataFrame(converted)[~broken["DQ002"]]
    for column in columns:
        for code, rule, bad in _column_rules(typed[column.name], column):
            note(code, column.name, rule, bad)
    if key:
        is_repeated = typed.duplicated(list(key), keep=False) & typed[list(key)].notna().any(axis=1)
        note("DQ006", ", ".join(key), "unique", is_repeated)

    broke = pd.DataFrame(broken)
    set_aside = broke[broke.any(axis=1)]
    texts = [" ".join(code for code in broke.columns if mask[code]) for _, mask in set_aside.iterrows()]
    codes = pd.Series(texts, index=set_aside.index, dtype="str").reindex(rows.index, fill_value="")
    kept = typed[codes[typed.index] == ""]
    validation = Validation(rows=len(rows), kept=len(kept), quarantined=len(rows) - len(kept), rules=tuple(results))
    return Checked(typed=typed, kept=kept, codes=codes, validation=validation)


def quarantine(rows: pd.DataFrame, checked: Checked) -> pd.DataFrame:
    """Return the rows that were not kept, as text, with their codes in the column ``codes``."""
    bad = (checked.codes != "").to_numpy()
    return rows[bad].astype("str").assign(codes=checked.codes[bad].to_numpy()).reset_index(drop=True)


def _convert(values: pd.Series, column: Column) -> tuple[pd.Series, pd.Series]:
    """Return `values` in the declared type, and where that was not possible."""
    converted: pd.Series
    if column.type == "timestamp":
        converted = _instants(values)
    elif column.type == "category":
        converted = values.astype("object").astype("str")
    elif column.type == "boolean":
        converted = values.astype("object").map({True: True, False: False}).astype("boolean")
    else:
        converted = _whole(values) if column.type == "integer" else _numbers(values)
    return converted, values.notna() & converted.isna()


def _instants(values: pd.Series) -> pd.Series:
    """Return instants in UTC. A number is none: pandas would count it in nanoseconds from 1970."""
    if pd.api.types.is_numeric_dtype(values.dtype):
        return pd.Series(pd.NaT, index=values.index, dtype="datetime64[us, UTC]")
    instants: pd.Series = pd.to_datetime(values, format="ISO8601", utc=True, errors="coerce").dt.as_unit("us")
    return instants


def _numbers(values: pd.Series) -> pd.Series:
    """Return finite numbers as float64. A truth value is none, and an instant neither, though pandas converts both."""
    if values.dtype.kind in "bmM":
        return pd.Series(np.nan, index=values.index, dtype="float64")
    numbers: pd.Series = pd.to_numeric(values, errors="coerce").astype("float64")
    is_number = np.isfinite(numbers)
    if values.dtype == "object":
        is_number &= ~values.map(type).isin([bool, np.bool_])
    return numbers.where(is_number)


def _whole(values: pd.Series) -> pd.Series:
    """Return whole numbers as Int64, as they were written: beyond 2**53 a float64 cannot tell neighbours apart."""
    numbers: pd.Series = pd.to_numeric(values[_numbers(values).notna()], errors="coerce")
    if numbers.dtype.kind == "f":
        numbers = numbers.where((numbers % 1 == 0) & (numbers.abs() < 2.0**63))
    elif numbers.dtype.kind == "u":
        numbers = numbers.astype("UInt64").where(numbers < 2**63)
    return numbers.astype("Int64").reindex(values.index)


def _column_rules(values: pd.Series, column: Column) -> list[tuple[str, str, pd.Series]]:
    """Return (code, rule, bad rows) for each rule that the contract declares on a column."""
    rules: list[tuple[str, str, pd.Series]] = []
    if not column.nullable:
        rules.append(("DQ003", "present", values.isna()))
    if column.min is not None or column.max is not None:
        low = -np.inf if column.min is None else column.min
        high = np.inf if column.max is None else column.max
        unit = f" {column.unit}" if column.unit else ""
        bad = ~values.astype("float64").between(low, high) & values.notna()
        rules.append(("DQ004", f"between {low:g} and {high:g}{unit}", bad))
    if column.categories is not None:
        rules.append(
            ("DQ005", f"one of {', '.join(column.categories)}", ~values.isin(column.categories) & values.notna())
        )
    return rules
