"""Rows in, answers out, and both in the log before: what a bundle predicts with."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from evergreen.base.errors import explain_os_errors
from evergreen.learning.model.compiled import golden
from evergreen.learning.model.compiled.golden import Golden, Scalar
from evergreen.learning.model.compiled.plan import ColumnType, PlanColumn
from evergreen.learning.model.compiled.reading import Reader, Unusual
from evergreen.learning.model.compiled.scorer import GRAPH, PLAN, Scorer
from evergreen.learning.model.compiled.spelled import marked
from evergreen.record.predictions.log import PredictionLog
from evergreen.record.predictions.records import Logged
from serving.edge.about import ABOUT, About
from serving.edge.refusals import MAX_SHOWN, Refused, allowed

Row = Mapping[str, Any]
Answer = dict[str, Any]
MODEL_FOLDER = "model"


@dataclass(frozen=True)
class Proved:
    """A scorer, and the rows that say whether it answers here as it did where it was made."""

    scorer: Scorer
    golden: Golden

    def estimate_raw(self, rows: Sequence[Sequence[Scalar]]) -> Any:
        return self.scorer.estimate_raw(rows)


class Predictor:
    """The model of a bundle in memory, and its log; one thread at a time may ask it."""

    def __init__(self, scorer: Scorer, about: About, log: PredictionLog) -> None:
        self.about, self.log, self._scorer = about, log, scorer
        known = {category.of: category.keys for category in scorer.plan.categories}
        self.columns = tuple(
            marked(column, about.missing, known.get(at, ())) for at, column in enumerate(scorer.columns)
        )
        parts = {part.name: part for column in self.columns for part in column.parts or ()}
        self.keys = tuple(
            marked(parts.get(key.name) or PlanColumn(name=key.name, type=cast(ColumnType, key.type), nullable=True), ())
            for key in about.columns.keys
        )
        self.parts = tuple(part for name, part in parts.items() if name not in {column.name for column in self.columns})
        self._readers = {
            column: Reader([column], zone=scorer.plan.zone, texts=True) for column in (*self.columns, *self.keys)
        }
        self._names = frozenset(column.name for column in (*self._readers, *self.parts))

    @classmethod
    def load(cls, folder: Path, log: Path) -> "Predictor":
        """Return the predictor of a bundle that was verified.

        Raises
        ------
        IntegrityError if the model is not one, or answers its golden rows otherwise than where it was made.
        ResourceError if the log cannot be written.
        """
        about = About.from_bytes((folder / ABOUT).read_bytes())
        files = {name: (folder / MODEL_FOLDER / name).read_bytes() for name in (PLAN, GRAPH, golden.FILE)}
        scorer = Scorer.from_files(files)
        golden.require(Proved(scorer, Golden.from_bytes(files[golden.FILE])), where=str(folder))
        with explain_os_errors(log):
            log.mkdir(parents=True, exist_ok=True)
        return cls(scorer, about, PredictionLog(log))

    def predict(self, rows: Sequence[Row | Refused], *, first: int = 0) -> list[Answer]:
        """Return an answer for each row, in their order: a prediction, or what was ``refused`` and what is allowed.

        Parameters
        ----------
        rows : values by name; or why there is none, which is told in its place.
        first : the number of the first row in what is told of those that are refused.

        Raises
        ------
        ResourceError if the predictions cannot be logged; none is given then.
        """
        received, started = time.time_ns() // 1_000, time.perf_counter_ns()
        answers: list[Answer] = []
        typed: list[list[Any]] = []
        for number, row in enumerate(rows, first):
            try:
                typed.append(self._typed(row))
                answers.append({})
            except Refused as refused:
                answers.append(refused.told(number))
        if typed:
            told = self._told([row[: len(self.columns)] for row in typed])
            ids = self.log.new_ids(len(typed))
            latency = (time.perf_counter_ns() - started) // 1_000
            logged = zip(ids, typed, told, strict=True)
            self.log.append(self.about.columns, [self._record(*each, received, latency) for each in logged])
            of_model = {"model": self.about.model, "version": self.about.version}
            said = iter([{"prediction_id": name, **of_model, **each} for name, each in zip(ids, told, strict=True)])
            answers = [answer or next(said) for answer in answers]
        return answers

    def close(self) -> None:
        """Put the log on the disk."""
        self.log.close()

    def _typed(self, row: Row | Refused) -> list[Any]:
        if isinstance(row, Refused):
            raise row
        for name in row:
            if name not in self._names:
                asked = ", ".join(column.name for column in self._readers)
                raise Refused(str(name)[:MAX_SHOWN], row[name], f"one of the fields {asked}")
        values: list[Any] = []
        n_columns = len(self.columns)
        for position, (column, reader) in enumerate(self._readers.items()):
            if column.parts and column.name not in row:
                told = tuple(row.get(part.name) for part in column.parts)
                row = {**row, column.name: told}
            if column.name not in row and (column.given or position >= n_columns):
                values.append(None)
                continue
            if column.name not in row:
                raise Refused(column.name, None, f"{allowed(column)}; the field is not there")
            try:
                reader.read([row[column.name]], values)
            except Unusual:
                raise Refused(column.name, row[column.name], allowed(column)) from None
        return values

    def _told(self, rows: Sequence[Sequence[Any]]) -> list[Answer]:
        estimates = self._scorer.estimate(self._scorer.encode_rows(rows))
        if self._scorer.task == "regression":
            return [{"value": value} for value in estimates.tolist()]
        if self._scorer.task == "multiclass":
            chosen, shares = estimates.argmax(axis=1).tolist(), estimates.max(axis=1).tolist()
            classes = self._scorer.classes
            return [{"label": classes[at], "probability": share} for at, share in zip(chosen, shares, strict=True)]
        return [self._decided(share) for share in estimates.tolist()]

    def _decided(self, share: float) -> Answer:
        threshold = self.about.threshold
        label, sign = share >= threshold, "≥" if share >= threshold else "<"
        return {
            "label": label,
            "probability": share,
            "decision": "positive" if label else "negative",
            "reason": f"probability {share:.6g} {sign} threshold {threshold:.6g}",
        }

    def _record(self, name: str, row: Sequence[Any], answer: Answer, received: int, latency: int) -> Logged:
        n_columns, time_at = len(self.columns), self._scorer.plan.time
        return Logged(
            prediction_id=name,
            received_us=received,
            model=self.about.model,
            version=self.about.version,
            model_digest=self.about.model_digest,
            features=row[:n_columns],
            keys=row[n_columns:],
            event_us=None if time_at is None else row[time_at],
            label=answer.get("label"),
            probability=answer.get("probability"),
            value=answer.get("value"),
            decision=answer.get("decision"),
            rule="threshold" if "decision" in answer else None,
            latency_us=latency,
            source="edge",
        )
