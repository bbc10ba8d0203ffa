"""What validation says: one result per rule, and the rows that were kept and set aside."""

from datetime import date, datetime
from typing import Literal

from evergreen.base.values import Value
from evergreen.config.contract.columns import Severity

Outcome = Literal["passed", "failed", "warned", "not applicable"]

SAMPLES = 3
SHOWN = 80  # characters of a value

ROW_CODES = ("DQ002", "DQ003", "DQ004", "DQ005", "DQ006", "DQ010", "DQ011", "DQ012", "DQ013", "DQ022")
WARNED = ("DQ016", "DQ021", "DQ023")  # unless the contract says otherwise; DQ005 too where the categories are open


class Example(Value):
    """A row that breaks a rule: its number in its source item, and the value there."""

    item: str
    row: int
    value: str

    def __str__(self) -> str:
        where = f"{self.item} row" if self.item else "row"
        return f"{where} {self.row}: {self.value}" if self.value else f"{where} {self.row}"


class RuleResult(Value):
    """One rule, on one column or, with `column` empty, on the table.

    `rule` reads as what must be so. `n_bad`: the rows that break it, of the `rows` that it could be asked of.
    `observed`: what was measured, where the rule is not on single rows: a share, a mean, days or a number of rows.
    `why`: the reason for which it is not applicable, or what else there is to say.
    """

    code: str
    column: str
    rule: str
    severity: Severity
    outcome: Outcome
    n_bad: int = 0
    rows: int = 0
    observed: float | None = None
    why: str = ""
    samples: tuple[Example, ...] = ()

    def __str__(self) -> str:
        subject = f"column '{self.column}'" if self.column else "table"
        if self.outcome == "not applicable":
            return f"{self.code} {subject}: not applicable, {self.why}"
        if self.code not in ROW_CODES:
            why = f" ({self.why})" if self.why else ""
            return f"{self.code} {subject}: {'is' if self.outcome == 'passed' else 'is not'} {self.rule}{why}"
        shown = f", such as {', '.join(map(str, self.samples))}" if self.samples else ""
        return f"{self.code} {subject}: {self.n_bad} rows are not {self.rule}{shown}"


class Validation(Value):
    """What validation found. rows = kept + quarantined, always.

    `unreadable`: the rows among the quarantined that hold a value of a wrong type, or no values at all; no other rule
    is asked of them. `last_time`: the newest time of a kept row. `today`: the day that the table was judged on.
    """

    rows: int
    kept: int
    quarantined: int
    unreadable: int = 0
    rules: tuple[RuleResult, ...]
    last_time: datetime | None = None
    today: date | None = None

    @property
    def broken(self) -> tuple[RuleResult, ...]:
        """The rules that fail, worst first."""
        return self._with("failed")

    @property
    def warnings(self) -> tuple[RuleResult, ...]:
        """The rules that warn, worst first."""
        return self._with("warned")

    @property
    def stopping(self) -> tuple[RuleResult, ...]:
        """The rules on columns and on the table that fail: no row answers for them, so the table as a whole does."""
        return tuple(rule for rule in self.broken if rule.code not in ROW_CODES)

    def _with(self, outcome: Outcome) -> tuple[RuleResult, ...]:
        return tuple(sorted((rule for rule in self.rules if rule.outcome == outcome), key=lambda rule: -rule.n_bad))


def judged(severity: Severity, is_broken: bool) -> Outcome:
    """Return the outcome of a rule that could be evaluated."""
    return "passed" if not is_broken else "failed" if severity == "fail" else "warned"


def shown(value: object) -> str:
    """Return a value as one short printable line."""
    text = str(value)
    cut = text if len(text) <= SHOWN else f"{text[: SHOWN - 1]}…"
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in cut)
