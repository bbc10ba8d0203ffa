"""Files of rows -> the same rows with predictions, a file each: whole, once, and the same again after a kill."""

import logging
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from evergreen.adapters import packaging
from evergreen.base.artifacts import receipts
from evergreen.base.artifacts.outputs import Output
from evergreen.base.artifacts.receipts import Receipt
from evergreen.base.artifacts.refs import Item
from evergreen.base.artifacts.workspace import Workspace
from evergreen.base.errors import DataError
from evergreen.base.files import file_digest
from evergreen.base.values import digest_of
from evergreen.config.contract.sources import format_of
from evergreen.config.settings import Settings
from evergreen.data.ingest import layouts, rows
from evergreen.data.ingest.items import check_unchanged, item_of
from evergreen.data.ingest.partitions import Partition
from evergreen.data.ingest.store import refuse_mixture
from evergreen.data.personal import KEY_FILE
from evergreen.data.typed.encoded import is_unspelled
from evergreen.data.typed.values import as_read
from evergreen.learning.model import model as models
from evergreen.learning.model.model import Model
from evergreen.learning.model.scored import Failure, Progress, ScoredFile
from evergreen.learning.model.scoring import UNLIKE, BatchScorer
from evergreen.record.outcomes import VersionFacts
from evergreen.record.plan.identity import code_digest
from evergreen.record.predictions import batches
from evergreen.record.predictions.batches import Answering, BatchLog
from evergreen.record.predictions.records import columns_of
from tasks.planned import Planned

log = logging.getLogger(__name__)
progress = log.getChild("progress")  # at level debug, for whoever draws it


