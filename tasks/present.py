"""Step: the source and the prediction log -> the days that have rows."""

import logging
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
from prefect import task

from evergreen.base.artifacts.refs import DatasetRef
from evergreen.base.artifacts.workspace import Workspace
from evergreen.base.values import Value
from evergreen.config.contract.contract import Contract
from evergreen.data import datasets
from evergreen.record.predictions import reading
from tasks.engine import RETRIED

log = logging.getLogger(__name__)
ASKED = ("received_at", "event_at", "model")


class Present(Value):
    """The local days that have rows, by time."""

    days: tuple[date, ...]


@task(name="present", timeout_seconds=3600, **RETRIED)
def present(
    raw: DatasetRef | None, *, predictions: Path, ws: Workspace, contract: Contract, start: date | None = None
) -> Present:
    """Return the days from `start` on of which the source has rows, or any was served; of the log alone without `raw`.

    Rows without a time lie on no day.
    """
    days: set[date] = set()
    for times in (*_of_source(raw, ws, contract), *_of_log(predictions, contract)):
        local = pc.local_timestamp(times.cast(pa.timestamp("us", contract.timezone)))
        days.update(pc.unique(local.cast(pa.date32(), safe=False)).drop_null().to_pylist())
    found = sorted(day for day in days if start is None or day >= start)
    log.info("present: %d days have rows%s", len(found), f", {found[0]} to {found[-1]}" if found else "")
    return Present(days=tuple(found))


def _of_source(raw: DatasetRef | None, ws: Workspace, contract: Contract) -> Iterator[pa.Array]:
    if raw is None or contract.time is None:
        return
    for _, batch in datasets.scan(ws.path(raw.uri), raw, [contract.time], max_rows=100_000):
        yield batch.column(contract.time)


def _of_log(predictions: Path, contract: Contract) -> Iterator[pa.Array]:
    for batch in reading.batches(predictions, pick=lambda _: ASKED):
        ours = batch.filter(pc.equal(batch.column("model"), contract.name))
        yield pc.coalesce(ours.column("event_at"), ours.column("received_at"))
