"""The queue as a file to be filled in, and answers as they are read: from a file's rows, or as a person types one."""

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from evergreen.base.artifacts.outputs import Output
from evergreen.base.errors import DataError
from evergreen.base.values import Value
from evergreen.config.contract.columns import Column
from evergreen.config.contract.contract import Contract
from evergreen.data.ingest import layouts, rows
from evergreen.data.ingest.items import check_unchanged, item_of
from evergreen.data.ingest.rows import without_missing
from evergreen.data.typed.schema import ROW, conform
from evergreen.data.validation.reasons import RowJudge
from evergreen.record.labels.columns import LONGEST, label_column
from evergreen.record.labels.files import MORE, PREDICTION_ID
from evergreen.record.predictions.columnar import columns_in, named_values
from evergreen.record.predictions.records import Feedback
from evergreen.record.review.queue import ASSIST, records

TEXT = rf"[\s\S]{{1,{LONGEST}}}"
DECISION = Column(name="decision", type="text", role="ignore", nullable=True, pattern=TEXT)
OURS = (DECISION, *(column for column in MORE if column.name in ("known_at", "by")))
SHOWN = ("prediction_id", "received_at")
SAID = ("label", "probability", "value")  # what the model said


class Bad(Value):
    """A row that is no answer; `row` counts from 1 without the header."""

    row: int
    prediction_id: str
    why: str


@dataclass(frozen=True)
class Read:
    """What rows say: the labels and decisions, by whom it is said; how many say nothing; and who is refused."""

    said: list[Feedback]
    n_unanswered: int
    bad: list[Bad]


def write(folder: Path, target: Path, queue: pa.Table, *, contract: Contract) -> int:
    """Write referred rows with their columns, and with empty ones to be filled in; return how many there are.

    Columns: prediction_id, received_at; what the model said, for rows under the rule "assist" alone; the
    contract's columns as the log keeps them; then the target, decision and by, which are empty.

    Parameters
    ----------
    target : a .csv or .parquet file; it is put in place whole.
    queue : of `queue.waiting`.
    """
    ids = queue.column("prediction_id").to_pylist()
    found = [_texts(batch, contract) for batch in records(folder, ids)]
    names = dict.fromkeys(name for table in found for name in table.schema.names)
    named = dict.fromkeys((*(names or SHOWN), contract.target, DECISION.name, "by"))
    schema = pa.schema([(name, pa.string()) for name in named])
    together = pa.concat_tables([_padded(table, schema) for table in found] or [schema.empty_table()])
    places = pc.index_in(pa.array(ids, pa.string()), options=pc.SetLookupOptions(together.column(0).combine_chunks()))
    output = Output(target, schema)
    try:
        for batch in together.take(places.drop_null()).to_batches():
            output.add(batch)
        output.publish()
    finally:
        output.discard()
    return len(ids)


def read(source: Path, *, contract: Contract, by: str | None, received_us: int) -> Read:
    """Return the answers in a file: a row's prediction_id, and the target or a decision or both.

    Parameters
    ----------
    source : CSV, TSV, JSON lines or Parquet, as its ending says. Columns known_at and by may be there.
    by : who says what has no name in the file.

    Raises
    ------
    DataError if the file cannot be read, changes meanwhile, or lacks a column.
    """
    item = item_of(source, name=str(source))
    came = rows.read(item, layouts.for_file(item, contract.source, []))
    together = Read([], 0, [])
    for batch in came.batches:
        if item.format != "parquet":
            batch = without_missing(batch, came.schema.names, contract.missing)
        found = typed(batch, contract=contract, by=by, received_us=received_us, is_json=item.is_json)
        together.said.extend(found.said)
        together.bad.extend(found.bad)
        together = Read(together.said, together.n_unanswered + found.n_unanswered, together.bad)
    check_unchanged(item)
    return together


