"""Labels as a file holds them, read as the contract says: what is said, and the rows of which nothing can be taken."""

import json
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from evergreen.base.errors import DataError
from evergreen.config.contract.columns import Column
from evergreen.config.contract.contract import Contract
from evergreen.data.ingest.privacy import WITHHELD, withheld
from evergreen.data.ingest.rows import without_missing
from evergreen.data.typed.schema import ROW, UNREADABLE, conform
from evergreen.data.validation.reasons import Judged, RowJudge
from evergreen.record.labels.columns import ID, LONGEST, key_columns, label_column
from evergreen.record.predictions.records import Feedback

PREDICTION_ID = Column(name="prediction_id", type="text", role="ignore", pattern=ID)
MORE = (
    Column(name="known_at", type="timestamp", role="ignore", nullable=True),
    Column(name="by", type="text", role="ignore", nullable=True, pattern=rf"[\s\S]{{1,{LONGEST}}}"),
    Column(name="label_propensity", type="number", role="ignore", nullable=True, min=1e-9, max=1),
)


@dataclass(frozen=True)
class Sifted:
    """Some rows of a file: what they say, how many say nothing, because the target is missing, and who is refused.

    `refused`: the number of the row, its values as text, the codes of the rules that it breaks, and why.
    """

    said: list[Feedback]
    n_unlabelled: int
    refused: pa.RecordBatch


