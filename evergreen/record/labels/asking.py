"""Rows whose labels are asked for: a random share of what was served, to be filled in and added."""

from datetime import datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from evergreen.config.contract.contract import Contract
from evergreen.data.typed.schema import ARROW
from evergreen.decisions.drift.asked import is_asked
from evergreen.record.labels.beside import event_times
from evergreen.record.labels.columns import label_column
from evergreen.record.predictions import reading
from evergreen.record.predictions.columnar import INSTANT, columns_in, named_values

EVENT = "event_at"


def asked(
    folder: Path, *, contract: Contract, share: float, start: datetime | None = None, end: datetime | None = None
) -> pa.Table:
    """Return the predictions of a model whose labels are asked for, by the time of their event; each once.

    Which they are depends on their ids and the share alone, so that asking again gives the same ones, and those that
    were predicted since; a larger share gives them all and more. Columns: prediction_id, those of the contract's key as
    they were logged, event_at, label_propensity (the share), and the target, empty, to be filled in.

    Parameters
    ----------
    share : in (0, 1]; each prediction is chosen with this probability, whatever it holds.
    start, end : aware; of events at or after the first and before the second.
    """
    schema = pa.schema(
        [
            *(("prediction_id", pa.string()), *((name, pa.string()) for name in contract.key), (EVENT, INSTANT)),
            *(("label_propensity", pa.float64()), (contract.target, ARROW[label_column(contract).type])),
        ]
    )
    found, seen = [schema.empty_table()], set[str]()
    for batch in reading.batches(folder, pick=_needed):
        columns = columns_in(batch.schema)
        if columns.contract != contract.name:
            continue
        events = event_times(batch)
        is_in = pc.and_(
            pa.repeat(True, len(events)) if start is None else pc.greater_equal(events, pa.scalar(start, INSTANT)),
            pa.repeat(True, len(events)) if end is None else pc.less(events, pa.scalar(end, INSTANT)),
        )
        chosen = []
        for name, wanted in zip(batch.column("prediction_id").to_pylist(), is_in.to_pylist(), strict=True):
            is_new = wanted and name not in seen and is_asked(name, share=share, salt=contract.name)
            if is_new:
                seen.add(name)
            chosen.append(is_new)
        places = named_values(columns)
        keys = {name: _text(batch, places.get(name)) for name in contract.key}
        about = {"prediction_id": batch.column("prediction_id"), **keys, EVENT: events}
        rows = pa.table(about).filter(pa.array(chosen, pa.bool_()))
        rows = rows.append_column("label_propensity", pa.repeat(share, rows.num_rows))
        found.append(rows.append_column(schema.field(contract.target), pa.nulls(rows.num_rows, schema.types[-1])))
    return pa.concat_tables(found).sort_by([(EVENT, "ascending"), ("prediction_id", "ascending")])


def _needed(schema: pa.Schema) -> list[str]:
    columns = columns_in(schema)
    places = named_values(columns)
    return ["prediction_id", "received_at", EVENT, *(places[name] for name in columns.key if name in places)]


def _text(batch: pa.RecordBatch, name: str | None) -> pa.Array:
    return pa.nulls(batch.num_rows, pa.string()) if name is None else batch.column(name).cast(pa.string())
