"""What a log holds of choices among arms: who was drawn with which probability, and what came of it."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from evergreen.decisions.experiments.bandits import RewardKind
from evergreen.record.drawn import drawn, is_of
from evergreen.record.labels.beside import events_of, keys_spoken_of
from evergreen.record.labels.said import Said, said_in
from evergreen.record.predictions import reading
from evergreen.record.predictions.columnar import columns_in, named_values

OURS = (
    *("prediction_id", "received_at", "event_at", "version", "variant", "propensity", "label", "probability", "value"),
    "traffic_rule",
)
MOST_LEVELS = 12  # of a text that is known of a row
MICROSECOND = timedelta(microseconds=1)
APART = timedelta(days=1)
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Choices:
    """The predictions that an owner's rules routed, each once, by the time of their receipt.

    Columns of `rows`: prediction_id and received_at; `rule` and `arm` that was drawn, also where the champion answered
    for it; `fell_back`, why, or null; propensity; `unit`, the values of the columns that keep a key with its arm, as a
    text, null without them; `reward` and `known_us`, when it was known, null where none is known yet.
    `about`: what was known of the rows when they were answered, as numbers, none missing; without columns if not asked.
    """

    rows: pa.Table
    about: Floats


SCHEMA = pa.schema(
    [
        *(("prediction_id", pa.string()), ("received_at", pa.timestamp("us", "UTC")), ("rule", pa.string())),
        *(("arm", pa.string()), ("fell_back", pa.string()), ("propensity", pa.float64()), ("unit", pa.string())),
        *(("reward", pa.float64()), ("known_us", pa.int64())),
    ]
)


def choices(
    folder: Path,
    *,
    model: str,
    owner: str,
    reward: RewardKind,
    as_of: datetime,
    since: datetime | None = None,
    unit: tuple[str, ...] = (),
    about: bool = False,
) -> Choices:
    """Return what an owner's rules routed and what came of it, as it was known at `as_of`.

    Parameters
    ----------
    model : whose predictions, and the contract of the labels.
    owner : of the rules, such as `bandit-prices`.
    reward : of a prediction: "label", its label, 1 if it is true, or its value; "correct", 1 if the answer was right,
        else 0; "error", minus how far the answer was off; "file", nothing that the log knows.
    as_of : aware; what was received and known by then.
    since : when the first rule began, aware: nothing is read that was received more than a day before, which is how
        far the clocks of the ledger and of a service may be apart.
    unit : the columns that keep a key with its arm.
    about : whether what is known of the rows is wanted.
    """
    said = _said(folder, model, as_of)
    found: list[pa.Table] = []
    known: list[pa.Table] = []
    for batch in _routed(folder, model, owner, (since, as_of), (unit, about)):
        columns = columns_in(batch.schema)
        rewards, at = _rewards(batch, said, reward, regression=columns.task == "regression")
        named = named_values(columns)
        found.append(
            pa.table(
                [
                    batch.column("prediction_id"),
                    batch.column("received_at"),
                    *drawn(batch),
                    batch.column("propensity"),
                    _unit(batch, [named[name] for name in unit] if named.keys() >= {*unit} else []),
                    rewards,
                    at,
                ],
                schema=SCHEMA,
            )
        )
        if about:
            known.append(_known(batch, [named[column.name] for column in columns.features]))
    rows = pa.concat_tables(found) if found else SCHEMA.empty_table()
    order = pc.sort_indices(rows, sort_keys=[("received_at", "ascending"), ("prediction_id", "ascending")])
    ids = rows.column("prediction_id").take(order).combine_chunks().dictionary_encode().indices.to_numpy()
    order = order.take(pa.array(np.sort(np.unique(ids, return_index=True)[1])))
    together = pa.concat_tables(known, promote_options="permissive").take(order) if known else None
    return Choices(rows.take(order), _numbers(together, len(order)))


def _said(folder: Path, model: str, as_of: datetime) -> dict[str, Said]:
    us = round(as_of.timestamp() * 1_000_000)
    return {field: said for (_, field), said in said_in(folder, as_of_us=us, contract=model).items()}


def _routed(
    folder: Path,
    model: str,
    owner: str,
    period: tuple[datetime | None, datetime],
    wanted: tuple[tuple[str, ...], bool],
) -> Iterator[pa.RecordBatch]:
    """Yield the predictions of an owner's rules, with what of them is needed."""
    unit, about = wanted

    def needed(schema: pa.Schema) -> list[str]:
        if "traffic_rule" not in schema.names:  # of before
            return ["prediction_id", "received_at"]
        columns = columns_in(schema)
        named = named_values(columns)
        names = [*columns.key, *unit, *(column.name for column in columns.features if about)]
        return list(dict.fromkeys([*OURS, *(named[name] for name in names if name in named)]))

    since, as_of = period
    first = since and since - APART
    for batch in reading.batches(folder, since=first, until=as_of + MICROSECOND, pick=needed):
        if columns_in(batch.schema).contract == model:
            is_theirs = is_of(batch, owner)
            if is_theirs.true_count:
                yield batch.filter(is_theirs)