class LabelFile:
    """Reads the batches of one file of labels.

    A row with a prediction_id is about that prediction, one without about the key that it has.

    Parameters
    ----------
    names : the columns that the file has; of a name that is both the contract's and ours the contract's is meant.
    digest : of the file, by which what its rows say is named.
    received_us : when it came, in microseconds since 1970.

    Raises
    ------
    DataError if there is neither prediction_id nor the whole key, or no target.
    """

    def __init__(self, contract: Contract, names: Collection[str], *, digest: str, received_us: int) -> None:
        declared = {column.name for column in contract.columns}
        ours = [column for column in (PREDICTION_ID, *MORE) if column.name in names and column.name not in declared]
        target = label_column(contract).model_copy(update={"nullable": True})
        (target,), key = contract.as_written((target,)), contract.as_written(key_columns(contract))
        by_parts = [column for column in key if column.parts and column.name not in names]
        self._parts = contract.as_written(contract.with_parts(by_parts, those=False))
        told = (*(column for column in key if column not in by_parts), *self._parts)
        has_key = bool(key) and all(column.name in names for column in told)
        if target.name not in names or not (has_key or PREDICTION_ID in ours):
            raise _lacking(contract, names)
        self._contract, self._target, self._key = contract, target, key
        self._has_id, self._has_key = PREDICTION_ID in ours, has_key
        rest = (target, *(column for column in ours if column is not PREDICTION_ID))
        self._by_id, self._by_key = (PREDICTION_ID, *rest), (*key, *rest)
        self._shown = (*([PREDICTION_ID] if self._has_id else []), *(told if has_key else ()), *rest)
        self._name, self._received_us = digest[:16], received_us
        self.refused_schema = _refused_schema([column.name for column in self._shown])

    def sift(self, batch: pa.RecordBatch, *, is_text: bool, is_json: bool = False) -> Iterator[Sifted]:
        """Yield what rows say, first those about predictions, then those about keys.

        Parameters
        ----------
        is_text : whether the values come from a text file, where words stand for what is missing.
        is_json : whether the texts may be numbers as JSON has them.
        """
        names = [column.name for column in self._shown]
        if is_text:
            batch = without_missing(batch, names, self._contract.missing)
        if not (self._has_id and self._has_key):
            yield self._sifted(batch, self._by_id if self._has_id else self._by_key, is_json)
            return
        ids = batch.column(PREDICTION_ID.name)
        named = pc.and_(ids.is_valid(), pc.fill_null(pc.not_equal(ids.cast(pa.string()), ""), False))
        for rows, columns in ((batch.filter(named), self._by_id), (batch.filter(pc.invert(named)), self._by_key)):
            if rows.num_rows:
                yield self._sifted(rows, columns, is_json)

    def _sifted(self, came: pa.RecordBatch, columns: Sequence[Column], is_json: bool) -> Sifted:
        contract = self._contract
        typed = conform(
            came,
            columns,
            zone=contract.timezone,
            missing=contract.missing,
            parts=self._parts,
            from_json=is_json,
        )
        personal = [column for column in self._shown if column.pii not in (None, "keep")]
        if personal:
            at = typed.schema.get_field_index(UNREADABLE)
            typed = typed.set_column(at, UNREADABLE, withheld(typed.column(UNREADABLE), personal))
        judged = RowJudge(columns).judge(typed)
        there = typed.column(self._target.name).is_valid()
        return Sifted(
            said=self._said(typed.filter(pc.and_(judged.keeps, there)), columns),
            n_unlabelled=pc.and_not(judged.keeps, there).true_count,
            refused=self._refused(came, typed, judged),
        )

    def _said(self, typed: pa.RecordBatch, columns: Sequence[Column]) -> list[Feedback]:
        values = {column.name: _plain(typed.column(column.name)) for column in columns}
        nothing: list[None] = [None] * typed.num_rows
        is_by_id = columns[0] is PREDICTION_ID
        ids = values[PREDICTION_ID.name] if is_by_id else nothing
        keys = nothing if is_by_id else [list(key) for key in zip(*(values[c.name] for c in self._key), strict=True)]
        known, by, propensity = (values.get(c.name, nothing) if c in columns else nothing for c in MORE)
        field = "value" if self._contract.task == "regression" else "label"
        return [
            Feedback(
                f"{self._name}{row:016x}",
                self._received_us,
                "label",
                prediction_id=name,
                keys=key,
                known_us=known_us,
                by=who,
                label_propensity=share,
                **{field: label},
            )
            for row, name, key, label, known_us, who, share in zip(
                typed.column(ROW).to_pylist(), ids, keys, values[self._target.name], known, by, propensity, strict=True
            )
        ]

    def _refused(self, came: pa.RecordBatch, typed: pa.RecordBatch, judged: Judged) -> pa.RecordBatch:
        bad = pc.invert(judged.keeps)
        came, typed = came.filter(bad), typed.filter(bad)
        notes = [json.loads(text) if text else {} for text in typed.column(UNREADABLE).to_pylist()]
        texts = []
        for column in self._shown:
            values = came.column(column.name)
            if column.pii not in (None, "keep"):
                values = pc.if_else(values.is_valid(), WITHHELD, pa.scalar(None, pa.string()))
            elif not pa.types.is_string(values.type) and column.name in typed.schema.names:
                raw = pa.array([note.get(column.name) for note in notes], pa.string())
                values = pc.coalesce(raw, typed.column(column.name).cast(pa.string()))
            elif not pa.types.is_string(values.type):
                values = pa.nulls(len(values), pa.string())
            texts.append(values)
        about = [judged.codes.filter(bad), judged.why.filter(bad)]
        return pa.RecordBatch.from_arrays([typed.column(ROW), *texts, *about], schema=self.refused_schema)


def _refused_schema(names: Sequence[str]) -> pa.Schema:
    """Return the row's number, its values as text, the codes of the rules that it breaks, and why, in words."""
    about = [f"_{name}" if name in names else name for name in ("row", "codes", "why")]
    texts = [(name, pa.string()) for name in (*names, *about[1:])]
    return pa.schema([(about[0], pa.int64()), *texts])


def _lacking(contract: Contract, names: Collection[str]) -> DataError:
    about = f"prediction_id, or {', '.join(contract.key)}" if contract.key else "prediction_id"
    missing = [contract.target] if contract.target not in names else [about]
    return DataError(
        "DQ001",
        f"missing columns: {', '.join(missing)}",
        where="labels",
        next_step=f"A file of labels has {about}; and {contract.target}, spelled as in the training data.",
    )


def _plain(values: pa.Array) -> list[object]:
    plain: list[object] = (values.cast(pa.int64()) if pa.types.is_timestamp(values.type) else values).to_pylist()
    return plain