def typed(
    batch: pa.RecordBatch, *, contract: Contract, by: str | None, received_us: int, is_json: bool = False
) -> Read:
    """Return the answers in rows, typed as the contract says; raises DataError if a column lacks.

    Of a name that is both the contract's target and ours, the target is meant.
    """
    names = batch.schema.names
    target = label_column(contract).model_copy(update={"nullable": True})
    (target,) = contract.as_written((target,))
    ours = [column for column in OURS if column.name in names and column.name != target.name]
    has_target = target.name in names
    if PREDICTION_ID.name not in names or not (has_target or DECISION in ours):
        raise _lacking(names, contract)
    columns = (PREDICTION_ID, *([target] if has_target else []), *ours)
    ready = conform(batch, columns, zone=contract.timezone, missing=contract.missing, from_json=is_json)
    judged = RowJudge(columns).judge(ready)
    found, n_unanswered = Read([], 0, []), 0
    values = {column.name: _plain(ready.column(column.name)) for column in columns}
    numbers = ready.column(ROW).to_pylist() if ROW in ready.schema.names else range(1, ready.num_rows + 1)
    field = "value" if contract.task == "regression" else "label"
    for at, (row, keeps, why) in enumerate(zip(numbers, judged.keeps.to_pylist(), judged.why.to_pylist(), strict=True)):
        each = {name: column[at] for name, column in values.items()}
        name, label = each[PREDICTION_ID.name], each.get(target.name)
        decision = each.get("decision") if DECISION in ours else None
        who = (each.get("by") if "by" in {column.name for column in ours} else None) or by
        known_us = each.get("known_at") if "known_at" in {column.name for column in ours} else None
        if keeps and label is None and decision is None:
            n_unanswered += 1
        elif keeps and who:
            about: dict[str, Any] = {"prediction_id": name, "by": who, "known_us": known_us}
            if label is not None:
                found.said.append(Feedback("", received_us, "label", **{field: label}, **about))
            if decision is not None:
                found.said.append(Feedback("", received_us, "decision", decision=decision, **about))
        else:
            found.bad.append(Bad(row=row, prediction_id=str(name or ""), why=why or "by: nobody is named who answers"))
    return Read(found.said, n_unanswered, found.bad)


def said_of(
    prediction_id: str, *, contract: Contract, label: str | None, decision: str | None, by: str, received_us: int
) -> list[Feedback]:
    """Return what somebody says of one prediction: a label as the training data spells it, a decision, or both.

    Raises
    ------
    DataError if neither is said, or one of them cannot be taken.
    """
    name, why = label_column(contract).name, "there is neither a label nor a decision"
    read = Read([], 0, [])
    if label is not None:
        batch = pa.RecordBatch.from_pydict({PREDICTION_ID.name: [prediction_id], name: [label]})
        batch = without_missing(batch, [name], contract.missing)
        read = typed(batch, contract=contract, by=by, received_us=received_us)
        why = read.bad[0].why if read.bad else f"{name}: '{label}' stands for a value that is missing"
    said = read.said
    if decision is not None and 0 < len(decision) <= LONGEST:
        said = [*said, Feedback("", received_us, "decision", prediction_id=prediction_id, by=by, decision=decision)]
    elif decision is not None:
        why = f"a decision has 1 to {LONGEST} characters"
    if len(said) != (label is not None) + (decision is not None) or not said:
        next_step = f"Give --label as {contract.target} is spelled in the training data, or --decision with a word."
        raise DataError("LOG005", why, where=prediction_id[:40], next_step=next_step)
    return said


def _texts(batch: pa.RecordBatch, contract: Contract) -> pa.Table:
    """Return records as texts, with the contract's names where none of ours is in the way."""
    ours = {name: batch.column(name) for name in SHOWN}
    is_assist = pc.fill_null(pc.equal(batch.column("rule"), ASSIST), False)
    for name in SAID:
        values = pc.if_else(is_assist, batch.column(name), pa.scalar(None, batch.column(name).type))
        if values.null_count < len(values):
            ours[f"model_{name}"] = values
    theirs = {place: batch.column(place) for place in named_values(columns_in(batch.schema)).values()}
    shown = {name: values.cast(pa.string()) for name, values in (ours | theirs).items() if name != contract.target}
    return pa.table(shown)


def _padded(table: pa.Table, schema: pa.Schema) -> pa.Table:
    there = {name: table.column(name) for name in table.schema.names}
    columns = [there.get(name, pa.nulls(table.num_rows, pa.string())) for name in schema.names]
    return pa.table(columns, schema=schema)


def _plain(values: pa.Array) -> list[Any]:
    plain: list[Any] = (values.cast(pa.int64()) if pa.types.is_timestamp(values.type) else values).to_pylist()
    return plain


def _lacking(names: Collection[str], contract: Contract) -> DataError:
    missing = [PREDICTION_ID.name] if PREDICTION_ID.name not in names else [f"{contract.target}, or decision"]
    return DataError(
        "DQ001",
        f"missing columns: {', '.join(missing)}",
        where="answers",
        next_step=f"A file of answers has prediction_id, and {contract.target} or decision. "
        "Write one to fill in: evergreen review list --csv FILE",
    )
