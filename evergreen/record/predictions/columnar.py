"""Records as columns: what a row of the table holds, by name and type, and the record again."""

import json
import logging
from collections.abc import Iterator, Mapping, Sequence
from operator import attrgetter
from typing import Any

import msgspec
import pyarrow as pa

from evergreen.record.predictions.records import Columns, Feedback, Logged, LoggedColumn, Scalar, Shadowed

log = logging.getLogger(__name__)

INSTANT = pa.timestamp("us", "UTC")
ARROW = {
    "number": pa.float64(),
    "integer": pa.int64(),
    "category": pa.string(),
    "text": pa.string(),
    "timestamp": INSTANT,
    "boolean": pa.bool_(),
}
LABELS = {"binary": pa.bool_(), "multiclass": pa.string(), "regression": pa.string()}
# The names of ours that differ from a field of `Logged` or `Feedback`, by it: they are times.
TIMES = {"received_us": "received_at", "event_us": "event_at", "known_us": "known_at"}
ABOUT = b"evergreen"  # in a file's metadata: its `Columns`
PARTITION = "date"
FEEDBACK_COLUMNS = {
    "feedback_label": "the label that counts",
    "feedback_value": "the number that counts",
    "feedback_decision": "what a person decided, likewise",
    "feedback_at": "when the last of them was received",
}


def prediction_schema(columns: Columns) -> pa.Schema:
    """Return the schema of a table of predictions: our fields, then the contract's columns by `value_names`."""
    ours = [
        *(("prediction_id", pa.string()), ("received_at", INSTANT), ("event_at", INSTANT), ("model", pa.string())),
        *(("version", pa.int64()), ("model_digest", pa.string()), ("variant", pa.string())),
        *(("propensity", pa.float64()), ("label", LABELS[columns.task]), ("probability", pa.float64())),
        *(("value", pa.float64()), ("decision", pa.string()), ("rule", pa.string()), ("latency_us", pa.int64())),
        *(("source", pa.string()), ("request_id", pa.string()), ("traffic_rule", pa.string())),
    ]
    theirs = [(name, _arrow(column)) for name, column in zip(value_names(columns), columns.all, strict=True)]
    return pa.schema([*ours, *theirs], metadata={ABOUT: msgspec.json.encode(columns)})


def feedback_schema(columns: Columns) -> pa.Schema:
    """Return the schema of a table of feedback; `key` is a JSON array of the key's values."""
    ours = [
        *(("feedback_id", pa.string()), ("received_at", INSTANT), ("kind", pa.string())),
        *(("prediction_id", pa.string()), ("key", pa.string()), ("label", LABELS[columns.task])),
        *(("value", pa.float64()), ("decision", pa.string()), ("known_at", INSTANT), ("by", pa.string())),
        *(("request_id", pa.string()), ("label_propensity", pa.float64())),
    ]
    return pa.schema(ours, metadata={ABOUT: msgspec.json.encode(columns)})


def shadow_schema(columns: Columns) -> pa.Schema:
    """Return the schema of a table of what was shadowed: whatever the contract's columns, it holds none of them."""
    ours = [
        *(("prediction_id", pa.string()), ("received_at", INSTANT), ("model", pa.string()), ("version", pa.int64())),
        *(("model_digest", pa.string()), ("variant", pa.string()), ("label", LABELS[columns.task])),
        *(("probability", pa.float64()), ("value", pa.float64()), ("latency_us", pa.int64())),
        *(("traffic_rule", pa.string()), ("error", pa.string())),
    ]
    return pa.schema(ours, metadata={ABOUT: msgspec.json.encode(columns)})


def columns_in(schema: pa.Schema) -> Columns:
    """Return what a file of ours says of its columns; raises ValueError if it says nothing."""
    about = (schema.metadata or {}).get(ABOUT)
    if about is None:
        raise ValueError("not a table of the prediction log")
    return msgspec.json.decode(about, type=Columns)


def value_names(columns: Columns) -> list[str]:
    """Return the names of the contract's columns in the table: their own, unless one of ours has it.

    A name that differs from another only by upper and lower case is taken too, because DuckDB and others see none of
    it. An underscore before it makes it free: no column of a contract begins with one.

    Examples
    --------
    >>> kinds = [LoggedColumn(name, "number", "feature") for name in ("weight", "Version", "date", "WEIGHT")]
    >>> value_names(Columns("parcels", "binary", tuple(kinds)))
    ['weight', '_Version', '_date', '_WEIGHT']
    """
    taken = {TIMES.get(name, name) for kind in (Logged, Feedback) for name in kind.__struct_fields__}
    taken |= {PARTITION, "key", *FEEDBACK_COLUMNS}
    taken -= {"label_propensity"}  # which came later: a column that files name so keeps its name
    names = []
    for column in columns.all:
        name = column.name
        while name.lower() in taken:
            name = f"_{name}"
        taken.add(name.lower())
        names.append(name)
    return names


def named_values(columns: Columns) -> dict[str, str]:
    """Return the name in the table of each of the contract's columns, by its own."""
    return dict(zip((column.name for column in columns.all), value_names(columns), strict=True))


