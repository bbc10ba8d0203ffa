"""Rules on columns and on the table: what is measured while batches pass, and what is judged when they have passed."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from math import isfinite

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from evergreen.config.contract.columns import Column
from evergreen.config.contract.contract import Contract
from evergreen.data.datasets import IngestedItem
from evergreen.data.validation.results import SAMPLES, WARNED, Example, Outcome, RuleResult, judged, shown
from evergreen.data.validation.rules import severity_of

_INTEGERS = {f"{sign}int{bits}": bits - (sign == "") for sign in ("", "u") for bits in (8, 16, 32, 64)}
_EXACT = {"float": 24, "double": 53}  # bits of a whole number that a float holds


@dataclass
class ColumnMeasures:
    """Sums over the readable rows of one column."""

    column: Column
    rows: int = 0
    present: int = 0
    total: float = 0.0
    first: pa.Scalar | None = None
    varies: bool = False
    samples: dict[str, list[Example]] = field(default_factory=dict)

    def take(self, values: pa.Array, item: str, numbers: pa.Array) -> None:
        """Take the values of a batch of one source item, and the numbers of its rows there."""
        self.rows += len(values)
        self.present += len(values) - values.null_count
        if values.null_count and self.column.max_null_share is not None:
            self._sample("DQ018", values.is_null(), values, item, numbers)
        if values.null_count == len(values):
            return
        if self.column.mean is not None:
            plain, (low, high) = values.cast(pa.float64(), safe=False), self.column.mean
            self.total += pc.sum(plain).as_py()
            if len(self.samples.get("DQ019", ())) < SAMPLES:
                outside = pc.or_(pc.less(plain, low), pc.greater(plain, high))
                self._sample("DQ019", pc.fill_null(outside, False), values, item, numbers)
        if not self.varies and self.column.role == "feature":
            if self.first is None:
                self.first = values.drop_null()[0]
            self._sample("DQ023", values.is_valid(), values, item, numbers)
            self.varies = pc.any(pc.not_equal(values, self.first)).as_py()

    def _sample(self, code: str, where: pa.Array, values: pa.Array, item: str, numbers: pa.Array) -> None:
        kept = self.samples.setdefault(code, [])
        if len(kept) < SAMPLES:
            for index in pc.indices_nonzero(where)[: SAMPLES - len(kept)].to_pylist():
                kept.append(Example(item=item, row=numbers[index].as_py(), value=shown(values[index].as_py())))

    def results(self) -> Iterable[RuleResult]:
        """Judge the rules that the column declares, and that a feature is not constant."""
        if self.column.max_null_share is not None:
            yield self._null_share(self.column.max_null_share)
        if self.column.mean is not None:
            yield self._mean(*self.column.mean)
        if self.column.role == "feature":
            yield self._constant()

    def _result(
        self,
        code: str,
        rule: str,
        is_broken: bool | None,
        *,
        why: str = "",
        observed: float | None = None,
        n_bad: int = 0,
    ) -> RuleResult:
        severity = severity_of(code, self.column)
        outcome: Outcome = "not applicable" if is_broken is None else judged(severity, is_broken)
        return RuleResult(
            code=code, column=self.column.name, rule=rule, severity=severity, outcome=outcome, why=why,
            observed=observed, n_bad=n_bad if is_broken else 0, rows=self.rows,
            samples=tuple(self.samples.get(code, ())) if is_broken else (),
        )  # fmt: skip

    def _null_share(self, most: float) -> RuleResult:
        rule = f"null in at most {most:.2%} of the rows"
        if not self.rows:
            return self._result("DQ018", rule, None, why="there are no rows")
        nulls = self.rows - self.present
        share = nulls / self.rows
        return self._result("DQ018", rule, share > most, why=f"{share:.2%} are", observed=share, n_bad=nulls)

    def _mean(self, low: float, high: float) -> RuleResult:
        rule = f"between {low:g} and {high:g} in the mean"
        if not self.present:
            return self._result("DQ019", rule, None, why="the column has no value")
        mean = self.total / self.present
        if not isfinite(mean):
            return self._result("DQ019", rule, True, why="the sum of the values overflows", n_bad=self.present)
        return self._result(
            "DQ019", rule, not low <= mean <= high, why=f"the mean is {mean:g}", observed=mean, n_bad=self.present
        )

    def _constant(self) -> RuleResult:
        rule = "of more than one value"
        if self.rows < 2:
            return self._result("DQ023", rule, None, why="one row cannot vary" if self.rows else "there are no rows")
        only = "no row has a value" if self.first is None else f"every value is {shown(self.first.as_py())}"
        return self._result("DQ023", rule, not self.varies, why="" if self.varies else only, n_bad=self.rows)


@dataclass
class Table:
    """What is known of the table when its rows have passed."""

    contract: Contract
    items: Sequence[IngestedItem] = ()
    today: date | None = None
    rows: int = 0
    last: datetime | None = None
    measured: list[ColumnMeasures] = field(default_factory=list)

    def results(self) -> Iterable[RuleResult]:
        """Judge the rules on columns and on the table."""
        for measures in self.measured:
            yield from measures.results()
        for column in self.contract.stored:
            if column.physical is not None:
                yield self._physical(column, column.physical)
        yield from self._undeclared()
        contract = self.contract
        if contract.freshness_days is not None:
            yield self._fresh(contract.freshness_days)
        if contract.rows is not None:
            yield self._number(*contract.rows)
        if contract.time_order:
            yield self._ordered()
        if contract.future_days is not None and self.today is None:
            yield self._result("DQ022", contract.time or "", "not ahead of now", None, why="no day was given")

    def _result(
        self,
        code: str,
        column: str,
        rule: str,
        is_broken: bool | None,
        *,
        why: str = "",
        observed: float | None = None,
        n_bad: int = 0,
        samples: tuple[Example, ...] = (),
    ) -> RuleResult:
        severity = {**self.contract.severity}.get(code, "warn" if code in WARNED else "fail")
        outcome: Outcome = "not applicable" if is_broken is None else judged(severity, is_broken)
        return RuleResult(
            code=code, column=column, rule=rule, severity=severity, outcome=outcome, why=why, observed=observed,
            n_bad=n_bad, rows=self.rows, samples=samples,
        )  # fmt: skip

    def _fresh(self, most: float) -> RuleResult:
        rule = f"newer than {most:g} days"
        if self.today is None or self.last is None:
            why = "no day was given" if self.today is None else "no row that is kept has a time"
            return self._result("DQ014", "", rule, None, why=why)
        begin = pd.Timestamp(self.today, tz=self.contract.timezone)
        age = (begin - pd.Timestamp(self.last)) / pd.Timedelta(days=1)
        why = f"the newest row is of {self.last:%Y-%m-%d %H:%M} UTC, judged on {self.today}"
        return self._result("DQ014", "", rule, age > most, why=why, observed=age, n_bad=self.rows if age > most else 0)

    def _number(self, least: int, most: int | None) -> RuleResult:
        rule = f"of at least {least} rows" if most is None else f"of {least} to {most} rows"
        is_broken = self.rows < least or (most is not None and self.rows > most)
        n_bad = self.rows if is_broken else 0
        why = f"it has {self.rows}"
        return self._result("DQ015", "", rule, is_broken, why=why, observed=self.rows, n_bad=n_bad)

    def _undeclared(self) -> Iterable[RuleResult]:
        rule = "declared in the contract"
        bringing: dict[str, list[IngestedItem]] = {}
        for item in self.items:
            for name in item.undeclared:
                bringing.setdefault(name, []).append(item)
        if not bringing:
            known = bool(self.items)
            yield self._result("DQ016", "", rule, False if known else None, why="" if known else "no source item")
        for name, items in sorted(bringing.items()):
            why = f"it came in {_named(items)} and is not stored"
            first = tuple(Example(item=item.name, row=1, value="") for item in items[:SAMPLES])
            n_bad = sum(item.rows for item in items)
            yield self._result("DQ016", name, rule, True, why=why, n_bad=n_bad, samples=first)

    def _physical(self, column: Column, declared: str) -> RuleResult:
        rule = f"of physical type {declared}"
        known = [(item, item.physical[column.name]) for item in self.items if column.name in item.physical]
        verdicts = [(item, arrived, change(declared, arrived)) for item, arrived in known]
        worst = next((v for what in ("narrowed", "widened") for v in verdicts if v[2] == what), None)
        severity = severity_of("DQ017", column)
        if worst and worst[2] == "widened":
            severity = "warn"
        why = "" if worst is None else f"{worst[2]} to {worst[1]} in {shown(worst[0].name)}"
        outcome: Outcome = judged(severity, worst is not None)
        if not known:
            why, outcome = "no source item has physical types", "not applicable"
        n_bad = sum(item.rows for item, _, verdict in verdicts if worst and verdict == worst[2])
        return RuleResult(
            code="DQ017", column=column.name, rule=rule, severity=severity, outcome=outcome, why=why, n_bad=n_bad,
            rows=sum(item.rows for item, _ in known),
        )  # fmt: skip

    def _ordered(self) -> RuleResult:
        rule = "in the order of its time, in each source item"
        n_bad = sum(item.unordered for item in self.items)
        if not n_bad and self.last is None:
            return self._result("DQ021", "", rule, None, why="no row that is kept has a time")
        worst = [item for item in self.items if item.unordered]
        why = f"{n_bad} rows lie before the row above, in {_named(worst)}" if n_bad else ""
        return self._result("DQ021", "", rule, n_bad > 0, why=why, n_bad=n_bad)


def change(declared: str, arrived: str) -> str:
    """Return whether a physical type is the ``same`` as the declared one, ``widened``: it holds all of its values, or
    ``narrowed``: it does not.

    Examples
    --------
    >>> change("int32", "int64"), change("double", "float"), change("int64", "string")
    ('widened', 'narrowed', 'narrowed')
    """
    if arrived.startswith("dictionary<values="):
        arrived = arrived.removeprefix("dictionary<values=").partition(",")[0]
    arrived = {"large_string": "string", "string_view": "string", "utf8": "string"}.get(arrived, arrived)
    if arrived == declared:
        return "same"
    if declared == "float":
        return "widened" if arrived == "double" else "narrowed"
    bits = _INTEGERS.get(declared)
    if bits is None:
        return "narrowed"
    if arrived in _EXACT:
        return "widened" if bits <= _EXACT[arrived] else "narrowed"
    loses_sign = arrived.startswith("u") and not declared.startswith("u")
    return "widened" if _INTEGERS.get(arrived, 0) >= bits and not loses_sign else "narrowed"


def _named(items: Sequence[IngestedItem]) -> str:
    more = f" and {len(items) - SAMPLES} more" if len(items) > SAMPLES else ""
    return ", ".join(shown(item.name) for item in items[:SAMPLES]) + more
