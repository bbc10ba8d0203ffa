"""The append-only log of predictions: written before an answer is sent, read by monitoring."""

import json
import logging
import os
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from evergreen.base.errors import explain_os_errors
from evergreen.config.contract.columns import Column
from evergreen.config.contract.contract import Contract

if TYPE_CHECKING:
    import pandas as pd

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Prediction:
    """One answered row. `features` is the row as it was asked, `at` the time of the answer in UTC.

    `label` is a truth value or a class, with its `probability` (of true, or of that class); a number is a `value`.
    """

    prediction_id: str
    at: datetime
    model: str
    version: int
    model_digest: str
    features: Mapping[str, Any]
    probability: float | None = None
    label: bool | str | None = None
    value: float | None = None

    def line(self) -> bytes:
        """Return the prediction as it stands in the log."""
        return json.dumps(vars(self), default=datetime.isoformat, allow_nan=False).encode() + b"\n"


CLOSED = -1  # no file's descriptor


class PredictionLog:
    """This process's segment of the log in a folder; several processes may share the folder, and threads the object.

    What `append` has returned from survives `kill -9`; a power failure may lose the last seconds.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / f"{datetime.now(UTC):%Y%m%dT%H%M%S}-{os.getpid()}-{uuid4().hex[:8]}.jsonl"
        with explain_os_errors(self.path):
            folder.mkdir(parents=True, exist_ok=True)
            self._file = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o640)
        self._lock = threading.Lock()
        self._torn = False

    def append(self, predictions: Sequence[Prediction]) -> None:
        """Write predictions with one system call.

        Raises
        ------
        ResourceError if they are not all written: answer none of them.
        """
        lines = b"".join(prediction.line() for prediction in predictions)
        with self._lock, explain_os_errors(self.path):
            rest = memoryview(b"\n" + lines if self._torn else lines)
            self._torn = True
            while rest:
                rest = rest[os.write(self._file, rest) :]
            self._torn = False

    def close(self) -> None:
        """Close the segment; nothing can be appended afterwards. A second time does nothing."""
        with self._lock:
            if self._file != CLOSED:
                os.close(self._file)  # whose number the system gives to the next file that is opened
            self._file = CLOSED


def read(folder: Path) -> "pd.DataFrame":
    """Return every logged prediction by time, one row each, with the fields of `Prediction` as columns.

    Lines that a kill or a full disk cut short were never acknowledged: they are left out, counted in
    ``attrs["torn_lines"]`` and logged.
    """
    import pandas as pd

    rows: list[Mapping[str, Any]] = []
    n_torn = 0
    for segment in sorted(folder.glob("*.jsonl")):
        for row in _rows(segment):
            if row is None:
                n_torn += 1
            else:
                rows.append(row)
    frame = pd.DataFrame.from_records(rows, columns=list(Prediction.__dataclass_fields__))
    frame["at"] = pd.to_datetime(frame["at"], utc=True, format="ISO8601")
    frame = frame.sort_values("at", kind="stable", ignore_index=True)
    frame.attrs["torn_lines"] = n_torn
    log.info("predictions: %d rows, %d torn lines in %s", len(frame), n_torn, folder)
    return frame


def _rows(segment: Path) -> Iterator[Mapping[str, Any] | None]:
    with segment.open("rb") as lines:
        for line in lines:
            if line.strip():
                try:
                    row = json.loads(line)
                except ValueError:
                    row = None
                yield row if isinstance(row, dict) else None


def requested(logged: "pd.DataFrame", contract: Contract, given: Sequence[Column] = ()) -> "pd.DataFrame":
    """Return the rows that were asked, typed as in the validated table: the contract's request columns and `given`."""
    import pandas as pd

    asked = {
        column.name: _typed(pd.Series([row.get(column.name) for row in logged["features"]], dtype="object"), column)
        for column in (*contract.request_columns, *given)
    }
    return pd.DataFrame(asked).set_index(logged.index)


def _typed(values: "pd.Series[Any]", column: Column) -> "pd.Series[Any]":
    import pandas as pd

    if column.type == "timestamp":
        return pd.to_datetime(values, utc=True, format="ISO8601")
    kinds = {"number": "float64", "integer": "Int64", "category": "str", "text": "str", "boolean": "boolean"}
    return values.astype(kinds[column.type])  # type: ignore[call-overload, no-any-return]  # the stubs want literals
