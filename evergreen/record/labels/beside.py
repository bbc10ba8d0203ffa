"""Predictions with what came back about them beside them."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from evergreen.record.labels.said import Field, Said, said_in
from evergreen.record.labels.standing import Times
from evergreen.record.predictions import reading
from evergreen.record.predictions.columnar import INSTANT, columns_in, keys_of


def with_feedback(
    folder: Path, *, since: datetime | None = None, until: datetime | None = None
) -> Iterator[pa.RecordBatch]:
    """Yield predictions as `reading.batches` does, each with what counts of all that came back about it by now.

    `feedback_label`, `feedback_value` and `feedback_decision` are null where nothing came back; `feedback_at` is when
    the last of them was received. What counts is what `standing` says. All feedback is held in memory.
    """
    said = said_in(folder)
    for batch in reading.batches(folder, since=since, until=until):
        contract = columns_in(batch.schema).contract
        yield _beside(batch, {field: each for (of, field), each in said.items() if of == contract})


def _beside(batch: pa.RecordBatch, said: dict[str, Said]) -> pa.RecordBatch:
    kinds: dict[Field, pa.DataType] = {
        "label": batch.schema.field("label").type,
        "value": pa.float64(),
        "decision": pa.string(),
    }
    keys, events = keys_spoken_of(batch, said.values()), events_of(batch)
    at = pa.nulls(batch.num_rows, pa.int64())
    for field, kind in kinds.items():
        values = pa.nulls(batch.num_rows, kind)
        if field in said:
            by_id = said[field].by_id.places(batch.column("prediction_id"))
            found = said[field].of(by_id, keys, events)
            values, at = found.values.cast(kind), pc.max_element_wise(at, found.received)
        batch = batch.append_column(f"feedback_{field}", values)
    return batch.append_column("feedback_at", at.cast(INSTANT))


def keys_spoken_of(batch: pa.RecordBatch, said: Iterable[Said]) -> pa.Array | None:
    """Return the keys of predictions as feedback names them; None where nothing was said by key."""
    return pa.array(keys_of(batch), pa.string()) if any(len(each.by_key.subjects) for each in said) else None


def event_times(batch: pa.RecordBatch | pa.Table) -> pa.Array:
    """Return the time of each prediction's event, or else when it was asked for."""
    return pc.coalesce(batch.column("event_at"), batch.column("received_at"))


def events_of(batch: pa.RecordBatch | pa.Table) -> Times:
    """Return what `event_times` does, in microseconds since 1970."""
    events: Times = event_times(batch).cast(pa.int64()).to_numpy()
    return events
