"""The rows that an experiment assigned, out of the prediction log, with what is known of each by a time."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from evergreen.config.contract.columns import Task
from evergreen.decisions.experiments.design import Design, MetricName
from evergreen.decisions.experiments.metrics import Answers, Array, expected, measured, needs_label
from evergreen.decisions.rollout.traffic import CHAMPION
from evergreen.record.drawn import drawn, is_of
from evergreen.record.labels.beside import events_of, keys_spoken_of
from evergreen.record.labels.said import Said, said_in
from evergreen.record.predictions import reading
from evergreen.record.predictions.columnar import columns_in, named_values

OURS = ("prediction_id", "event_at", "received_at", "variant", "label", "probability", "value", "latency_us")
RULE, UNIT = "traffic_rule", "unit"
EPOCH, MICROSECOND = datetime.fromtimestamp(0, UTC), timedelta(microseconds=1)
NEVER = np.iinfo(np.int64).max
Times = npt.NDArray[np.int64]
Ask = Callable[[pa.RecordBatch], Answers]


@dataclass(frozen=True)
class Rows:
    """The rows of an experiment, each once; arrays of shape (n,), times in microseconds since 1970.

    `arms`: the variants, the champion first; `arm`, `unit`: of each row, as numbers. `received`: when it was asked for;
    `known`: from when on its label counts, NEVER where there is none yet. `metrics`, `before`: of each row, NaN where
    unknown; `before` is what the champion's answer says of a metric.

    `mixed`: units whose rows met several variants, which are left out. `keyless`: rows without the unit's columns,
    each of which is a unit of its own. `fell_back`: rows that the champion answered in a variant's place, by variant
    and why.
    """

    arms: tuple[str, ...]
    arm: npt.NDArray[np.int64]
    unit: npt.NDArray[np.int64]
    received: Times
    known: Times
    metrics: Mapping[MetricName, Array]
    before: Mapping[MetricName, Array]
    mixed: int
    keyless: int
    fell_back: Mapping[str, int]

    def __len__(self) -> int:
        return len(self.arm)


def gather(
    folder: Path,
    design: Design,
    *,
    model: str,
    task: Task,
    since: datetime,
    as_of: datetime,
    delay: timedelta,
    ask: Ask | None = None,
) -> Rows:
    """Return the rows that an experiment assigned, as they were known at a time.

    A row belongs to the variant that was drawn for it, whoever answered it. Its label counts once it is due, so that
    those that come soon do not stand for all.

    Parameters
    ----------
    folder : of the prediction log.
    since : when it began; rows that were received before are not looked for.
    as_of : nothing received or known later is in it.
    delay : how long after its event a label is due.
    ask : what gives the champion's answer to rows that another answered; None where it cannot be asked.
    """
    said = None
    if any(needs_label(one.metric) for one in design.asked):
        about = said_in(folder, as_of_us=(as_of - EPOCH) // MICROSECOND, contract=model)
        said = about.get((model, "value" if task == "regression" else "label"))
    reader = _Reader(design, model=model, task=task, delay_us=delay // MICROSECOND, said=said, ask=ask)
    parts = [
        reader.part(batch)
        for batch in reading.batches(folder, since=since, until=as_of + MICROSECOND, pick=reader.columns)
        if reader.holds(batch)
    ]
    return _once(parts, reader.arms)


@dataclass
class _Part:
    """What a batch holds of an experiment, each of its rows."""

    ids: list[str]
    arm: npt.NDArray[np.int64]
    units: list[str | None]
    received: Times
    known: Times
    metrics: dict[MetricName, Array]
    before: dict[MetricName, Array]
    fell: list[str]


class _Reader:
    """Takes the rows of one experiment out of batches of the log."""

    def __init__(
        self, design: Design, *, model: str, task: Task, delay_us: int, said: Said | None, ask: Ask | None
    ) -> None:
        self.arms = (CHAMPION, *(variant.name for variant in design.variants))
        self._design, self._model, self._task = design, model, task
        self._delay_us, self._said, self._ask = delay_us, said, ask
        self._metrics = [one.metric for one in design.asked]

    def columns(self, schema: pa.Schema) -> list[str]:
        """Return which columns of a schema are wanted."""
        columns = columns_in(schema)
        names = named_values(columns)
        asked_with = (column.name for column in columns.features) if self._ask else ()
        wanted = dict.fromkeys((*columns.key, *self._design.unit, *asked_with))
        rule = [RULE] if RULE in schema.names else []
        return [*OURS, *rule, *(names[name] for name in wanted if name in names)]

    def holds(self, batch: pa.RecordBatch) -> bool:
        """Return whether a batch is of the model and has rows of the experiment."""
        return columns_in(batch.schema).contract == self._model and self._is_its(batch).true_count > 0

    def part(self, batch: pa.RecordBatch) -> _Part:
        """Return what a batch holds of the experiment."""
        batch = batch.filter(self._is_its(batch))
        variants = batch.column("variant").to_pylist()
        who = drawn(batch)
        arms = who.arm.to_pylist()
        place = {name: at for at, name in enumerate(self.arms)}
        target, known = self._labels(batch)
        answers, latency = _answers(batch, self._task), batch.column("latency_us").to_numpy() / 1_000
        before: dict[MetricName, Array] = {}
        if self._ask:
            others = np.array([variant != CHAMPION for variant in variants], dtype=np.bool_)
            champions = _champions(batch, answers, others, self._ask)
            told = {one: expected(one, champions, self._task) for one in self._metrics}
            before = {one: values for one, values in told.items() if values is not None}
        return _Part(
            ids=batch.column("prediction_id").to_pylist(),
            arm=np.array([place.get(name, -1) for name in arms], dtype=np.int64),
            units=_units(batch, self._design.unit),
            received=batch.column("received_at").cast(pa.int64()).to_numpy(),
            known=known,
            metrics={one: measured(one, answers, target, latency, self._task) for one in self._metrics},
            before=before,
            fell=[f"{arm}: {why}" if why else "" for arm, why in zip(arms, who.why.to_pylist(), strict=True)],
        )

    def _is_its(self, batch: pa.RecordBatch) -> pa.BooleanArray:
        return is_of(batch, self._design.owner)

    def _labels(self, batch: pa.RecordBatch) -> tuple[npt.NDArray[np.object_], Times]:
        """Return the labels that are known, and from when on they count."""
        if self._said is None:
            return np.full(batch.num_rows, None, dtype=object), np.full(batch.num_rows, NEVER)
        events, said = events_of(batch), self._said
        places = said.by_id.places(batch.column("prediction_id"))
        found = said.of(places, keys_spoken_of(batch, [said]), events)
        came = found.known.cast(pa.int64()).fill_null(NEVER).to_numpy()
        due = np.maximum(events + self._delay_us, batch.column("received_at").cast(pa.int64()).to_numpy())
        return np.array(found.values.to_pylist(), dtype=object), np.maximum(came, due)


def _answers(batch: pa.RecordBatch, task: Task) -> Answers:
    estimate = batch.column("value" if task == "regression" else "probability")
    return Answers(
        label=np.array(batch.column("label").to_pylist(), dtype=object),
        estimate=estimate.cast(pa.float64()).to_numpy(zero_copy_only=False),
    )


def _champions(batch: pa.RecordBatch, answers: Answers, others: npt.NDArray[np.bool_], ask: Ask) -> Answers:
    """Return what the champion says of every row: what it said, or, of what others answered, says now."""
    if not others.any():
        return answers
    names = named_values(columns_in(batch.schema))
    there = {logged: name for name, logged in names.items() if logged in batch.schema.names}
    rows = batch.filter(pa.array(others)).select(list(there)).replace_schema_metadata(None)
    said = ask(rows.rename_columns(list(there.values())))
    label, estimate = answers.label.copy(), answers.estimate.copy()
    label[others], estimate[others] = said.label, said.estimate
    return Answers(label=label, estimate=estimate)


def _units(batch: pa.RecordBatch, unit: Sequence[str]) -> list[str | None]:
    """Return the key of each row's unit; None where a part of it is missing."""
    names = named_values(columns_in(batch.schema))
    if not unit or not all(names.get(name) in batch.schema.names for name in unit):
        return [None] * batch.num_rows
    parts = [batch.column(names[name]).to_pylist() for name in unit]
    return [None if None in row else repr(row) for row in zip(*parts, strict=True)]


