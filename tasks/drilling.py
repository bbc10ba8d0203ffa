"""What a drill reads and writes: copies of rows, with a fault in them, and what was said as a window filled."""

import os
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, timedelta
from functools import partial
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from evergreen.base.artifacts.refs import DatasetRef, FolderRef, TableRef
from evergreen.base.artifacts.workspace import Workspace
from evergreen.base.values import Value
from evergreen.config.contract.contract import Contract
from evergreen.config.contract.sources import FileSource
from evergreen.config.params.drift import DriftParams
from evergreen.config.params.params import Params
from evergreen.data import datasets
from evergreen.data.datasets.months import midnight
from evergreen.data.typed.schema import ARROW, to_pandas
from evergreen.data.typed.times import INSTANT
from evergreen.decisions.drift.faults import decision as faulty
from evergreen.decisions.drift.guarded import guarded
from evergreen.decisions.drift.harm.days import Day
from evergreen.decisions.drift.profile.profile import Profile
from evergreen.decisions.drift.profile.table import from_table
from evergreen.decisions.drift.shift import decision as shifting
from evergreen.decisions.drill import calm
from evergreen.decisions.drill.calm import Measured
from evergreen.decisions.drill.caught import Alarm
from evergreen.decisions.drill.faults import FaultName, inject
from evergreen.decisions.drill.window import Window
from evergreen.record.reference import DAY, Reference

PREFIXES = (1, 2, 3, 4, 5, 7, 10, 14, 21)  # days of a window, after which it is asked whether it was noticed
PAST, WINDOW = "past.parquet", "window.parquet"


class Put(Value):
    """A fault as it was put into a copy: what was done, in which columns, since which day."""

    what: str
    columns: tuple[str, ...]
    since: date


def copied(contract: Contract, folder: Path) -> Contract:
    """Return the contract of rows that lie in a folder as they were stored: typed, joined, and hashed already."""
    columns = tuple(
        column.model_copy(update={"physical": None, "pii": "keep" if column.pii else None})
        for column in contract.stored
    )
    source = FileSource(kind="file", path=".", root=str(folder), format="parquet")
    return contract.model_copy(update={"source": source, "joins": (), "columns": columns})


def last_day(raw: DatasetRef, ws: Workspace, contract: Contract) -> date | None:
    """Return the local day of the latest row; None where none has a time."""
    assert contract.time is not None
    latest = [
        pc.max(batch.column(contract.time).cast(pa.timestamp("us", tz=contract.timezone)))
        for _, batch in datasets.batches(ws.path(raw.uri), raw, columns=[contract.time])
    ]
    days = [one.as_py().date() for one in latest if one.is_valid]
    return max(days, default=None)


def write_copy(raw: DatasetRef, folder: Path, *, ws: Workspace, contract: Contract, start: date, end: date) -> None:
    """Put the rows of [start, end) into a folder, and beside them those before.

    Parameters
    ----------
    raw : rows of the source up to `end` at least; those without a time come into the window.
    """
    folder.mkdir(parents=True)
    schema = _schema(contract)
    first, last = (pa.scalar(midnight(day, contract.timezone), INSTANT) for day in (start, end))
    n_past = 0
    with pq.ParquetWriter(folder / WINDOW, schema) as window, pq.ParquetWriter(folder / PAST, schema) as past:
        for _, batch in datasets.batches(ws.path(raw.uri), raw, columns=schema.names):
            rows = pa.Table.from_batches([batch]).cast(schema)
            times = rows.column(contract.time)
            inside = pc.and_(pc.greater_equal(times, first), pc.less(times, last))
            window.write_table(rows.filter(pc.fill_null(inside, True)))
            before = rows.filter(pc.fill_null(pc.less(times, first), False))
            past.write_table(before)
            n_past += before.num_rows
    if not n_past:
        (folder / PAST).unlink()


