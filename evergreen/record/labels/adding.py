"""A file of labels becomes feedback of the prediction log: all of it at once, and once."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from evergreen.base import failpoints
from evergreen.base.artifacts import outputs
from evergreen.base.artifacts.outputs import Output
from evergreen.base.errors import explain_os_errors
from evergreen.base.files import make_private
from evergreen.base.values import Value, digest_of
from evergreen.config.contract.contract import Contract
from evergreen.config.contract.sources import format_of
from evergreen.data.ingest import layouts, rows
from evergreen.data.ingest.items import check_unchanged, item_of
from evergreen.record.labels.columns import label_column
from evergreen.record.labels.files import LabelFile
from evergreen.record.predictions import reading
from evergreen.record.predictions.columnar import feedback_batch, feedback_schema
from evergreen.record.predictions.protection import Protection
from evergreen.record.predictions.records import Feedback, columns_of
from evergreen.record.predictions.table import day_of, partition, sync_folder

log = logging.getLogger(__name__)

MOST_SHOWN = 5  # of the rows that are refused
IDS_AT_ONCE = 1_000_000
UNLIKE = ("feedback_id", "prediction_id", "key")


class Refused(Value):
    """A row of which nothing can be taken; `row` counts from 1 without the header, `column` is the first at fault."""

    row: int
    column: str
    codes: str
    why: str


class Added(Value):
    """What a file of labels brought.

    rows = `taken` + `known` + `unlabelled` + `refused`: labels that were added, those that this file had brought
    before, rows without a label, and rows that cannot be taken: the `first` of them, and all of them in
    `refused_file`. `unknown_ids`: labels, new or known, that name a prediction which the log does not hold (yet); they
    are kept.
    """

    file: str
    rows: int
    taken: int
    known: int
    unlabelled: int
    refused: int
    unknown_ids: int
    first: tuple[Refused, ...]
    refused_file: str | None


def add(folder: Path, source: Path, *, contract: Contract, refused: Path, key: Path) -> Added:
    """Bring a file's labels into the log in `folder`, all that can be taken or, if anything ends it, none.

    The same file again, read by the same contract, brings nothing. One process at a time may do this.

    Parameters
    ----------
    source : CSV, TSV, JSON lines or Parquet, as its ending says; columns as `LabelFile` reads them.
    refused : the folder for rows that cannot be taken.
    key : the file with the key that personal values are hashed under.

    Raises
    ------
    DataError if the file cannot be read, changes meanwhile, or lacks a column. ConfigError if its name does not tell
    its format. ResourceError if something cannot be written.
    """
    item = item_of(source, name=str(source), otherwise=format_of(contract.source))
    layout = layouts.for_file(item, contract.source, [])
    digest = digest_of([item.sha256, item.format, _reading(contract), layout])
    name = f"labels-{digest[:24]}.parquet"
    for left in (folder / "feedback", refused):
        outputs.sweep(left)
    is_known = any((folder / "feedback").glob(f"date=*/{name}"))
    came, columns = rows.read(item, layout), columns_of(contract)
    received_us = int(datetime.now(UTC).timestamp() * 1_000_000)
    file = LabelFile(contract, came.schema.names, digest=digest, received_us=received_us)
    path, bad_path = partition(folder, "feedback", day_of(received_us)) / name, refused / f"{digest[:24]}.csv"
    n_rows = n_said = n_unlabelled = n_refused = 0
    first: list[Refused] = []
    unknown = _Unknown(folder)
    protect = Protection(key).of(columns).feedback
    with _file(path, feedback_schema(columns)) as kept, _file(bad_path, file.refused_schema) as bad:
        for batch in came.batches:
            n_rows += batch.num_rows
            for sifted in file.sift(batch, is_text=item.format != "parquet", is_json=item.is_json):
                said = sifted.said if protect is None else [protect(each) for each in sifted.said]
                kept.add(feedback_batch(columns, said))
                bad.add(sifted.refused)
                unknown.take(said)
                n_said, n_unlabelled = n_said + len(said), n_unlabelled + sifted.n_unlabelled
                n_refused += sifted.refused.num_rows
                first += _first(sifted.refused, MOST_SHOWN - len(first))
        check_unchanged(item)
        n_unknown = unknown.count()
        if n_refused:
            bad.publish()
        if n_said and not is_known:
            failpoints.reach("labels.written")
            kept.publish()
            sync_folder(path.parent)
            failpoints.reach("labels.published")
    log.info("labels: %d rows, %d labels, %d refused", n_rows, n_said, n_refused)
    return Added(
        file=str(source),
        rows=n_rows,
        taken=0 if is_known else n_said,
        known=n_said if is_known else 0,
        unlabelled=n_unlabelled,
        refused=n_refused,
        unknown_ids=n_unknown,
        first=tuple(sorted(first, key=lambda row: row.row)),
        refused_file=str(bad.path) if n_refused else None,
    )


def _reading(contract: Contract) -> list[object]:
    """Return what of a contract decides how labels are read."""
    by_name = {column.name: column for column in contract.columns}
    read = [label_column(contract), *contract.with_parts(by_name[name] for name in contract.key)]
    return [[column.model_dump(mode="json") for column in read], contract.timezone, contract.missing]


@contextmanager
def _file(path: Path, schema: pa.Schema) -> Iterator[Output]:
    """Give a file in the making, of which nothing is left unless it is published."""
    with explain_os_errors(path):
        make_private(path.parent)
    output = Output(path, schema, unlike=UNLIKE)
    try:
        yield output
    finally:
        output.discard()


def _first(refused: pa.RecordBatch, n: int) -> list[Refused]:
    numbers, codes, why = (refused.column(at).slice(0, n).to_pylist() for at in (0, -2, -1))
    return [
        Refused(row=row, column="" if code == "DQ013" else each.partition(":")[0], codes=code, why=each)
        for row, code, each in zip(numbers, codes, why, strict=True)
    ]


class _Unknown:
    """Counts labels whose prediction the log does not hold; a million of their ids are held at a time."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._ids: list[pa.Array] = []
        self._n_waiting = self._n_unknown = 0

    def take(self, said: list[Feedback]) -> None:
        ids = pa.array([each.prediction_id for each in said if each.prediction_id is not None], pa.string())
        self._ids.append(ids)
        self._n_waiting += len(ids)
        if self._n_waiting >= IDS_AT_ONCE:
            self.count()

    def count(self) -> int:
        """Look up those that wait, and return how many are unknown so far."""
        ids = pa.chunked_array(self._ids, pa.string()).combine_chunks().dictionary_encode()
        self._ids, self._n_waiting = [], 0
        held = np.zeros(len(ids.dictionary), bool)
        if len(held):
            for batch in reading.batches(self._folder, pick=lambda _: ["prediction_id", "received_at"]):
                found = pc.index_in(batch.column(0), options=pc.SetLookupOptions(ids.dictionary)).drop_null()
                held[found.to_numpy()] = True
        self._n_unknown += int((~held[ids.indices.to_numpy()]).sum())
        return self._n_unknown