def _rewards(
    batch: pa.RecordBatch, all_said: dict[str, Said], kind: RewardKind, *, regression: bool
) -> tuple[pa.Array, pa.Array]:
    """Return what came of predictions, and when it was known."""
    said = all_said.get("value" if regression else "label")
    if said is None or kind == "file":
        return pa.nulls(batch.num_rows, pa.float64()), pa.nulls(batch.num_rows, pa.int64())
    places = said.by_id.places(batch.column("prediction_id"))
    found = said.of(places, keys_spoken_of(batch, [said]), events_of(batch))
    if kind == "correct":
        rewards = pc.equal(batch.column("label"), found.values.cast(batch.column("label").type)).cast(pa.float64())
    elif kind == "error":
        rewards = pc.negate(pc.abs(pc.subtract(batch.column("value"), found.values)))
    else:
        rewards = found.values.cast(pa.float64())
    known = found.known.cast(pa.int64())
    return rewards, pc.if_else(rewards.is_valid(), known, pa.scalar(None, pa.int64()))


def _unit(batch: pa.RecordBatch, names: list[str]) -> pa.Array:
    """Return who is kept with an arm, as a text; null where a part of it was not sent."""
    if not names:
        return pa.nulls(batch.num_rows, pa.string())
    parts = [batch.column(name).cast(pa.string()) for name in names]
    return pc.binary_join_element_wise(*parts, "\x1f")


def _known(batch: pa.RecordBatch, names: list[str]) -> pa.Table:
    """Return the values that rows were answered by, all as numbers but for texts."""
    arrays = []
    for name in names:
        values = batch.column(name)
        is_text = pa.types.is_string(values.type)
        if pa.types.is_timestamp(values.type):
            values = values.cast(pa.int64())
        arrays.append(values if is_text else values.cast(pa.float64()))
    return pa.table(arrays, names=names)


def _numbers(known: pa.Table | None, n: int) -> Floats:
    """Return columns as numbers: the mean where one is missing, and of a text a column for each of its levels."""
    columns: list[Any] = []
    for values in known.columns if known else ():
        if pa.types.is_string(values.type):
            counted = sorted(
                ((pair["counts"], pair["values"]) for pair in pc.value_counts(values).to_pylist() if pair["values"]),
                key=lambda pair: (-pair[0], pair[1]),
            )
            columns += [
                pc.fill_null(pc.equal(values, level), False).to_numpy().astype(float)
                for _, level in counted[:MOST_LEVELS]
            ]
        elif values.null_count < n:
            numbers = values.to_numpy().astype(float)
            known_ones = numbers[np.isfinite(numbers)]
            columns.append(np.where(np.isfinite(numbers), numbers, known_ones.mean() if len(known_ones) else 0.0))
    return np.column_stack(columns) if columns else np.zeros((n, 0))
