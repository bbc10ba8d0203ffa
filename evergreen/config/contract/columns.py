"""A column of the contract: its type, its role, and the rules on its values."""

import operator
import re
from collections.abc import Mapping
from typing import Annotated, Literal, Self

from pydantic import Field, field_validator, model_validator

from evergreen.base.forms import time_fault
from evergreen.config.contract.spelling import NumberSpelling
from evergreen.config.section import Name, Section

ColumnType = Literal["number", "integer", "category", "text", "timestamp", "boolean"]
Role = Literal["feature", "target", "time", "key", "group", "leakage", "protected", "ignore"]
Task = Literal["binary", "multiclass", "regression"]
Severity = Literal["warn", "fail"]
# Rules whose severity may be set: on a column, and on the table. A rule between columns has its own; a value or row
# that cannot be read is always set aside.
COLUMN_CODES = ("DQ003", "DQ004", "DQ005", "DQ010", "DQ011", "DQ017", "DQ018", "DQ019", "DQ023", "DQ024")
TABLE_CODES = ("DQ006", "DQ014", "DQ015", "DQ016", "DQ020", "DQ021", "DQ022")
Physical = Literal[
    "bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "float", "double", "string"
]  # fmt: skip
TASKS: Mapping[ColumnType, Task] = {
    "boolean": "binary", "category": "multiclass", "number": "regression", "integer": "regression",
}  # fmt: skip
_SPELLED_BY: Mapping[ColumnType, type] = {
    "boolean": tuple, "number": NumberSpelling, "integer": NumberSpelling, "timestamp": str,
}  # fmt: skip
_SPELLED_AS: Mapping[ColumnType, str] = {
    "boolean": "spelling of a boolean is two words, for false and for true",
    "number": 'spelling of a number is a mapping such as {decimal: ",", after: €}',
    "integer": 'spelling of an integer is a mapping such as {thousands: ","}',
    "timestamp": "spelling of a timestamp is a format such as '%d.%m.%Y' or a word such as 'epoch seconds'",
}
# What a text file writes for a value that is not there.
MISSING = ("", "NA", "N/A", "#N/A", "NaN", "nan", "null", "NULL", "None")


class Column(Section):
    """One column of the observation table.

    Row rules: `nullable`, `min` and `max` (inclusive, in `unit`), `categories`, `unique`, `pattern` (of the whole
    value). With `open`, an unknown category is reported and its row is kept; leave `categories` out for no list.
    Column rules: `max_null_share` (0 to 1) and `mean`, the inclusive range that the mean of the column lies in; of
    truth values it is the share of true.
    `physical`: the type in a typed source (Parquet, SQL), whose narrowing is a fault.
    `spelling`: how the source spells the values: what a boolean's false and true look like; of a number, a
    `NumberSpelling`; of a timestamp, a format of strptime such as `%d.%m.%Y %H:%M`, one of the words `epoch seconds`,
    `epoch milliseconds`, `epoch microseconds` and `epoch nanoseconds`, or `rfc 2822`. `missing`: words that stand for a
    value that is not there in this column alone, beside the contract's. `parts`: the columns that together are this
    time, which the source has instead of it, as `parts_of` says. `pii` says what becomes of a personal value
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
    spelling: tuple[str, str] | NumberSpelling | str | None = None
    missing: tuple[str, ...] = Field((), exclude_if=operator.not_)
    parts: tuple[str, ...] = Field((), exclude_if=operator.not_)
    pii: Literal["drop", "hash", "mask", "keep"] | None = None
    severity: dict[str, Severity] = {}
    description: str = ""

    @model_validator(mode="after")
    def _rules_fit_type(self) -> Self:
        self._needs(("number", "integer"), "min and max", self.min, self.max)
        self._needs(("number", "integer", "boolean"), "mean", self.mean)
        self._needs(("category",), "categories", self.categories)
        self._needs(("category", "text"), "pattern", self.pattern)
        self._needs(("boolean", "number", "integer", "timestamp"), "spelling", self.spelling)
        self._needs(("timestamp",), "parts", self.parts or None)
        if self.categories == ():
            raise ValueError(f"column '{self.name}': categories allow no value; leave them out for an open set")
        if self.open and self.categories is None:
            raise ValueError(f"column '{self.name}': open needs categories to be open beside")
        for low, high, of in ((self.min, self.max, "min <= max"), (*(self.mean or (None, None)), "mean low <= high")):
            if low is not None and high is not None and low > high:
                raise ValueError(f"column '{self.name}': {of} must hold, but got ({low}, {high})")
        if self.max_null_share is not None and not self.nullable:
            raise ValueError(f"column '{self.name}': max_null_share needs nullable: true")
        return self

    @model_validator(mode="after")
    def _spelling_fits(self) -> Self:
        if self.spelling is not None and not isinstance(self.spelling, _SPELLED_BY[self.type]):
            raise ValueError(f"column '{self.name}': {_SPELLED_AS[self.type]}")
        if isinstance(self.spelling, tuple) and self.spelling[0] == self.spelling[1]:
            raise ValueError(f"column '{self.name}': spelling gives false and true the same word")
        if isinstance(self.spelling, str) and (fault := time_fault(self.spelling)):
            raise ValueError(f"column '{self.name}': no time is spelled '{self.spelling}': {fault}")
        if self.parts and (self.spelling is not None or self.missing or len(self.parts) < 2):
            raise ValueError(f"column '{self.name}': parts are two columns or more, and bring their own spelling")
        return self

    @field_validator("severity")
    @classmethod
    def _codes_known(cls, severity: dict[str, Severity]) -> dict[str, Severity]:
        return settable(severity, COLUMN_CODES)

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


def settable(severity: dict[str, Severity], codes: tuple[str, ...]) -> dict[str, Severity]:
    """Return severities by code; raises ValueError for a code that is none of `codes`."""
    unknown = sorted(severity.keys() - set(codes))
    if unknown:
        raise ValueError(f"{unknown[0]} has no severity to set here; {', '.join(codes)} have")
    return severity


def loose(column: Column) -> Column:
    """Return a column of which only the type is asked: what comes along is no reason to refuse a prediction."""
    kept = ("name", "type", "role", "spelling", "missing", "parts", "pii", "description")
    return Column(**{name: getattr(column, name) for name in kept}, nullable=True)
