"""What was referred to people: predictions whose answer is a person's, and which of them nobody has answered."""

from collections.abc import Collection, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from evergreen.decisions.automation.degrees import REFERRED, UNSURE, audit_share
from evergreen.record.labels.beside import events_of, keys_spoken_of
from evergreen.record.labels.said import Said, said_in
from evergreen.record.predictions import reading
from evergreen.record.predictions.columnar import INSTANT, columns_in, named_values
from evergreen.record.predictions.records import Columns, Logged, LoggedColumn, Scalar
from evergreen.record.review.values import Length, Order, Row

ASSIST = "assist"  # the rule under which people see what the model said
OURS = ("prediction_id", "received_at", "event_at", "version", "label", "probability", "decision", "rule")
SCHEMA = pa.schema(
    [
        *(("prediction_id", pa.string()), ("received_at", INSTANT), ("event_at", INSTANT), ("version", pa.int64())),
        *(("rule", pa.string()), ("certainty", pa.float64()), ("answered_at", INSTANT)),
    ]
)


def referred(folder: Path, *, contract: str) -> pa.Table:
    """Return the predictions of a contract, by its name, that were referred to people, each once, the oldest first.

    Columns: those of `SCHEMA`. `certainty` is the probability that the model gave its own answer, null where it gave
    none. `answered_at`: when a label or a decision that counts for the prediction was received, null while there is
    none. What was said by key before the prediction's event is about another one.
    """
    batches, seen = list[pa.RecordBatch](), set[str]()
    for batch in reading.batches(folder, pick=_needed, holding=("decision", REFERRED)):
        if columns_in(batch.schema).contract == contract:
            rows = batch.filter(pc.fill_null(pc.equal(batch.column("decision"), REFERRED), False))
            batches.append(rows.filter(_fresh(rows.column("prediction_id").to_pylist(), seen)))
    said = {field: each for (_, field), each in said_in(folder, contract=contract).items()} if seen else {}
    found = pa.Table.from_batches([_of(rows, said) for rows in batches if rows.num_rows], SCHEMA)
    return found.sort_by([("received_at", "ascending"), ("prediction_id", "ascending")])


def waiting(rows: pa.Table, *, order: Order = "oldest", since: datetime | None = None) -> pa.Table:
    """Return those of `referred` that nobody has answered, in the order in which they are to be.

    Parameters
    ----------
    order : "oldest" first; or "unsure": least certain first, and after them those without a certainty, oldest first.
    since : received then or later.
    """
    rows = rows.filter(rows.column("answered_at").is_null())
    if since is not None:
        rows = rows.filter(pc.greater_equal(rows.column("received_at"), pa.scalar(since, INSTANT)))
    if order == "oldest":
        return rows
    return rows.sort_by([("certainty", "ascending"), ("received_at", "ascending"), ("prediction_id", "ascending")])


def length(rows: pa.Table) -> Length:
    """Return how long the queue is, of what `referred` returns."""
    left = waiting(rows)
    oldest = left.column("received_at")[0].as_py() if left.num_rows else None
    return Length(waiting=left.num_rows, oldest=oldest, referred=rows.num_rows)


def shown(columns: Columns, logged: Logged) -> Row:
    """Return a logged prediction as a person sees it; what was not sent is left out."""
    values = (*logged.features, *(logged.keys or (None,) * len(columns.keys)))
    sent = {column.name: _plain(column, value) for column, value in zip(columns.all, values, strict=True)}
    said = {name: getattr(logged, name) for name in ("label", "probability", "value")}
    said = {name: value for name, value in said.items() if value is not None}
    return Row(
        prediction_id=logged.prediction_id,
        received_at=datetime.fromtimestamp(logged.received_us / 1e6, UTC),
        version=logged.version,
        rule=told(logged.rule),
        sent={name: value for name, value in sent.items() if value is not None},
        said=said if logged.rule == ASSIST and said else None,
    )


def told(rule: str | None) -> str | None:
    """Return a rule as who answers may know it: an audit is not told from a row that the model was not sure of.

    Examples
    --------
    >>> told("assist"), told("unsure"), told("audit:0.05")
    ('assist', None, None)
    """
    return None if rule == UNSURE or audit_share(rule) is not None else rule


def records(folder: Path, ids: Collection[str]) -> Iterator[pa.RecordBatch]:
    """Yield the records of predictions with all their columns, each once, in one pass over the log."""
    wanted, seen = pc.SetLookupOptions(pa.array(list(ids), pa.string())), set[str]()
    for batch in reading.batches(folder) if ids else ():
        rows = batch.filter(pc.is_in(batch.column("prediction_id"), options=wanted))
        rows = rows.filter(_fresh(rows.column("prediction_id").to_pylist(), seen))
        if rows.num_rows:
            yield rows


def _needed(schema: pa.Schema) -> list[str]:
    columns = columns_in(schema)
    places = named_values(columns)
    return [*OURS, *(places[name] for name in columns.key if name in places)]


def _fresh(names: list[str], seen: set[str]) -> pa.Array:
    """Return which names come for the first time: a row may be logged again."""
    fresh = []
    for name in names:
        fresh.append(name not in seen)
        seen.add(name)
    return pa.array(fresh, pa.bool_())


def _of(rows: pa.RecordBatch, said: dict[Any, Said]) -> pa.RecordBatch:
    keys, events = keys_spoken_of(rows, said.values()), events_of(rows)
    answered = pa.nulls(rows.num_rows, pa.int64())
    for each in said.values():
        found = each.of(each.by_id.places(rows.column("prediction_id")), keys, events)
        answered = pc.max_element_wise(answered, found.received)
    columns = {name: rows.column(name) for name in SCHEMA.names if name in rows.schema.names}
    columns |= {"certainty": _certainty(rows), "answered_at": answered.cast(INSTANT)}
    return pa.RecordBatch.from_arrays([columns[name] for name in SCHEMA.names], schema=SCHEMA)


def _certainty(rows: pa.RecordBatch) -> pa.Array:
    label, probability = rows.column("label"), rows.column("probability")
    if not pa.types.is_boolean(label.type):
        return probability
    return pc.if_else(label, probability, pc.subtract(1.0, probability))


def _plain(column: LoggedColumn, value: Scalar) -> Scalar:
    if column.type == "timestamp" and isinstance(value, int):
        return datetime.fromtimestamp(value / 1e6, UTC).isoformat()
    return value
