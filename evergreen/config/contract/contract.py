"""What is this data? `configs/<dataset>/contract.yaml`, typed: every column and every rule declared once."""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, field_validator, model_validator

from evergreen.base import documents, zones
from evergreen.base.forms import parts_of
from evergreen.config.contract.columns import MISSING, TABLE_CODES, TASKS, Column, Role, Severity, Task, settable
from evergreen.config.contract.decision import DecisionPolicy
from evergreen.config.contract.sources import DvcSource, FileSource, Join, Source, SqlSource
from evergreen.config.section import Name, Section

_NUMBER = re.compile(r"[+-]?[0-9]+(\.[0-9]*)?")


class Rule(Section):
    """What must hold between two columns of a row: `left` `is` `right`. A missing side breaks nothing."""

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
    left: Name
    operator: Annotated[Literal["<", "<=", "==", ">=", ">"], Field(alias="is")]
    right: Name
    severity: Severity = "fail"
    description: str = ""


class Contract(Section):
    """A dataset: where it comes from, its columns and their roles, and the rules it keeps.

    `timezone`: IANA name; days and hours are cut in it, instants are stored in UTC. `missing`: what text files write
    for a value that is not there. `key`: the columns that together name a row; no two rows may share them.
    `label_delay_days`: how long after an observation its target is known.
    Table rules: `rows`, the inclusive range of their number; `freshness_days`, the most between the last row and now;
    `future_days`, the most that a row's time may lie ahead of now; `time_order`, rows arrive by time; `max_overlap`,
    the share of the gate's rows that may be among the train rows too. `severity`: of table rules, by code.
    """

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]*$")]
    description: str
    source: Source
    joins: tuple[Join, ...] = ()
    timezone: str
    missing: tuple[str, ...] = MISSING
    key: tuple[str, ...] = ()
    label_delay_days: Annotated[int, Field(ge=0)]
    rows: tuple[Annotated[int, Field(ge=0)], Annotated[int, Field(ge=0)] | None] | None = None
    freshness_days: Annotated[float, Field(gt=0)] | None = None
    future_days: Annotated[float, Field(ge=0)] | None = None
    time_order: bool = False
    max_overlap: Annotated[float, Field(ge=0, le=1)] | None = None
    severity: dict[str, Severity] = {}
    rules: tuple[Rule, ...] = ()
    columns: tuple[Column, ...]

    @field_validator("timezone")
    @classmethod
    def _timezone_known(cls, name: str) -> str:
        return zones.known(name)

    @field_validator("severity")
    @classmethod
    def _codes_known(cls, severity: dict[str, Severity]) -> dict[str, Severity]:
        return settable(severity, TABLE_CODES)

    @model_validator(mode="after")
    def _roles_complete(self) -> Self:
        names = [column.name for column in self.columns]
        repeated = sorted({name for name in names if names.count(name) > 1})
        if repeated:
            raise ValueError(f"columns declared twice: {', '.join(repeated)}")
        reserved = [name for name in names if name.startswith("_")]
        if reserved:
            raise ValueError(
                f"names that begin with an underscore are kept for row numbers and the like: {reserved[0]}"
            )
        targets, times = self.with_role("target"), self.with_role("time")
        if len(targets) != 1 or targets[0].type not in TASKS:
            raise ValueError(f"exactly one column of type {', '.join(TASKS)} must have role target")
        if len(times) > 1 or any(column.type != "timestamp" for column in times):
            raise ValueError("at most one column must have role time, and type timestamp")
        if len(self.with_role("group")) > 1:
            raise ValueError("at most one column must have role group")
        unknown = sorted(set(self.key) - set(names))
        if unknown:
            raise ValueError(f"key names columns that are not declared: {', '.join(unknown)}")
        too_late = [c.name for c in self.columns if c.role in ("target", "leakage") and c.name in self.key]
        if too_late:
            raise ValueError(f"key names what is known only with the target: {', '.join(too_late)}")
        dropped = [c.name for c in self.columns if c.pii == "drop" and c.name in self.key]
        if dropped:
            raise ValueError(f"key names a column that is not stored (pii: drop): {', '.join(dropped)}")
        if not self.features:
            raise ValueError("at least one column must have role feature")
        return self

    @model_validator(mode="after")
    def _parts_fit(self) -> Self:
        columns = {column.name: column for column in self.columns}
        for column in self.columns:
            for name in column.parts:
                part = columns.get(name)
                if part is None or part.parts or name in self.joined or part.pii not in (None, "keep"):
                    raise ValueError(f"'{column.name}' has a part that is no declared column of the source: {name}")
                if part.role in ("target", "leakage"):
                    raise ValueError(f"'{column.name}' has a part that is known only with the target: {name}")
            types = [columns[name].type for name in column.parts]
            if column.parts and (column.name in self.joined or not parts_of(types)):
                raise ValueError(
                    f"'{column.name}': parts are a date (timestamp) and a time of day (text) or an hour (integer), or "
                    "year, month, day and so on, each an integer"
                )
        return self

    @model_validator(mode="after")
    def _joins_fit(self) -> Self:
        declared, brought = {column.name for column in self.stored}, self.joined
        repeated = sorted({name for name in brought if brought.count(name) > 1})
        if repeated:
            raise ValueError(f"columns brought by two joins: {', '.join(repeated)}")
        for join in self.joins:
            unknown = sorted(({*join.by, *join.columns} - declared) | ({*join.by} & {*brought}))
            if unknown:
                raise ValueError(f"a join names a column that is not declared, stored, or of the source: {unknown[0]}")
            if join.as_of and (self.time is None or self.time in (*brought, *join.by)):
                raise ValueError("as_of needs a column of the source with role time, which `by` does not name")
        return self

    @model_validator(mode="after")
    def _table_rules_fit(self) -> Self:
        if not self.with_role("time"):
            needing = {
                "freshness_days": self.freshness_days,
                "future_days": self.future_days,
                "time_order": self.time_order or None,
                "label_delay_days": self.label_delay_days or None,
            }
            needless = [name for name, value in needing.items() if value is not None]
            if needless:
                raise ValueError(f"{needless[0]} needs a column with role time")
        if self.rows and self.rows[1] is not None and self.rows[0] > self.rows[1]:
            raise ValueError(f"rows: min <= max must hold, but got {self.rows}")
        types = {column.name: column.type for column in self.columns if column.pii != "drop"}
        for rule in self.rules:
            unknown = [name for name in (rule.left, rule.right) if name not in types]
            if unknown:
                raise ValueError(f"rule '{rule.name}' names a column that is not declared or stored: {unknown[0]}")
            kinds = {"number" if types[side] == "integer" else types[side] for side in (rule.left, rule.right)}
            if len(kinds) > 1 or (rule.operator != "==" and not kinds <= {"number", "timestamp"}):
                raise ValueError(f"rule '{rule.name}': {rule.left} and {rule.right} cannot be compared by it")
        named = [rule.name for rule in self.rules]
        if len(set(named)) < len(named):
            raise ValueError(f"rules named twice: {', '.join(sorted({n for n in named if named.count(n) > 1}))}")
        return self

    @classmethod
    def load(cls, path: Path) -> "Contract":
        """Read a contract; raises ConfigError with the line of the fault."""
        return Declared.read(path).contract

    def with_role(self, role: Role) -> tuple[Column, ...]:
        """Return the columns of one role, in the contract's order."""
        return tuple(column for column in self.columns if column.role == role)

    @property
    def stored(self) -> tuple[Column, ...]:
        """The columns that a dataset keeps: all but those whose personal values are dropped."""
        return tuple(column for column in self.columns if column.pii != "drop")

    @property
    def joined(self) -> list[str]:
        """The columns that joins bring; all others are of the source itself."""
        return [name for join in self.joins for name in join.columns]

    @property
    def features(self) -> tuple[Column, ...]:
        return self.with_role("feature")

    @property
    def time(self) -> str | None:
        """The column that says when a row was observed; None for a table without time."""
        return next((column.name for column in self.with_role("time")), None)

    @property
    def group(self) -> str | None:
        """The column whose equal values belong together, such as a patient's rows; None where rows stand alone."""
        return next((column.name for column in self.with_role("group")), None)

    @property
    def target(self) -> str:
        return self.with_role("target")[0].name

    @property
    def task(self) -> Task:
        """What is predicted: a truth value, one of several categories, or a number."""
        return TASKS[self.with_role("target")[0].type]

    @property
    def request_columns(self) -> tuple[Column, ...]:
        """The columns a caller sends to have a row predicted: the time and the features."""
        return tuple(column for column in self.columns if column.role in ("time", "feature"))

    def as_written(self, columns: Iterable[Column]) -> tuple[Column, ...]:
        """Return columns with the words that stand for a missing value in all of the source among their own.

        So every door reads a text that the source leaves out as missing. Categories that are declared are none, and a
        source with types of its own has no such words in its texts.
        """
        return tuple(columns) if _is_typed(self.source) else tuple(map(self._as_written, columns))

    def _as_written(self, column: Column) -> Column:
        if column.type in ("category", "text"):
            words = [word for word in self.missing if word not in (column.categories or ())]
        elif column.type in ("number", "integer"):
            words = [word for word in self.missing if _NUMBER.fullmatch(word)]
        else:
            return column
        together = tuple(dict.fromkeys((*column.missing, *words)))
        return column if together == column.missing else column.model_copy(update={"missing": together})

    def with_parts(self, columns: Iterable[Column], *, those: bool = True) -> tuple[Column, ...]:
        """Return columns with the parts of each of them before it, every one once; without `those` that have parts."""
        declared = {column.name: column for column in self.columns}
        found: dict[str, Column] = {}
        for column in columns:
            found |= {name: declared[name] for name in column.parts}
            if those or not column.parts:
                found[column.name] = column
        return tuple(found.values())

    @property
    def model_columns(self) -> tuple[str, ...]:
        """The columns that may leave the validated table: key, time, group, features and target. Never leakage."""
        roles = ("key", "time", "group", "feature", "target")
        return tuple(c.name for c in self.stored if c.role in roles or c.name in self.key)