def _once(parts: Sequence[_Part], arms: tuple[str, ...]) -> Rows:
    """Return the parts together, each prediction once, without units that met several variants."""
    ids = [name for part in parts for name in part.ids]
    units = [unit for part in parts for unit in part.units]
    fell = [after for part in parts for after in part.fell]
    arm = np.concatenate([np.zeros(0, np.int64), *(part.arm for part in parts)])
    first = np.array(sorted(dict(zip(reversed(ids), range(len(ids) - 1, -1, -1), strict=True)).values()), np.int64)
    first = first[arm[first] >= 0]
    keys = [ids[at] if (unit := units[at]) is None else f"{UNIT} {unit}" for at in first]
    numbers = {key: number for number, key in enumerate(dict.fromkeys(keys))}
    codes = np.array([numbers[key] for key in keys], np.int64)
    low, high = np.full(len(numbers), len(arms)), np.full(len(numbers), -1)
    np.minimum.at(low, codes, arm[first])
    np.maximum.at(high, codes, arm[first])
    pure = (low == high)[codes]
    kept = first[pure]

    def together(arrays: Sequence[npt.NDArray[Any]]) -> Any:
        return np.concatenate([np.zeros(0, arrays[0].dtype if arrays else np.int64), *arrays])[kept]

    return Rows(
        arms=arms,
        arm=arm[kept],
        unit=codes[pure],
        received=together([part.received for part in parts]),
        known=together([part.known for part in parts]),
        metrics={one: together([part.metrics[one] for part in parts]) for one in (parts[0].metrics if parts else ())},
        before={one: together([part.before[one] for part in parts]) for one in (parts[0].before if parts else ())},
        mixed=int((low < high).sum()),
        keyless=sum(units[at] is None for at in kept),
        fell_back=dict(Counter(fell[at] for at in kept if fell[at])),
    )
