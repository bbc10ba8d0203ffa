"""Batch scoring: the same answer as the service's for the same row."""

import logging
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from evergreen.base.errors import DataError
from evergreen.config.contract.columns import MISSING, Column
from evergreen.data.typed.schema import conform, from_pandas, to_pandas
from evergreen.data.typed.times import Offsets
from evergreen.data.validation.reasons import RowJudge
from evergreen.learning.evaluation.estimates import nothing
from evergreen.learning.features.derived import finite, numbers
from evergreen.learning.features.rowwise import instants, typed
from evergreen.learning.model.model import Model
from evergreen.learning.model.prediction_ids import PredictionIds

log = logging.getLogger(__name__)
ESTIMATED_ROWS = 16_384  # at a time: more take more memory and are no faster
CODES, WHY = "codes", "why"
UNLIKE = ("prediction_id", "probability", "value")  # of the columns that are added: no two rows have one


@dataclass(frozen=True)
class ScoredBatch:
    """A batch, scored. `kept`: the rows that were, typed, texts dictionary-encoded: what the model is asked with.

    `keeps`: which rows of the batch they are. `answers`: for every row of the batch, in its order, the columns that
    scoring adds; of a row that is refused the id and the answer are null.
    """

    kept: pa.RecordBatch
    keeps: pa.Array
    answers: pa.RecordBatch


class BatchScorer:
    """Scores the batches of one file, in their order.

    Parameters
    ----------
    columns : what the file has.

    `columns` are those that the model is asked with, `parts` the others that the file has in place of a time. `added`
    are the names of what is added, in the order of `schema`: with underscores before one that the file has too.

    Raises
    ------
    DataError if a column that the model needs is missing.
    """

    def __init__(self, model: Model, *, version: int, threshold: float, columns: Collection[str]) -> None:
        contract = model.contract
        sent = [column for column in contract.request_columns if not column.parts or column.name in columns]
        parts = contract.with_parts([c for c in contract.request_columns if c not in sent], those=False)
        if missing := [column.name for column in (*parts, *sent) if column.name not in columns]:
            raise DataError(
                "DQ001",
                f"missing columns: {', '.join(missing)}",
                where="score",
                next_step="Add them; the contract says what they hold.",
            )
        self.schema = added(model)
        self.added = tuple(free(name, columns) for name in self.schema.names)
        if taken := [name for name in self.schema.names if name in columns]:
            ours = ", ".join(free(name, columns) for name in taken)
            log.warning("score: the file has columns of its own named %s: ours are %s", ", ".join(taken), ours)
        if without := [column.name for column in model.given if column.name not in columns]:
            log.warning("score: missing in every row, because the file has no such column: %s", ", ".join(without))
        given = [column for column in model.given if column.name in columns]
        self.columns: tuple[Column, ...] = (*contract.as_written(contract.request_columns), *given)
        named = {column.name for column in self.columns}
        self.parts = contract.as_written(column for column in parts if column.name not in named)
        self.offsets = Offsets()
        self._model, self._version, self._threshold = model, version, threshold
        self._judge, self._ids = RowJudge(self.columns), PredictionIds(model.digest)

    def take(
        self, batch: pa.RecordBatch, *, missing: Collection[str] = MISSING, from_json: bool = False
    ) -> ScoredBatch:
        """Score the next rows, whatever types their values come in.

        Parameters
        ----------
        missing : texts that stand for a value that is not there, where a number, a time or a truth value is wanted.
        from_json : texts may be numbers as JSON has them.
        """
        zone = self._model.contract.timezone
        rows = conform(
            batch,
            self.columns,
            zone=zone,
            missing=tuple(missing),
            offsets=self.offsets,
            parts=self.parts,
            coded=True,
            from_json=from_json,
        )
        judged = self._judge.judge(rows)
        all_kept = judged.keeps.false_count == 0
        kept = rows.select([column.name for column in self.columns])
        kept = kept if all_kept else kept.filter(judged.keeps)
        places = None if all_kept else _places(judged.keeps)
        answers = {"prediction_id": self._ids.take(_seen(kept, self._model), kept.num_rows), **self._answers(kept)}
        columns = [answers[name] if places is None else answers[name].take(places) for name in answers]
        version = pa.repeat(pa.scalar(self._version, pa.int64()), batch.num_rows)
        arrays = [columns[0], version, *columns[1:], judged.codes, judged.why]
        return ScoredBatch(kept, judged.keeps, pa.RecordBatch.from_arrays(arrays, schema=self.schema))

    def _answers(self, kept: pa.RecordBatch) -> dict[str, pa.Array]:
        pieces = [
            self._model.estimate_batch(kept.slice(begin, ESTIMATED_ROWS)).answers(self._threshold)
            for begin in range(0, kept.num_rows, ESTIMATED_ROWS)
        ] or [_nothing(self._model)]
        return {
            name: pa.array(np.concatenate([piece[name] for piece in pieces]), self.schema.field(name).type)
            for name in pieces[0]
        }


