"""Many rows at a time, column by column: what `RowEncoder` does, with numpy, each category looked at once."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from evergreen.learning.model.compiled import calendars
from evergreen.learning.model.compiled.plan import Bucket, Category, Lookup, Number, Plan, refused
from evergreen.learning.model.compiled.rowwise import LARGEST

Array = np.ndarray[Any, Any]


class Coded(NamedTuple):
    """Categories: the place of each row's in `labels`, shape (n,); the last of these is None, that of a missing one."""

    codes: Array
    labels: Sequence[str | None]


class BatchEncoder:
    """The plan over the columns of a batch; equal rows have the bits that `RowEncoder` gives them."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._zone = calendars.Zone(plan.zone)
        self._calendar = [(value, calendars.table(value)) for value in plan.calendar]
        coded, begin = {category.of for category in plan.categories}, plan.n_values()
        self._lookups: list[_Cells] = []
        for lookup in reversed(plan.lookups):
            begin -= len(lookup.columns)
            self._lookups.insert(0, _Cells(lookup, [begin + at in coded for at in range(len(lookup.columns))]))
        self._categories = [_Codes(category) for category in plan.categories]
        self._read = _read(plan)

    def encode(self, batch: pa.RecordBatch, kind: Any) -> Array:
        """Return the numbers of typed rows, shape (n, width), of a dtype.

        Parameters
        ----------
        batch : the plan's columns in any order, of the types that `conform` gives them; others are not looked at, and a
            given one that is not there is missing.
        """
        encoded = np.zeros((batch.num_rows, self._plan.width), kind)
        values = self._values(batch)
        for category in self._categories:
            category.put(values[category.of], encoded)
        for number in self._plan.numbers:
            _put(number, values[number.of], encoded)
        return encoded

    def _values(self, batch: pa.RecordBatch) -> list[Any]:
        plan = self._plan
        present = set(batch.schema.names)
        values: list[Any] = []
        for position, column in enumerate(plan.columns):
            if column.name not in present:
                if not column.given:
                    raise refused(f"the rows have no column '{column.name}'")
                values.append(np.full(batch.num_rows, np.nan))
            else:
                values.append(_column(batch.column(column.name), column.type) if position in self._read else None)
        values += [_seconds(batch.column(plan.columns[of].name)) for of in plan.seconds]
        values += self._calendars(batch)
        with np.errstate(all="ignore"):
            values += [_finite(values[above] / values[below]) for above, below in plan.ratios]
            values += [_finite(values[left] - values[right]) for left, right in plan.differences]
        values += [_bucket(bucket, values[bucket.of]) for bucket in plan.buckets]
        for cells in self._lookups:
            values += cells.columns(values[cells.by])
        return values

    def _calendars(self, batch: pa.RecordBatch) -> list[Array]:
        if not self._calendar or self._plan.time is None:
            return []
        times = batch.column(self._plan.columns[self._plan.time].name)
        instants, missing = _instants(times)
        wall = instants + self._zone.offsets(instants)
        numbers = {value.part: calendars.numbers_of(value.part, wall) for value, _ in self._calendar}
        made = [table[numbers[value.part]] for value, table in self._calendar]
        if missing is not None:
            for each in made:
                each[missing] = np.nan
        return made


class _Codes:
    """What the categories of one value become."""

    def __init__(self, category: Category) -> None:
        self.of, self._at, self._width = category.of, category.at, category.width
        self._places: Mapping[str | None, int] = {key: at for at, key in enumerate((*category.keys, None))}
        self._table = np.zeros((len(category.keys) + 2, category.width))
        self._offsets: Array | None = np.zeros(len(self._table), np.int64)
        for at, pairs in enumerate((*category.numbers, category.missing, category.unseen)):
            for offset, number in pairs:
                self._table[at, offset] = number
                if self._offsets is not None:
                    self._offsets[at] = offset
            if len(pairs) > 1:
                self._offsets = None

    def put(self, coded: Coded, encoded: Array) -> None:
        """Write what the categories become into their columns, all of which hold zeros."""
        unseen = len(self._table) - 1
        places = np.array([self._places.get(label, unseen) for label in coded.labels], np.int64)
        if self._width == 1:
            encoded[:, self._at] = self._table[places, 0][coded.codes]
        elif self._offsets is not None:  # one number a row: the zeros beside it are there
            offsets = self._offsets[places]
            at = (self._at + offsets)[coded.codes]
            encoded[np.arange(len(encoded)), at] = self._table[places, offsets][coded.codes]
        else:
            encoded[:, self._at : self._at + self._width] = self._table[places][coded.codes]


class _Cells:
    """The columns of a lookup; `coded` are those that hold categories."""

    def __init__(self, lookup: Lookup, coded: Sequence[bool]) -> None:
        self.by = lookup.by
        self._places: Mapping[Any, int] = {key: at for at, key in enumerate(lookup.keys)}
        self._columns: list[Any] = []
        for cells, is_coded in zip(lookup.columns, coded, strict=True):
            numbers = None if is_coded else np.array([np.nan if cell is None else cell for cell in (*cells, None)])
            self._columns.append((*cells, None) if numbers is None else numbers)
        self._keys = np.array([key for key in lookup.keys if not isinstance(key, str)], np.float64)

    def columns(self, keys: Any) -> list[Any]:
        absent = len(self._places)
        if isinstance(keys, Coded):
            known = np.array([self._places.get(label, absent) for label in keys.labels], np.int64)
            places = known[keys.codes]
        else:
            order = np.argsort(self._keys)
            at = np.searchsorted(self._keys[order], keys)
            at[at == len(order)] = 0
            places = np.where(self._keys[order][at] == keys, order[at], absent)
        return [each[places] if isinstance(each, np.ndarray) else Coded(places, each) for each in self._columns]


def _read(plan: Plan) -> set[int]:
    """Return the values that something is made of."""
    read = {of for pair in (*plan.ratios, *plan.differences) for of in pair}
    read |= {bucket.of for bucket in plan.buckets} | {lookup.by for lookup in plan.lookups}
    return read | {category.of for category in plan.categories} | {number.of for number in plan.numbers}


def _column(values: pa.Array, kind: str) -> Any:
    if kind in ("category", "text"):
        coded = values if pa.types.is_dictionary(values.type) else values.dictionary_encode()
        labels = coded.dictionary.to_pylist()
        codes = coded.indices.fill_null(len(labels)) if coded.indices.null_count else coded.indices
        return Coded(codes.to_numpy(), [*labels, None])
    if kind == "timestamp":
        return None
    if kind == "boolean":
        values = values.cast(pa.int8())
    return _floats(values)


def _floats(values: pa.Array) -> Array:
    """Return numbers as float64, missing ones as NaN."""
    floats: Array = values.to_numpy(zero_copy_only=False).astype(np.float64, copy=False)
    return floats


def _instants(times: pa.Array) -> tuple[Array, Array | None]:
    """Return microseconds since 1970, and where there are none; None where there are everywhere."""
    counts = times.cast(pa.int64())
    if not counts.null_count:
        return counts.to_numpy(), None
    return counts.fill_null(0).to_numpy(), pc.is_null(counts).to_numpy(zero_copy_only=False)


def _seconds(times: pa.Array) -> Array:
    instants, missing = _instants(times)
    seconds: Array = (instants * 1_000).astype(np.float64) / 1e9
    if missing is not None:
        seconds[missing] = np.nan
    return seconds


def _finite(values: Array) -> Array:
    values[~np.isfinite(values)] = np.nan
    return values


def _bucket(bucket: Bucket, values: Array) -> Array:
    codes: Array = np.searchsorted(np.array(bucket.edges), values, side="right").astype(np.float64)
    codes[np.isnan(values)] = np.nan
    return codes


def _put(number: Number, values: Array, encoded: Array) -> None:
    missing = np.isnan(values)
    absent = missing.any()
    cut = np.clip(values, -LARGEST, LARGEST)
    if number.centre is not None and number.scale is not None:
        cut -= number.centre
        cut /= number.scale
    if absent:
        cut[missing] = number.missing
    encoded[:, number.at] = cut
    if number.flag is not None:
        at, there, away = number.flag
        encoded[:, at] = np.where(missing, away, there)
