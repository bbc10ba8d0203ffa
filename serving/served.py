"""One release in memory: all that an answer needs, never changed once it is made."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from evergreen.config.contract.columns import Column
from evergreen.data.typed.schema import ARROW
from evergreen.learning.evaluation.estimates import Estimates
from evergreen.learning.model.compiled import golden
from evergreen.learning.model.model import Model
from evergreen.learning.model.release import RELEASE_FILE, Release, load_release
from evergreen.record.predictions.records import Columns, columns_of
from serving import documents
from serving.answers import Headers
from serving.decoding import Decoder
from serving.reading import Scalar

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Served:
    """A verified release: its model, what reads its requests, and what is said about it.

    `document` and `schema` are JSON, `begin` is how every answer begins, `headers` are those of every answer.
    `written`: when its package was written on this machine, in seconds since 1970.
    """

    release: Release
    model: Model
    decoder: Decoder
    columns: Columns
    document: bytes
    schema: bytes
    begin: bytes
    headers: Headers
    written: float

    @classmethod
    def load(cls, bundle: Path, *, max_rows: int = 1_000) -> "Served":
        """Return the release in a folder that holds ``release.json`` and ``model/``.

        Raises
        ------
        IntegrityError if it is damaged, or does not answer its golden rows as it did when it was made.
        """
        release, model = load_release(bundle)
        golden.require(model, where=str(bundle))
        return cls.of(release, model, max_rows=max_rows, written=(bundle / RELEASE_FILE).stat().st_mtime)

    @classmethod
    def of(cls, release: Release, model: Model, *, max_rows: int = 1_000, written: float) -> "Served":
        columns = columns_of(model.contract, model.given, model.classes)
        keys = [column.name for column in columns.keys]  # beside the features
        decoder = Decoder(model, keys=keys, max_rows=max_rows)
        return cls(
            release=release,
            model=model,
            decoder=decoder,
            columns=columns,
            document=documents.openapi(release, model, decoder),
            schema=documents.schema(release, model, decoder),
            begin=documents.beginning(release),
            headers=[(b"x-model-version", str(release.version).encode())],
            written=written,
        )

    @property
    def is_quick(self) -> bool:
        """Whether a few rows are answered in less time than it takes to hand them to a thread."""
        return self.model.scorer is not None

    def estimate(self, rows: Sequence[Sequence[Scalar]]) -> Estimates:
        """Return what the model says of typed rows, at least one."""
        scorer = self.model.scorer
        if scorer is None:
            return self.model.estimate_batch(to_batch(rows, self.decoder.columns))
        return Estimates(scorer.task, scorer.estimate(scorer.encode_rows(rows)), scorer.classes)

    def estimate_many(self, rows: Sequence[Sequence[Scalar]]) -> Estimates:
        """Return what `estimate` does, column by column: less of a row's time, where there are many."""
        return self.model.estimate_batch(to_batch(rows, self.decoder.columns))


def to_batch(rows: Sequence[Sequence[Scalar]], columns: Sequence[Column]) -> pa.RecordBatch:
    """Return typed rows column by column."""
    arrays = []
    for column, values in zip(columns, zip(*rows, strict=True), strict=True):
        if column.type == "timestamp":
            arrays.append(pa.array(values, pa.int64()).cast(ARROW["timestamp"]))
        else:
            arrays.append(pa.array(values, ARROW[column.type]))
    return pa.RecordBatch.from_arrays(arrays, names=[column.name for column in columns])