def score(rows: pd.DataFrame, model: Model, *, version: int, threshold: float) -> pd.DataFrame:
    """Return one prediction for each of `rows`, in their order, by the pipeline, as training sees it.

    Columns: prediction_id, version, and by task probability and label, or value, as `Estimates.answers` says. `rows`
    keep the contract. The prediction_id is the same wherever the same row is scored by the same model; rows that are
    there more than once are told apart.
    """
    ids = PredictionIds(model.digest).take(_seen_in_frame(rows, model), len(rows))
    answers = model.predict(rows).answers(threshold) if len(rows) else _nothing(model)
    texts = ids.to_numpy(zero_copy_only=False)
    return pd.DataFrame({"prediction_id": texts, "version": version, **answers}, index=rows.index)


def score_file(rows: pd.DataFrame, model: Model, *, version: int, threshold: float) -> pd.DataFrame:
    """Return `rows` of any dtypes with their predictions, as `evergreen score` gives them to the rows of a file.

    A row that breaks the contract gets no prediction, and its codes and reasons. Features of the past are taken from
    the rows; nothing in them says which came before, so that those which they do not hold are missing.

    Raises
    ------
    As `BatchScorer`.
    """
    scorer = BatchScorer(model, version=version, threshold=threshold, columns=[str(name) for name in rows.columns])
    there = [column for column in (*scorer.columns, *scorer.parts) if column.name in rows]
    answers = to_pandas(scorer.take(from_pandas(rows, there)).answers).astype({"version": "int64"})
    return rows.reset_index(drop=True).assign(**answers.set_axis(scorer.added, axis="columns"))


def added(model: Model) -> pa.Schema:
    """Return the columns that scoring adds: id and version, the answer of the task, and why a row is refused."""
    kinds = {"probability": pa.float64(), "value": pa.float64(), "label": pa.string()}
    if model.contract.task == "binary":
        kinds["label"] = pa.bool_()
    answers = [(name, kinds[name]) for name in _nothing(model)]
    about = [("prediction_id", pa.string()), ("version", pa.int64())]
    return pa.schema([*about, *answers, (CODES, pa.string()), (WHY, pa.string())])


def free(name: str, columns: Collection[str]) -> str:
    """Return a name that none of `columns` has, with underscores before it if it must be.

    Examples
    --------
    >>> free("label", ["label", "x"]), free("label", ["label", "_label"]), free("label", ["x"])
    ('_label', '__label', 'label')
    """
    while name in columns:
        name = f"_{name}"
    return name


def _nothing(model: Model) -> dict[str, np.ndarray[Any, Any]]:
    return nothing(model.contract.task, model.classes).answers(0.5)


def _places(keeps: pa.Array) -> pa.Array:
    """Return for each row its place among those that are kept, null of others."""
    mask = keeps.to_numpy(zero_copy_only=False)
    return pa.array(np.cumsum(mask) - 1, mask=~mask)


def _seen(kept: pa.RecordBatch, model: Model) -> dict[str, pa.Array]:
    """Return what the model sees of typed rows: the time, features and features of the past, each of one type."""
    seen = {column.name: _hashable(kept.column(column.name)) for column in model.contract.request_columns}
    for column in model.given:
        there = column.name in kept.schema.names
        seen[column.name] = kept.column(column.name) if there else pa.nulls(kept.num_rows, pa.float64())
    return seen


def _hashable(values: pa.Array) -> pa.Array:
    """Return numbers and truth values as float64, as the model takes them, times in microseconds, and texts."""
    if pa.types.is_timestamp(values.type):
        return values.cast(pa.int64())
    if pa.types.is_boolean(values.type):
        values = values.cast(pa.uint8())
    return values if pa.types.is_dictionary(values.type) else values.cast(pa.float64(), safe=False)


def _seen_in_frame(rows: pd.DataFrame, model: Model) -> Mapping[str, pa.Array]:
    """Return what `_seen` does, of rows that keep the contract in any dtypes, such as those of the train table."""
    seen: dict[str, pa.Array] = {}
    for column in model.contract.request_columns:
        if column.type == "timestamp":
            times = instants(rows[column.name]).dt.as_unit("us")
            seen[column.name] = pa.Array.from_pandas(times).cast(pa.int64())
        elif column.type in ("category", "text"):
            seen[column.name] = _texts(typed(rows[column.name], column))
        else:
            seen[column.name] = pa.Array.from_pandas(typed(rows[column.name], column))
    for column in model.given:
        past = rows[column.name] if column.name in rows else pd.Series(np.nan, index=rows.index)
        seen[column.name] = pa.Array.from_pandas(finite(numbers(past)))
    return seen


def _texts(values: "pd.Series[str]") -> pa.Array:
    texts = pa.Array.from_pandas(values)
    whole = texts.combine_chunks() if isinstance(texts, pa.ChunkedArray) else texts
    return pc.cast(whole, pa.string()).dictionary_encode()
