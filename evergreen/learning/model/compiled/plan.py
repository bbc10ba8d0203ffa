"""The plan of a compiled model: how a row becomes the numbers that its graph takes, as plain data."""

from operator import lt
from typing import Literal

import msgspec

from evergreen.base.errors import IntegrityError
from evergreen.learning.model.compiled.curves import Link, Method

ColumnType = Literal["number", "integer", "category", "text", "timestamp", "boolean"]
Task = Literal["binary", "multiclass", "regression"]
Part = Literal["hour", "weekday", "month", "day_of_year"]
Wave = Literal["", "sin", "cos"]
Key = str | float
Cell = str | float | None
Pairs = tuple[tuple[int, float], ...]
VERSION = 1


class CompiledError(IntegrityError):
    """A plan or a graph that is not one of ours, or that do not fit one another."""


class NumberForm(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How a number is spelled: the contract's `NumberSpelling`."""

    decimal: str
    thousands: str
    before: str
    after: str
    parentheses: bool


class PlanColumn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A column that a row is asked with.

    `given`: a feature of the past, which may be left out and is missing then. `refuses`: the codes of the broken rules
    that refuse the row; rules that only warn are not among them. `missing`: what stands for no value in this column,
    and `parts`: the columns that a time is told by instead; neither is written where there is none.
    """

    name: str
    type: ColumnType
    nullable: bool
    given: bool = False
    min: float | None = None
    max: float | None = None
    categories: tuple[str, ...] | None = None
    pattern: str | None = None
    spelling: tuple[str, str] | NumberForm | str | None = None
    refuses: tuple[str, ...] = ()
    missing: tuple[str, ...] | msgspec.UnsetType = msgspec.UNSET
    parts: "tuple[PlanColumn, ...] | msgspec.UnsetType" = msgspec.UNSET


class Calendar(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A part of the time in the plan's zone; with a `wave`, the sine or cosine of it as a share of its `period`."""

    part: Part
    period: int
    wave: Wave = ""


class Bucket(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The number of the interval of `edges` that a value lies in."""

    of: int
    edges: tuple[float, ...]


class Lookup(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A small table by a value: `columns` hold one cell for each key."""

    by: int
    keys: tuple[Key, ...]
    columns: tuple[tuple[Cell, ...], ...]


class Category(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a category becomes: for each of `keys`, for one that is not there, and for any other, pairs of position and
    number; the positions of `width` from `at` that are not named hold 0.
    """

    of: int
    at: int
    width: int
    keys: tuple[str, ...]
    numbers: tuple[Pairs, ...]
    missing: Pairs
    unseen: Pairs


class Number(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a number becomes: bounded, minus `centre`, by `scale`; `missing` where it is not there.

    `flag`: the position, and the numbers where it is there and where it is not.
    """

    of: int
    at: int
    missing: float
    centre: float | None = None
    scale: float | None = None
    flag: tuple[int, float, float] | None = None


class Curve(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What calibrates probabilities: see `curves.calibrated`."""

    method: Method
    numbers: tuple[float, ...]


class Plan(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How a row becomes numbers.

    Values are numbered: first the `columns`, then the instants among them (`seconds`) as seconds, and what is derived,
    in the order of the fields from `calendar` to `lookups`. `categories` and `numbers` say what the values become, in
    `width` numbers. `link` and `calibration` say what the graph's answers become.
    """

    version: int
    task: Task
    classes: tuple[str, ...]
    zone: str
    columns: tuple[PlanColumn, ...]
    time: int | None
    seconds: tuple[int, ...]
    calendar: tuple[Calendar, ...]
    ratios: tuple[tuple[int, int], ...]
    differences: tuple[tuple[int, int], ...]
    buckets: tuple[Bucket, ...]
    lookups: tuple[Lookup, ...]
    categories: tuple[Category, ...]
    numbers: tuple[Number, ...]
    width: int
    link: Link
    calibration: Curve | None

    def to_bytes(self) -> bytes:
        """Return the plan as JSON; equal plans give equal bytes."""
        return msgspec.json.encode(self)

    @classmethod
    def from_bytes(cls, content: bytes) -> "Plan":
        """Return the plan in what `to_bytes` made; raises CompiledError for anything else."""
        try:
            plan = msgspec.json.decode(content, type=cls)
        except (msgspec.DecodeError, ValueError, RecursionError) as error:
            raise refused(f"not a plan: {' '.join(str(error).split())[:200]}") from error
        if why := plan.fault():
            raise refused(f"not a plan: {why}")
        return plan

    def fault(self) -> str:
        """Return why nothing can be encoded by the plan; empty where all that it names is there."""
        if self.version != VERSION:
            return f"it has version {self.version}, and this code reads {VERSION}"
        n, kinds = len(self.columns), [column.type for column in self.columns]
        instants = [*self.seconds, *([] if self.time is None else [self.time])]
        if any(not 0 <= of < n or kinds[of] != "timestamp" for of in instants) or (self.calendar and self.time is None):
            return "it takes an instant from a column that has none"
        n_values = self.n_values()
        cells = self._cells()
        words = {of for of, kind in enumerate(kinds) if kind in ("category", "text")}
        words |= {of for of, column in cells.items() if all(isinstance(cell, str | None) for cell in column)}
        numbers = {*range(n_values)} - {of for of in words if of < n} - {*instants}
        numbers -= {of for of, column in cells.items() if any(isinstance(cell, str) for cell in column)}
        read = [of for pair in (*self.ratios, *self.differences) for of in pair]
        read += [*(bucket.of for bucket in self.buckets), *(number.of for number in self.numbers)]
        if not {*read} <= numbers or not {category.of for category in self.categories} <= words:
            return "it reads a value that is not there, or of another kind"
        for table in self.lookups:
            if not 0 <= table.by < n or any(isinstance(key, str) != (table.by in words) for key in table.keys):
                return "a lookup has keys of another kind than the value that it is by"
            if any(len(column) != len(table.keys) for column in table.columns):
                return "a column of a lookup has not one cell for each key"
        if (self.link == "Softmax") > (self.task == "multiclass") or (self.link and self.task == "regression"):
            return f"a {self.task} model has no {self.link}"
        if self.calibration and not _is_curve(self.calibration, self.task, len(self.classes)):
            return f"the calibration is none of a {self.task} model"
        return self._misplaced()

    def _cells(self) -> dict[int, tuple[Cell, ...]]:
        columns = [column for table in self.lookups for column in table.columns]
        return dict(enumerate(columns, self.n_values() - len(columns)))

    def n_values(self) -> int:
        """Return how many values a row has, derived ones included."""
        derived = len(self.seconds) + len(self.calendar) + len(self.ratios) + len(self.differences) + len(self.buckets)
        return len(self.columns) + derived + sum(len(table.columns) for table in self.lookups)

    def _misplaced(self) -> str:
        places: list[int] = []
        for category in self.categories:
            places += range(category.at, category.at + category.width)
            offsets = [at for pairs in (*category.numbers, category.missing, category.unseen) for at, _ in pairs]
            if len(category.numbers) != len(category.keys) or any(not 0 <= at < category.width for at in offsets):
                return "a category has not one code for each key"
        for number in self.numbers:
            places += [number.at, *([] if number.flag is None else [number.flag[0]])]
            if (number.centre is None) != (number.scale is None) or number.scale == 0:
                return "a number is scaled by halves"
        return "" if sorted(places) == list(range(self.width)) else "its numbers do not fill the width"


def _is_curve(curve: Curve, task: Task, n_classes: int) -> bool:
    n = len(curve.numbers)
    if task == "regression":
        return curve.method == "offset" and n == 1
    if task == "multiclass":
        return n == {"temperature": 1, "offsets": 1 + n_classes}.get(curve.method) and curve.numbers[0] > 0
    if curve.method == "isotonic":
        return n >= 2 and n % 2 == 0 and all(map(lt, curve.numbers, curve.numbers[1 : n // 2]))
    return curve.method == "sigmoid" and n == 2


def refused(what: str) -> CompiledError:
    return CompiledError(
        "CMP001", what, where="compiled model", next_step="Do not use this copy. Run the command that made it again."
    )