def predictions_batch(columns: Columns, rows: Sequence[Logged]) -> pa.RecordBatch:
    """Return records as a batch of `prediction_schema`."""
    schema = prediction_schema(columns)
    n_features, n_keys = len(columns.features), len(columns.keys)
    nothing = (None,) * n_keys
    arrays = [
        _array(list(map(attrgetter(_field(name)), rows)), schema.field(name).type)
        for name in schema.names[: len(schema) - n_features - n_keys]
    ]
    values = [(*row.features, *(row.keys or nothing)) for row in rows]
    for at, column in enumerate(columns.all):
        arrays.append(_array([value[at] for value in values], _arrow(column)))
    return pa.RecordBatch.from_arrays(arrays, schema=schema)


def feedback_batch(columns: Columns, rows: Sequence[Feedback]) -> pa.RecordBatch:
    """Return what came back as a batch of `feedback_schema`."""
    schema = feedback_schema(columns)
    values = {
        name: [_key(row.keys) for row in rows] if name == "key" else list(map(attrgetter(_field(name)), rows))
        for name in schema.names
    }
    arrays = [_array(values[name], schema.field(name).type) for name in schema.names]
    return pa.RecordBatch.from_arrays(arrays, schema=schema)


def shadows_batch(columns: Columns, rows: Sequence[Shadowed]) -> pa.RecordBatch:
    """Return what was shadowed as a batch of `shadow_schema`."""
    schema = shadow_schema(columns)
    arrays = [_array(list(map(attrgetter(_field(field.name)), rows)), field.type) for field in schema]
    return pa.RecordBatch.from_arrays(arrays, schema=schema)


def logged_rows(batch: pa.RecordBatch) -> Iterator[Logged]:
    """Yield the records that a batch of `prediction_schema` was made of."""
    columns = columns_in(batch.schema)
    names = value_names(columns)
    split = len(columns.features)
    others = {"features", "keys"} | ({"traffic_rule"} - {*batch.schema.names})  # files of before have no such column
    fields = [name for name in Logged.__struct_fields__ if name not in others]
    plain = {name: _plain(batch.column(name)) for name in batch.schema.names}
    for at in range(batch.num_rows):
        values = [plain[name][at] for name in names]
        yield Logged(
            **{field: plain[TIMES.get(field, field)][at] for field in fields},
            features=values[:split],
            keys=values[split:],
        )


def keys_of(batch: pa.RecordBatch) -> list[str | None]:
    """Return the key of each prediction as feedback names it; None where a part of it was not sent."""
    columns = columns_in(batch.schema)
    named = named_values(columns)
    if not columns.key or any(name not in named for name in columns.key):
        return [None] * batch.num_rows
    parts = [_plain(batch.column(named[name])) for name in columns.key]
    return [None if None in key else _key(key) for key in zip(*parts, strict=True)]


def _key(values: Sequence[Scalar] | None) -> str | None:
    return None if values is None else json.dumps(list(values), ensure_ascii=False)


def _field(name: str) -> str:
    return {after: before for before, after in TIMES.items()}.get(name, name)


def _plain(values: pa.Array) -> list[Any]:
    plain: list[Any] = (values.cast(pa.int64()) if pa.types.is_timestamp(values.type) else values).to_pylist()
    return plain


def _arrow(column: LoggedColumn) -> pa.DataType:
    return pa.string() if column.pii in ("hash", "mask") else ARROW[column.type]


def _array(values: Sequence[Any], kind: pa.DataType) -> pa.Array:
    """Return values as a column; what is not of its type, which no service of ours logs, is left out and counted."""
    try:
        return pa.array(values, kind)
    except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError, UnicodeEncodeError):
        fitting = [value if _fits(value, kind) else None for value in values]
        n_others = sum(value is not None for value in values) - sum(value is not None for value in fitting)
        log.error("%d logged values are not of type %s and were left out", n_others, kind)
        return pa.array(fitting, kind)


def _fits(value: object, kind: pa.DataType) -> bool:
    try:
        pa.array([value], kind)
    except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError, UnicodeEncodeError):
        return False
    return True


def unified(schemas: Sequence[pa.Schema]) -> pa.Schema:
    """Return the schema that tables of several models have together: a column that two type differently is text."""
    fields: dict[str, pa.DataType] = {}
    for field in (field for schema in schemas for field in schema):
        kind = fields.setdefault(field.name, field.type)
        if kind != field.type:
            numbers = {kind, field.type} == {pa.int64(), pa.float64()}
            fields[field.name] = pa.float64() if numbers else pa.string()
    return pa.schema(list(fields.items()))


def as_schema(batch: pa.RecordBatch, schema: pa.Schema) -> pa.RecordBatch:
    """Return a batch with the columns of a schema, null where it has none."""
    have: Mapping[str, pa.Array] = dict(zip(batch.schema.names, batch.columns, strict=True))
    arrays = [
        have[field.name].cast(field.type) if field.name in have else pa.nulls(batch.num_rows, field.type)
        for field in schema
    ]
    return pa.RecordBatch.from_arrays(arrays, schema=schema)