def write_faulted(
    fault: FaultName,
    rows: Path,
    folder: Path,
    *,
    reference: FolderRef,
    ws: Workspace,
    contract: Contract,
    start: date,
    end: date,
    seed: int,
    odd: frozenset[str],
) -> Put | None:
    """Put the rows of `write_copy` into a folder with a fault in the window's; None if they cannot have it.

    Parameters
    ----------
    odd : columns of which something is said without any fault; others are chosen before them.
    """
    importances = Reference.read(ws.path(reference.uri), reference.sha256).importances
    window = to_pandas(pq.read_table(rows / WINDOW))
    found = inject(fault, Window(window, contract, importances, start, end, seed, odd))
    if found is None:
        return None
    folder.mkdir(parents=True)
    typed = pa.Table.from_pandas(found.rows, schema=_schema(contract), preserve_index=False, safe=False)
    pq.write_table(typed, folder / WINDOW)
    if (rows / PAST).exists():
        os.link(rows / PAST, folder / PAST)
    return Put(what=found.what, columns=found.columns, since=found.since)


def _schema(contract: Contract) -> pa.Schema:
    return pa.schema([(column.name, ARROW[column.type]) for column in contract.stored])


def noticed(
    new: Iterable[Alarm],
    profile: TableRef | None,
    *,
    reference: FolderRef,
    ws: Workspace,
    params: DriftParams,
    start: date,
    end: date,
) -> dict[Alarm, date]:
    """Return the last day of the shortest beginning of a window in which the same was said already.

    Beginnings of 1, 2, 3, 4, 5, 7, 10, 14 and 21 days are asked; what is said of none of them is not in the answer, nor
    is what profiles do not show.
    """
    asked = {alarm for alarm in new if alarm.monitor in ("faults", "shift")}
    if profile is None or not asked:
        return {}
    frozen = Reference.read(ws.path(reference.uri), reference.sha256)
    whole = from_table(pq.read_table(ws.verified(profile)))
    found: dict[Alarm, date] = {}
    for day, alarms in _as_it_filled(frozen, whole, params, start, end):
        found |= {alarm: day for alarm in asked & alarms if alarm not in found}
        if len(found) == len(asked):
            break
    return found


def _as_it_filled(
    frozen: Reference, whole: Profile, params: DriftParams, start: date, last: date
) -> Iterator[tuple[date, set[Alarm]]]:
    ends = [start + timedelta(days=days) for days in PREFIXES]
    for end in [end for end in ends if end < last]:
        begun = whole.within(start, end)
        yield end - timedelta(days=1), guarded(partial(_said, frozen, begun, params, (start, end)), lambda _: set())


def _said(frozen: Reference, begun: Profile, params: DriftParams, period: tuple[date, date]) -> set[Alarm]:
    broken = faulty.decide(frozen.features, begun, period=period)
    moved = shifting.decide(
        frozen.features, begun, alpha=params.alpha, min_blocks=params.min_days, importances=frozen.importances
    )
    faults = {Alarm("faults", fault.column, fault.kind) for fault in broken.columns}
    return faults | {Alarm("shift", name, "shifted") for name in moved.named("shifted")}


def calmly(
    reference: FolderRef, *, ws: Workspace, contract: Contract, params: Params, threshold: float, days: Sequence[Day]
) -> tuple[Measured, ...]:
    """Return how often alarms are raised on the days of a reference, drawn anew.

    Parameters
    ----------
    days : the losses of days since the gate.
    """
    frozen = Reference.read(ws.path(reference.uri), reference.sha256)
    harm = params.harm
    promise = frozen.promise(contract.task, threshold=threshold, loss=harm.loss, tolerance=harm.tolerance)
    gate = [] if frozen.gate is None else sorted({day.date() for day in frozen.gate[DAY]})
    losses = [Day(day=day, n=n, loss=loss) for day, (n, loss) in zip(gate, promise.days, strict=False)]
    history = calm.History(frozen.features, frozen.predictions, [*losses, *days])
    return tuple(
        calm.measure(history, promise, shift_alpha=params.drift.alpha, harm_alpha=harm.alpha, seed=params.seed)
    )


def rows_between(rows: Path, contract: Contract, first: date, last: date) -> int:
    """Return how many rows of a copy lie on the local days from `first` to `last`."""
    times = pq.read_table(rows / WINDOW, columns=[contract.time]).column(0)
    begin, end = (midnight(day, contract.timezone) for day in (first, last + timedelta(days=1)))
    inside = pc.and_(pc.greater_equal(times, pa.scalar(begin, times.type)), pc.less(times, pa.scalar(end, times.type)))
    return int(pc.sum(inside).as_py() or 0)