class Declared(Contract):
    """A contract's file: what the data is, and how decisions are made on what a model of it says.

    Steps and models are given the `contract` alone, so that no model is another one for how decisions are made.
    """

    decision: DecisionPolicy | None = None

    @model_validator(mode="after")
    def _decision_fits(self) -> Self:
        policy = self.decision
        if policy is None:
            return self
        if self.task == "regression" and policy.degree in ("partial", "auto"):
            raise ValueError(
                f"decision.degree is {policy.degree}, but nothing says of a number how sure it is: at most assist"
            )
        known = {column.name for column in self.stored if column.role not in ("time", "feature", "target", "leakage")}
        if policy.people is not None and policy.people not in known:
            raise ValueError(
                f"decision.people names '{policy.people}', which is no column that is sent along with a row and that "
                f"no model is given; known: {', '.join(sorted(known)) or 'none'}"
            )
        return self

    @classmethod
    def read(cls, path: Path) -> "Declared":
        """Read a contract's file; raises ConfigError with the line of the fault."""
        data, lines = documents.read(path)
        return documents.check(cls, data, source=str(path), lines=lines)

    @property
    def contract(self) -> Contract:
        return Contract(**{name: getattr(self, name) for name in Contract.model_fields})


def _is_typed(source: Source) -> bool:
    """Return whether a source has types of its own, as far as it says so: then no words stand for what is missing."""
    named = source.path if isinstance(source, (FileSource, DvcSource)) else getattr(source, "url", "")
    by_name = named.lower().endswith((".parquet", ".pq")) and getattr(source, "format", "auto") == "auto"
    return isinstance(source, SqlSource) or by_name or getattr(source, "format", "") == "parquet"
