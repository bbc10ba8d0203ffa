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
    not known here.
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
        note("DQ006", ", ".join(key), "unique", typed.duplicated(list(key), keep=False))

    codes = (
        pd.DataFrame({code: np.where(mask, f"{code} ", "") for code, mask in broken.items()}).sum(axis=1).str.strip()
    )
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
        converted = pd.to_datetime(values, utc=True, errors="coerce")
    elif column.type == "category":
        converted = values.astype("object").astype("str")
    elif column.type == "boolean":
        converted = values.astype("object").map({True: True, False: False}).astype("boolean")
    else:
        converted = pd.to_numeric(values, errors="coerce").astype("float64")
        finite = converted.where(np.isfinite(converted))
        converted = finite.where(finite % 1 == 0).astype("Int64") if column.type == "integer" else finite
    return converted, values.notna() & converted.isna()


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
