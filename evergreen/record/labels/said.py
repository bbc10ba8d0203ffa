"""What was said about predictions, by id and by key, and what of it counts for each of them."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from evergreen.record.labels.standing import Places, Standing, Times, standing
from evergreen.record.predictions import reading
from evergreen.record.predictions.columnar import INSTANT, LABELS, columns_in
from evergreen.record.predictions.records import Columns

Field = Literal["label", "value", "decision"]
SAID = (
    *(("id", pa.string()), ("key", pa.string()), ("name", pa.string()), ("known", pa.int64())),
    *(("received", pa.int64()), ("is_ahead", pa.bool_()), ("propensity", pa.float64())),
)
Mask = npt.NDArray[np.bool_]
Number = TypeVar("Number", np.int64, np.float64)


@dataclass(frozen=True)
class Found:
    """What counts for each of n predictions, in their order.

    `values`, `known` (when the same was known first), `received` (in microseconds since 1970) and `propensity` are null
    where nothing does.
    `by_id`, `by_key`: the places of what was said by either, -1 where nothing was. `contradicting`: something else was
    said too. `agreeing`: it was said by id and by key. `early`: it was known before the event.
    """

    values: pa.Array
    known: pa.Array
    received: pa.Array
    propensity: pa.Array
    by_id: Places
    by_key: Places
    contradicting: Mask
    agreeing: Mask
    early: Mask


@dataclass(frozen=True)
class Said:
    """What was said in one field, by prediction and by key."""

    by_id: Standing
    by_key: Standing

    def of(self, by_id: Places, keys: pa.Array | None, events: Times) -> Found:
        """Return what counts for predictions.

        What was said by key counts for a prediction unless it was known before the prediction's event: it is about an
        earlier one then.

        Parameters
        ----------
        by_id : the places of their ids in `by_id`.
        keys : their keys; None where nobody speaks of keys.
        events : when what they are about was observed, in microseconds since 1970.
        """
        ids, others = self.by_id, self.by_key
        by_key = np.full(len(by_id), -1) if keys is None else others.places(keys)
        by_key = np.where((by_key >= 0) & (_at(others.last, by_key) >= events), by_key, -1)
        is_id, is_key = by_id >= 0, by_key >= 0
        key_decides = is_key & (~is_id | self._later(by_id, by_key))
        values = pc.if_else(
            pa.array(key_decides), others.values.take(_nullable(by_key)), ids.values.take(_nullable(by_id))
        )
        agree = _equal(ids.values.take(_nullable(by_id)), others.values.take(_nullable(by_key)))
        first = np.where(key_decides, _at(others.first, by_key), _at(ids.first, by_id))
        first = np.where(agree, np.minimum(_at(ids.first, by_id), _at(others.first, by_key)), first)
        last = np.where(key_decides, _at(others.last, by_key), _at(ids.last, by_id))
        received = np.where(key_decides, _at(others.received, by_key), _at(ids.received, by_id))
        propensity = np.fmax(
            np.where(is_id, _at(ids.propensity, by_id), np.nan),
            np.where(is_key, _at(others.propensity, by_key), np.nan),
        )
        there = is_id | is_key
        return Found(
            values=values,
            known=_times(np.minimum(np.maximum(first, events), last), there),
            received=pa.array(received, mask=~there),
            propensity=pa.array(propensity, mask=np.isnan(propensity)),
            by_id=by_id,
            by_key=by_key,
            contradicting=(is_id & (_at(ids.n_values, by_id) > 1))
            | (is_key & (_at(others.other, by_key) >= events))
            | (is_id & is_key & ~agree),
            agreeing=agree,
            early=there & (last < events),
        )

    def _later(self, by_id: Places, by_key: Places) -> Mask:
        """Return where what was said by key was known after what was said by id; where both are there."""
        ids, others, both = self.by_id, self.by_key, (by_id >= 0) & (by_key >= 0)
        known = _at(others.last, by_key) - _at(ids.last, by_id)
        received = _at(others.received, by_key) - _at(ids.received, by_id)
        later: Mask = both & ((known > 0) | ((known == 0) & (received > 0)))
        for row in np.flatnonzero(both & (known == 0) & (received == 0)):
            later[row] = others.names[by_key[row]].as_py() > ids.names[by_id[row]].as_py()
        return later


def said_in(folder: Path, *, as_of_us: int | None = None, contract: str | None = None) -> dict[tuple[str, str], Said]:
    """Return what was said and known by then, by contract and field; of one contract alone, if it is given.

    What was said to be known after it was received, as by a clock that jumped ahead, was known when it was received.
    All of it is held in memory: some hundred bytes each.
    """
    found: dict[tuple[str, str], list[pa.RecordBatch]] = {}
    for batch in reading.batches(folder, "feedback"):
        columns = columns_in(batch.schema)
        if contract is None or columns.contract == contract:
            for field, rows in _fields(batch, columns, as_of_us):
                found.setdefault((columns.contract, field), []).append(rows)
    return {about: _said(pa.Table.from_batches(_alike(batches))) for about, batches in found.items()}


def nothing_said(kind: pa.DataType) -> Said:
    """Return that nothing was said, in a field of this type."""
    return _said(pa.schema([*SAID, ("value", kind)]).empty_table())


def _fields(batch: pa.RecordBatch, columns: Columns, as_of_us: int | None) -> Iterator[tuple[Field, pa.RecordBatch]]:
    received, said = (batch.column(name).cast(pa.int64()) for name in ("received_at", "known_at"))
    known = pc.min_element_wise(pc.coalesce(said, received), received)
    has = "label_propensity" in batch.schema.names
    about = {
        "id": batch.column("prediction_id"),
        "key": batch.column("key"),
        "name": batch.column("feedback_id"),
        "known": known,
        "received": received,
        "is_ahead": pc.fill_null(pc.greater(said, received), False),
        "propensity": batch.column("label_propensity") if has else pa.nulls(batch.num_rows, pa.float64()),
    }
    kinds: dict[Field, pa.DataType] = {"label": LABELS[columns.task], "value": pa.float64(), "decision": pa.string()}
    for field, kind in kinds.items():
        values = batch.column(field)
        if values.null_count == len(values):
            continue
        rows = pa.RecordBatch.from_pydict({**about, "value": values.cast(kind)})
        wanted = values.is_valid() if as_of_us is None else pc.and_(values.is_valid(), pc.less_equal(known, as_of_us))
        yield field, rows.filter(wanted)


def _alike(batches: list[pa.RecordBatch]) -> list[pa.RecordBatch]:
    """Return batches with values of one type: texts, where a contract's target was of two in its time."""
    kinds = {batch.schema.field("value").type for batch in batches}
    if len(kinds) == 1:
        return batches
    at = batches[0].schema.get_field_index("value")
    return [batch.set_column(at, "value", batch.column("value").cast(pa.string())) for batch in batches]


def _said(rows: pa.Table) -> Said:
    is_id = rows.column("id").is_valid()
    by_id, by_key = rows.drop_columns("key"), rows.drop_columns("id")
    return Said(
        standing(by_id.filter(is_id).rename_columns({"id": "subject"})),
        standing(by_key.filter(pc.invert(is_id)).rename_columns({"key": "subject"})),
    )


def _at(values: npt.NDArray[Number], places: Places) -> npt.NDArray[Number]:
    """Return values at places; at -1 something, which does not count."""
    found: npt.NDArray[Number] = values[places] if len(values) else np.zeros(len(places), values.dtype)
    return found


def _nullable(places: Places) -> pa.Array:
    return pa.array(places, mask=places < 0)


def _equal(one: pa.Array, other: pa.Array) -> Mask:
    equal: Mask = pc.fill_null(pc.equal(one, other), False).to_numpy(zero_copy_only=False)
    return equal


def _times(times: Times, there: Mask) -> pa.Array:
    return pa.array(times, mask=~there).cast(INSTANT)