@dataclass(frozen=True)
class Scoring:
    """A version that scores files.

    `champion`: whether it is the one that answers callers too. `logs`: whether its answers go to the prediction log.
    """

    version: VersionFacts
    settings: Settings
    champion: bool = True
    logs: bool = True

    @cached_property
    def model(self) -> Model:
        """The version's model; raises IntegrityError if it, or the package that serves it, is not as registered."""
        packaging.require_unchanged(self.version, self.settings)
        artifact = self.version.artifact
        return models.load(Workspace(root=self.settings.workspace).path(artifact.uri), artifact.sha256)

    def score_all(self, planned: Sequence[Planned], *, before: int = 0, of: int | None = None) -> list[ScoredFile]:
        """Score files in turn; one that its rows end leaves its error, and the others go on.

        Parameters
        ----------
        before, of : how many files came before these, and how many there are in all.
        """
        done = []
        for number, one in enumerate(planned, before):
            try:
                done.append(self.score(one, place=(number, of or len(planned))))
            except DataError as error:
                log.error("score: %s", " ".join(error.block().split()))
                done.append(ScoredFile(name=one.partition.name, output=one.output, failure=Failure.of(error)))
        return done

    def score(self, planned: Planned, *, place: tuple[int, int] = (0, 1)) -> ScoredFile:
        """Score one file, unless its output is there: made of the same bytes, by the same model and code.

        Raises
        ------
        DataError if its rows cannot be scored at all. ResourceError if the output or the log cannot be written.
        """
        partition, output = planned.partition, Path(planned.output)
        otherwise = format_of(self.model.contract.source)
        item = item_of(Path(partition.uri), name=partition.name, otherwise=otherwise)
        made_of = self._made_of(item, partition)
        there = receipts.read(output)
        about = {"name": partition.name, "output": planned.output}
        if there and there.made_of == made_of and (there.logged or not self.logs):
            log.info("score: %s: the output is there, %d rows", partition.name, there.rows)
            return ScoredFile(**about, rows=there.rows, refused=there.refused, skipped=True)
        logs = self.logs and not batches.is_logged(self.settings.predictions, self._log_name(item, partition))
        n_rows, n_refused = self._write(item, partition, output, place, logs=logs)
        receipt = Receipt(made_of=made_of, sha256=file_digest(output), rows=n_rows, refused=n_refused, logged=self.logs)
        receipts.write(output, receipt)
        log.info("score: %s: %d rows, %d refused", partition.name, n_rows, n_refused)
        return ScoredFile(**about, rows=n_rows, refused=n_refused, logged=n_rows - n_refused if logs else 0)

    def _log(self, item: Item, partition: Partition, names: Sequence[str], written: ExitStack) -> BatchLog:
        contract, version = self.model.contract, self.version
        answering = Answering(
            model=version.judged.model,
            version=version.version,
            model_digest=version.artifact.sha256,
            variant="champion" if self.champion else f"version {version.version}",
            event=contract.time,
        )
        made = BatchLog(
            self.settings.predictions,
            self._log_name(item, partition),
            answering,
            contract=contract,
            columns=columns_of(contract, self.model.given, self.model.classes),
            there=names,
            key=self.settings.home / KEY_FILE,
        )
        written.enter_context(_written(made.output))
        return made

    def _made_of(self, item: Item, partition: Partition) -> str:
        version, code = self.version, code_digest(__name__)
        model = (version.artifact.sha256, version.version, version.threshold)
        return digest_of([item.sha256, item.format, partition.values, model, code])

    def _log_name(self, item: Item, partition: Partition) -> str:
        rows_digest, artifact = digest_of([item.sha256, item.format, partition.values]), self.version.artifact
        return f"batch-{rows_digest[:24]}-{artifact.sha256[:16]}.v{self.version.version}.parquet"

    def _write(
        self, item: Item, partition: Partition, output: Path, place: tuple[int, int], *, logs: bool
    ) -> tuple[int, int]:
        contract = self.model.contract
        layout = layouts.for_file(item, contract.source, [column.name for column in contract.request_columns])
        source = rows.read(item, layout)
        declared = {column.name for column in (*contract.columns, *self.model.given)} - {*source.schema.names}
        values = {name: value for name, value in partition.values.items() if name in declared}
        names = [*source.schema.names, *values]
        scorer = BatchScorer(self.model, version=self.version.version, threshold=self.version.threshold, columns=names)
        asked = {column.name for column in (*scorer.columns, *scorer.parts)}
        n_rows = n_refused = 0
        total = _rows_of(item)
        renamed = dict(zip(scorer.schema.names, scorer.added, strict=True))
        answered = pa.schema([field.with_name(renamed[field.name]) for field in scorer.schema])
        as_text = [at for at, kind in enumerate(source.schema.types) if output.suffix == ".csv" and is_unspelled(kind)]
        came = source.schema
        for at in as_text:
            came = came.set(at, pa.field(came.names[at], as_read(pa.array([], came.types[at])).type))
        schema = pa.unify_schemas([came, answered])
        unlike = tuple(renamed.get(name, name) for name in UNLIKE)
        with ExitStack() as written:
            out = written.enter_context(_written(Output(output, schema, unlike=unlike, coded=source.coded)))
            # Published first, being entered last: an answer stands in the log before anybody sees it.
            kept = self._log(item, partition, names, written) if logs else None
            for batch in source.batches:
                known = _with_values(batch, values)
                if item.format != "parquet":
                    known = rows.without_missing(known, asked, contract.missing)
                scored = scorer.take(known, missing=contract.missing, from_json=item.is_json)
                out.add(_side_by_side(batch, scored.answers.rename_columns(renamed), as_text=as_text))
                if kept:
                    kept.add(known, scored.kept, scored.answers, scored.keeps)
                n_rows += batch.num_rows
                n_refused += batch.num_rows - scored.kept.num_rows
                _show(place, n_rows, total)
            check_unchanged(item)
            refuse_mixture(scorer.offsets, item)
        return n_rows, n_refused


@contextmanager
def _written(output: Output) -> Iterator[Output]:
    try:
        yield output
        output.publish()
    except BaseException:
        output.discard()
        raise


def _rows_of(item: Item) -> int | None:
    return pq.read_metadata(item.uri).num_rows if item.format == "parquet" else None


def _show(place: tuple[int, int], n_rows: int, total: int | None) -> None:
    if progress.isEnabledFor(logging.DEBUG):
        found = Progress(*place, rows=n_rows, share=n_rows / total if total else 0.0)
        progress.debug("score: %d rows", n_rows, extra={"progress": found})


def _with_values(batch: pa.RecordBatch, values: dict[str, str | None]) -> pa.RecordBatch:
    """Return rows with the columns that their folders name."""
    for name, value in values.items():
        batch = batch.append_column(name, pa.repeat(pa.scalar(value, pa.string()), batch.num_rows))
    return batch


def _side_by_side(batch: pa.RecordBatch, answers: pa.RecordBatch, *, as_text: Sequence[int]) -> pa.RecordBatch:
    """Return the columns of a file, without the two that the reader adds, and those of its answers.

    `as_text`: the places of columns that stand there as they are read.
    """
    came = [as_read(values) if at in as_text else values for at, values in enumerate(batch.columns[:-2])]
    columns = [*came, *answers.columns]
    return pa.RecordBatch.from_arrays(columns, names=[*batch.schema.names[:-2], *answers.schema.names])
