"""Predictions and what came back about them, as of a time: nothing that was not known then."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from evergreen.record.labels.beside import events_of, keys_spoken_of
from evergreen.record.labels.said import Found, Mask, Said, nothing_said, said_in
from evergreen.record.labels.verdict import Labels, judged, watermark
from evergreen.record.predictions import reading
from evergreen.record.predictions.columnar import ABOUT, INSTANT, LABELS, columns_in, named_values, prediction_schema
from evergreen.record.predictions.records import Columns

ROWS_AT_ONCE = 500_000
OURS = (
    *("prediction_id", "event_at", "received_at", "version", "label", "probability", "value", "propensity"),
    *("decision", "rule", "source"),
)
MICROSECOND = timedelta(microseconds=1)
EPOCH = datetime.fromtimestamp(0, UTC)


@dataclass(frozen=True)
class Joined:
    """The predictions of a period, each once, by the time of their event, and what may be believed of their labels.

    Columns of `rows`: prediction_id, event_at (when they were asked for, where a row has no time), received_at,
    version, label, probability, value, propensity, decision, rule and source as in the log; then `target`, the label
    that counts, and `known_at`, when it was known first, both null where none was known; `label_propensity`, the
    probability with which that label was asked for, null where nobody asked at random.
    """

    rows: pa.Table
    labels: Labels


def join(
    folder: Path,
    *,
    model: str,
    as_of: datetime,
    delay: timedelta,
    start: datetime | None = None,
    end: datetime | None = None,
    version: int | None = None,
    needed: float = 0.8,
    error_at_gate: float | None = None,
) -> Joined:
    """Return the predictions of a log with their labels, as they were known at `as_of`.

    A prediction counts once it was received, and a label once it was known: when its sender says, or else when it was
    received, which is also the latest that is believed. Of labels about one prediction the one known last counts, of
    those the one received last, and then the one whose id comes last. A label by key is about every prediction of the
    key whose event it did not precede.

    Parameters
    ----------
    model : whose predictions.
    as_of, start, end : aware. The period is of events, from `start` on and before `end`; by default all that is due.
    delay : how long after its event a label is due.
    version : of the model; all of them if left out.
    needed : the share of labels that metrics need, in (0, 1].
    error_at_gate : as `fed_back` takes it.

    Raises
    ------
    ValueError if `needed` is outside its range, or `as_of`, `start` or `end` has no offset from UTC.

    Notes
    -----
    Where nobody speaks of keys, no Python object is made of a row. Two million predictions with as many labels took
    1.3 GiB.
    """
    if not 0 < needed <= 1:
        raise ValueError(f"the share of labels that is needed must be in (0, 1], got {needed}")
    end = as_of - delay if end is None else end
    look = _Look(folder, model, as_of_us=_us(as_of))
    for batch in _chunks(folder, model, as_of):
        look.take(batch, None if start is None else _us(start), _us(end), version)
    about = Labels(verdict="unknown", evidence="", as_of=as_of, start=start, end=end, needed=needed)
    about = about.model_copy(update={"n_unknown_ids": look.n_unknown_ids, "tasks": tuple(sorted(look.tasks))})
    rows, found, n_again = look.period()
    due_us = min(_us(as_of - delay), _us(end))
    labelled = found.values.is_valid().to_numpy(zero_copy_only=False)
    reached = watermark(events_of(rows), labelled, until=due_us, needed=needed)
    counted = {
        **_progress(rows, found, labelled, delay=delay, due_us=due_us),
        **_oddities(rows, found, look.said),
        "watermark": None if reached is None else EPOCH + reached * MICROSECOND,
        "repeated_predictions": n_again,
    }
    beside = {"target": found.values, "known_at": found.known, "label_propensity": found.propensity}
    for name, values in beside.items():
        rows = rows.append_column(name, values)
    return Joined(rows, judged(about.model_copy(update=counted), delay=delay, error_at_gate=error_at_gate))


class _Look:
    """One pass over a log: the predictions of a period, and which ids that labels name it holds."""

    def __init__(self, folder: Path, model: str, *, as_of_us: int) -> None:
        self._said = {field: said for (_, field), said in said_in(folder, as_of_us=as_of_us, contract=model).items()}
        self._held = {field: np.zeros(len(said.by_id.subjects), bool) for field, said in self._said.items()}
        self._rows: list[pa.RecordBatch] = []
        self._keys: list[pa.Array] = []
        self._at: list[Any] = []
        self.tasks: set[str] = set()

    @property
    def said(self) -> Said:
        """What was said of targets of the task of the predictions found."""
        return self._said.get(_field(self._task)) or nothing_said(_kind(self._task))

    @property
    def n_unknown_ids(self) -> int:
        """How many ids labels name that no prediction has which was received."""
        return sum(int((~self._held[field]).sum()) for field in ("label", "value") if field in self._held)

    @property
    def _task(self) -> str:
        return next(iter(self.tasks), "binary")

    def take(self, batch: pa.RecordBatch, start_us: int | None, end_us: int, version: int | None) -> None:
        """Take predictions that were received, of all times and versions."""
        task = columns_in(batch.schema).task
        said = self._said.get(_field(task))
        at = np.full(batch.num_rows, -1) if said is None else said.by_id.places(batch.column("prediction_id"))
        if said is not None:
            self._held[_field(task)][at[at >= 0]] = True
        events = events_of(batch)
        is_in = events < end_us if start_us is None else (events >= start_us) & (events < end_us)
        if version is not None:
            is_in &= batch.column("version").to_numpy() == version
        if not is_in.any():
            return
        rows = batch.filter(pa.array(is_in))
        self.tasks.add(task)
        self._at.append(at[is_in])
        keys = None if said is None else keys_spoken_of(rows, [said])
        self._keys.append(pa.nulls(rows.num_rows, pa.string()) if keys is None else keys)
        self._rows.append(rows.select(OURS).replace_schema_metadata(None))

    def period(self) -> tuple[pa.Table, Found, int]:
        """Return the predictions, what counts for each of them, and how many were logged again."""
        schema = prediction_schema(Columns("", self._task, ())).remove_metadata()
        schema = pa.schema([schema.field(name) for name in OURS])
        rows = pa.Table.from_batches(self._rows if len(self.tasks) < 2 else [], schema)
        events = events_of(rows)
        order = np.lexsort((rows.column("received_at").cast(pa.int64()).to_numpy(), events))
        ids = rows.column("prediction_id").combine_chunks().dictionary_encode()
        codes = ids.indices.to_numpy()[order]
        if len(ids.dictionary) < len(order):
            order = order[np.sort(np.unique(codes, return_index=True)[1])]
        at = np.concatenate([np.zeros(0, np.int64), *self._at])
        keys = pa.chunked_array(self._keys, pa.string()).combine_chunks()
        keys = None if keys.null_count == len(keys) else keys.take(pa.array(order))
        found = self.said.of(at[order], keys, events[order])
        kept = rows.take(pa.array(order))
        kept = kept.set_column(1, "event_at", pa.array(events[order]).cast(INSTANT))
        return kept, found, len(events) - len(order)


def _chunks(folder: Path, model: str, as_of: datetime) -> Iterator[pa.RecordBatch]:
    """Yield the predictions of a model that were received by then, with what of them is needed, in large batches."""
    waiting: list[pa.RecordBatch] = []
    for batch in reading.batches(folder, until=as_of + MICROSECOND, pick=_needed):
        if columns_in(batch.schema).contract != model:
            continue
        batch = batch.replace_schema_metadata({ABOUT: batch.schema.metadata[ABOUT]})
        is_other = waiting and not batch.schema.equals(waiting[0].schema, check_metadata=True)
        if is_other or sum(each.num_rows for each in waiting) >= ROWS_AT_ONCE:
            yield _together(waiting)
            waiting = []
        waiting.append(batch)
    if waiting:
        yield _together(waiting)


def _needed(schema: pa.Schema) -> list[str]:
    columns = columns_in(schema)
    named = named_values(columns)
    return [*OURS, *(named[name] for name in columns.key if name in named)]


def _together(batches: Sequence[pa.RecordBatch]) -> pa.RecordBatch:
    return pa.concat_batches(batches).replace_schema_metadata(batches[0].schema.metadata)


def _progress(rows: pa.Table, found: Found, labelled: Mask, *, delay: timedelta, due_us: int) -> dict[str, object]:
    """Return how many labels are due, known, and were late."""
    events = events_of(rows)
    n_due = int(np.searchsorted(events, due_us))
    known = found.known.fill_null(0).cast(pa.int64()).to_numpy()
    return {
        "n": len(events),
        "n_due": n_due,
        "n_labelled": int(labelled.sum()),
        "coverage": float(labelled[:n_due].mean()) if n_due else None,
        "late": int((labelled & (known > events + delay // MICROSECOND)).sum()),
    }


def _oddities(rows: pa.Table, found: Found, said: Said) -> dict[str, object]:
    """Return how often it was said again, otherwise, ahead of its time, and what was predicted."""
    predicted = rows.column("value" if pa.types.is_floating(found.values.type) else "label")
    repeated, ahead = int(found.agreeing.sum()), 0
    for standing, places in ((said.by_id, found.by_id), (said.by_key, found.by_key)):
        used = np.zeros(len(standing.subjects), bool)
        used[places[places >= 0]] = True
        repeated += int((standing.n_said[used] - standing.n_values[used]).sum())
        ahead += int(standing.n_ahead[used].sum())
    return {
        "repeated": repeated,
        "contradicting": int(found.contradicting.sum()),
        "future_known": ahead,
        "early": int(found.early.sum()),
        "n_equal": pc.sum(pc.equal(predicted, found.values).cast(pa.int64())).as_py() or 0,
    }


def _field(task: str) -> str:
    return "value" if task == "regression" else "label"


def _kind(task: str) -> pa.DataType:
    return pa.float64() if task == "regression" else LABELS[task]


def _us(at: datetime) -> int:
    if at.tzinfo is None:
        raise ValueError(f"a time needs its offset from UTC, got {at}")
    return (at - EPOCH) // MICROSECOND
