"""Rules on single rows: for each, which rows of a batch of typed values break it."""

import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from evergreen.config.contract.columns import Column, Severity
from evergreen.config.contract.contract import Contract, Rule
from evergreen.data.validation.patterns import breaking
from evergreen.data.validation.results import WARNED

# Of a batch: how many rows the rule could be asked of, and which break it, without nulls; None where none does.
Finding = tuple[int, pa.Array | None]

_COMPARE = {"<": pc.less, "<=": pc.less_equal, "==": pc.equal, ">=": pc.greater_equal, ">": pc.greater}


@dataclass(frozen=True)
class RowRule:
    """A rule and how it is asked of a batch. `needs`: the columns whose values a sample shows."""

    code: str
    column: str
    text: str
    severity: Severity
    needs: tuple[str, ...]
    find: Callable[[pa.RecordBatch], Finding]


def row_rules(contract: Contract, *, today: date | None = None) -> list[RowRule]:
    """Return the contract's rules on single rows, but for types, which come first, and uniqueness, which is no
    single row's.
    """
    rules = column_rules(contract.stored)
    rules += [cross_rule(rule) for rule in contract.rules]
    if contract.time and contract.future_days is not None and today is not None:
        rules.append(_not_ahead(contract, contract.time, today))
    return rules


def column_rules(columns: Sequence[Column]) -> list[RowRule]:
    """Return the rules on the single values of columns: presence, bounds, categories and patterns."""
    rules: list[RowRule] = []
    for column in columns:
        if not column.nullable:
            rules.append(_rule("DQ003", column, "present", _absent(column.name)))
        if column.min is not None or column.max is not None:
            rules.append(_rule("DQ004", column, bounds_text(column), _outside(column)))
        if column.categories is not None:
            text = f"one of {', '.join(column.categories)}"
            rules.append(_rule("DQ005", column, text, _outside_categories(column.name, column.categories)))
        if column.pattern is not None:
            rules.append(_rule("DQ011", column, f"all of the pattern {column.pattern}", _unlike(column)))
    return rules


def severity_of(code: str, column: Column) -> Severity:
    """Return what a column's rule does when it is broken."""
    return column.severity.get(code, "warn" if code in WARNED or (code == "DQ005" and column.open) else "fail")


def latest(contract: Contract, today: date) -> pd.Timestamp:
    """Return the last instant that a row's time may have: `future_days` after the end of `today`."""
    end = pd.Timestamp(today + timedelta(days=1), tz=contract.timezone)
    return (end + pd.Timedelta(days=contract.future_days or 0)).tz_convert("UTC").as_unit("us")


def bounds_text(column: Column) -> str:
    """Return the bounds of a column in words."""
    unit = f" {column.unit}" if column.unit else ""
    if column.min is None:
        return f"at most {column.max:g}{unit}"
    if column.max is None:
        return f"at least {column.min:g}{unit}"
    return f"between {column.min:g} and {column.max:g}{unit}"


def _rule(code: str, column: Column, text: str, find: Callable[[pa.RecordBatch], Finding]) -> RowRule:
    return RowRule(code, column.name, text, severity_of(code, column), (column.name,), find)


def _absent(name: str) -> Callable[[pa.RecordBatch], Finding]:
    def find(batch: pa.RecordBatch) -> Finding:
        values = batch.column(name)
        return len(values), values.is_null() if values.null_count else None

    return find


def _outside(column: Column) -> Callable[[pa.RecordBatch], Finding]:
    bounds = [(pc.less, operator.lt, "min", column.min), (pc.greater, operator.gt, "max", column.max)]
    given = [(compare, breaks, end, float(bound)) for compare, breaks, end, bound in bounds if bound is not None]

    def find(batch: pa.RecordBatch) -> Finding:
        values = batch.column(column.name)
        looked = len(values) - values.null_count
        span = pc.min_max(values).as_py()
        if not looked or not any(breaks(float(span[end]), bound) for _, breaks, end, bound in given):
            return looked, None
        numbers = _as_floats(values)
        masks = [pc.fill_null(compare(numbers, bound), False) for compare, _, _, bound in given]
        return looked, masks[0] if len(masks) == 1 else pc.or_(*masks)

    return find


def _outside_categories(name: str, categories: Sequence[str]) -> Callable[[pa.RecordBatch], Finding]:
    allowed = pc.SetLookupOptions(pa.array(categories, pa.string()))

    def find(batch: pa.RecordBatch) -> Finding:
        values = batch.column(name)
        looked = len(values) - values.null_count
        if pa.types.is_dictionary(values.type):
            unknown = pc.invert(pc.is_in(values.dictionary, options=allowed))
            return looked, _some(unknown.take(values.indices)) if unknown.true_count else None
        known = pc.is_in(values, options=allowed)
        return looked, None if known.true_count == looked else pc.and_not(values.is_valid(), known)

    return find


def _unlike(column: Column) -> Callable[[pa.RecordBatch], Finding]:
    bad = breaking(column.pattern or "")

    def find(batch: pa.RecordBatch) -> Finding:
        values = batch.column(column.name)
        looked = len(values) - values.null_count
        if pa.types.is_dictionary(values.type):
            broken = bad(values.dictionary)
            return looked, _some(broken.take(values.indices)) if broken.true_count else None
        return looked, _some(bad(values))

    return find


def cross_rule(rule: Rule) -> RowRule:
    """Return a rule between two columns of a row; a row that lacks one of them is not asked."""

    def find(batch: pa.RecordBatch) -> Finding:
        left, right = batch.column(rule.left), batch.column(rule.right)
        if left.type != right.type:
            left, right = _as_floats(left), _as_floats(right)
        holds = _COMPARE[rule.operator](left, right)
        return len(holds) - holds.null_count, _some(pc.invert(holds)) if holds.false_count else None

    return RowRule(
        "DQ012", f"{rule.left}, {rule.right}", cross_text(rule), rule.severity, (rule.left, rule.right), find
    )


def cross_text(rule: Rule) -> str:
    """Return a cross-column rule in words."""
    return f"{rule.left} {rule.operator} {rule.right} ({rule.name})"


def _not_ahead(contract: Contract, time: str, today: date) -> RowRule:
    last = latest(contract, today)
    bound = pa.scalar(last, pa.timestamp("us", "UTC"))

    def find(batch: pa.RecordBatch) -> Finding:
        values = batch.column(time)
        newest = pc.max(values)
        ahead = newest.is_valid and newest.value > bound.value
        return len(values) - values.null_count, _some(pc.greater(values, bound)) if ahead else None

    severity = contract.severity.get("DQ022", "fail")
    return RowRule("DQ022", time, f"at most {contract.future_days:g} days after {today}", severity, (time,), find)


def _as_floats(values: pa.Array) -> pa.Array:
    return values if pa.types.is_floating(values.type) else values.cast(pa.float64(), safe=False)


def _some(bad: pa.Array) -> pa.Array | None:
    """Return where `bad` is true, null counting as false; None where it is nowhere."""
    return pc.fill_null(bad, False) if bad.true_count else None
