"""Answers of batch scoring on their way into the prediction log's table: a file for each file that was scored."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from evergreen.base.artifacts.outputs import Output
from evergreen.base.values import Value
from evergreen.data import personal
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
    key : the file with the key that personal values are hashed under; made where there is none.
    """

    def __init__(self, folder: Path, name: str, columns: Columns, answering: Answering, *, key: Path) -> None:
        now = datetime.now(UTC)
        received_us = int(now.timestamp() * 1_000_000)
        self._columns, self._answering = columns, answering
        self._schema = prediction_schema(columns)
        self._names = value_names(columns)
        self._received = pa.scalar(received_us, pa.int64()).cast(INSTANT)
        secret = personal.key(key) if any(column.pii == "hash" for column in columns.all) else b""
        self._protect = {column.name: _protection(column, secret) for column in columns.all if column.pii}
        path = partition(folder, "table", day_of(received_us)) / name
        self.output = Output(path, self._schema, unlike=("prediction_id", "probability", "value"))

    def add(self, answers: pa.RecordBatch, values: Mapping[str, pa.Array]) -> None:
        """Take answered rows.

        Parameters
        ----------
        answers : prediction_id and, by task, probability, label and value; none is null.
        values : typed, by the names of the contract; what is not there was not given.
        """
        n, who = answers.num_rows, self._answering
        known = dict(zip(answers.schema.names, answers.columns, strict=True))
        known |= {
            **{name: _all(value, n) for name, value in who.model_dump(exclude={"event"}).items()},
            "received_at": _all(self._received, n),
            "propensity": _all(1.0, n),
            "latency_us": _all(0, n),
            "source": _all("batch", n),
            "request_id": _all("", n),
        }
        if who.event:
            known["event_at"] = values[who.event]
        if self._columns.task == "binary":
            known |= {"decision": pc.if_else(known["label"], "positive", "negative"), "rule": _all("threshold", n)}
        ours = self._schema.names[: -len(self._names)]
        arrays = [known.get(name, pa.nulls(n)).cast(self._schema.field(name).type) for name in ours]
        for column, name in zip(self._columns.all, self._names, strict=True):
            given = values.get(column.name, pa.nulls(n))
            given = self._protect[column.name](given) if column.pii and column.name in values else given
            arrays.append(given.cast(self._schema.field(name).type))
        self.output.add(pa.RecordBatch.from_arrays(arrays, schema=self._schema))


def _protection(column: LoggedColumn, secret: bytes) -> Callable[[pa.Array], pa.Array]:
    how: dict[str, Callable[[str], str | None]] = {
        "hash": lambda text: personal.hashed(text, secret),
        "mask": personal.masked,
        "drop": lambda _: None,
    }
    change = how[column.pii or "drop"]

    def protect(values: pa.Array) -> pa.Array:
        coded = values if pa.types.is_dictionary(values.type) else values.dictionary_encode()
        texts: Sequence[object] = coded.dictionary.to_pylist()
        return pa.array([change(str(text)) for text in texts], pa.string()).take(coded.indices)

    return protect


def _all(value: object, n: int) -> pa.Array:
    return pa.repeat(value if isinstance(value, pa.Scalar) else pa.scalar(value), n)
