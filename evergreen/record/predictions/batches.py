"""Answers of batch scoring on their way into the prediction log's table: a file for each file that was scored."""

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from evergreen.base.artifacts.outputs import Output
from evergreen.base.values import Value
from evergreen.config.contract.contract import Contract
from evergreen.data import personal
from evergreen.data.typed.schema import conform
from evergreen.record.predictions.columnar import INSTANT, prediction_schema, value_names
from evergreen.record.predictions.records import Columns, LoggedColumn
from evergreen.record.predictions.table import day_of, partition


class Answering(Value):
    """Who answers, and how it stands in the log. `event`: the column that says when a row was observed."""

    model: str
    version: int
    model_digest: str
    variant: str
    event: str | None


def is_logged(folder: Path, name: str) -> bool:
    """Return whether the table holds a scored file's answers, whatever the day on which they were given."""
    return any((folder / "table").glob(f"date=*/{name}"))


class BatchLog:
    """A file of the table in the making; it appears whole, under the day on which it was begun.

    Parameters
    ----------
    name : of the file, the same for the same rows and model.
    contract, columns : of the model that answers.
    there : the columns of the contract that the rows have.
    key : the file with the key that personal values are hashed under; made where there is none.
    """

    def __init__(
        self,
        folder: Path,
        name: str,
        answering: Answering,
        *,
        contract: Contract,
        columns: Columns,
        there: Collection[str],
        key: Path,
    ) -> None:
        received_us = int(datetime.now(UTC).timestamp() * 1_000_000)
        keys = {column.name for column in columns.keys} & {*there}
        self._about = contract.as_written(column for column in contract.stored if column.name in keys)
        self._contract, self._columns, self._answering = contract, columns, answering
        self._schema, self._names = prediction_schema(columns), value_names(columns)
        self._received = pa.scalar(received_us, pa.int64()).cast(INSTANT)
        secret = personal.key(key) if any(column.pii == "hash" for column in columns.all) else b""
        self._protect = {column.name: _protection(column, secret) for column in columns.all if column.pii}
        path = partition(folder, "table", day_of(received_us)) / name
        unlike = ("prediction_id", "probability", "value")
        texts = [field.name for field in self._schema if field.type == pa.string() and field.name not in unlike]
        self.output = Output(path, self._schema, unlike=unlike, coded=texts)

    def add(self, rows: pa.RecordBatch, asked: pa.RecordBatch, answers: pa.RecordBatch, keeps: pa.Array) -> None:
        """Take the rows of a batch that were answered, which are those that `keeps` says.

        Parameters
        ----------
        rows : all of the batch, as they came.
        asked : those that were answered, typed: the columns that the model was asked with.
        answers : for all of the batch, prediction_id and, by task, probability, label and value.
        """
        contract = self._contract
        about = [column for column in self._about if column.name not in asked.schema.names]
        known = conform(rows, about, zone=contract.timezone, missing=contract.missing, coded=True)
        if keeps.false_count:
            known, answers = known.filter(keeps), answers.filter(keeps)
        values = {column.name: known.column(column.name) for column in about}
        values |= dict(zip(asked.schema.names, asked.columns, strict=True))
        self.output.add(self._batch(dict(zip(answers.schema.names, answers.columns, strict=True)), values))

    def _batch(self, answers: Mapping[str, pa.Array], values: Mapping[str, pa.Array]) -> pa.RecordBatch:
        n = len(answers["prediction_id"])
        known = {
            **answers,
            **{name: _all(value, n) for name, value in self._answering.model_dump(exclude={"event"}).items()},
            "received_at": _all(self._received, n),
            "propensity": _all(1.0, n),
            "latency_us": _all(0, n),
            "source": _all("batch", n),
            "request_id": _all("", n),
        }
        if self._answering.event:
            known["event_at"] = values[self._answering.event]
        if self._columns.task == "binary":
            codes = pc.invert(answers["label"]).cast(pa.int8()).cast(pa.int32())
            known["decision"] = pa.DictionaryArray.from_arrays(codes, ["positive", "negative"])
            known["rule"] = _all("threshold", n)
        ours = [known.get(name, pa.nulls(n)) for name in self._schema.names[: -len(self._names)]]
        theirs = [self._protected(column, values.get(column.name, pa.nulls(n))) for column in self._columns.all]
        return pa.RecordBatch.from_arrays([*ours, *theirs], names=self._schema.names)

    def _protected(self, column: LoggedColumn, values: pa.Array) -> pa.Array:
        return self._protect[column.name](values) if column.name in self._protect else values


def _protection(column: LoggedColumn, secret: bytes) -> Callable[[pa.Array], pa.Array]:
    how: dict[str, Callable[[str], str | None]] = {
        "hash": personal.hasher(secret),
        "mask": personal.masked,
        "drop": lambda _: None,
    }
    change = how[column.pii or "drop"]

    def protect(values: pa.Array) -> pa.Array:
        if values.null_count == len(values):
            return pa.nulls(len(values), pa.string())
        coded = values if pa.types.is_dictionary(values.type) else values.dictionary_encode()
        texts: Sequence[object] = coded.dictionary.to_pylist()
        return pa.array([change(str(text)) for text in texts], pa.string()).take(coded.indices)

    return protect


def _all(value: object, n: int) -> pa.Array:
    if isinstance(value, str):
        return pa.DictionaryArray.from_arrays(pa.array(np.zeros(n, np.int32)), [value])
    return pa.repeat(value if isinstance(value, pa.Scalar) else pa.scalar(value), n)
