"""Step: the prediction log -> the rows that a model answered in a period, its answers, and their labels."""

import logging
from datetime import date, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
from prefect import task

from evergreen.base.artifacts.refs import TableRef
from evergreen.base.artifacts.workspace import Workspace
from evergreen.base.values import Value
from evergreen.config.contract.contract import Contract
from evergreen.data.datasets.months import midnight
from evergreen.data.typed.schema import ARROW
from evergreen.record.labels.join import join
from evergreen.record.labels.verdict import Labels
from evergreen.record.predicted import ID
from evergreen.record.predictions import reading
from evergreen.record.predictions.columnar import INSTANT, as_schema, columns_in, named_values
from tasks.engine import RETRIED

log = logging.getLogger(__name__)


class Served(Value):
    """What was served in a period.

    `rows`: as they were sent, under the contract's names, with the id of each prediction. `answers`: of one version,
    each prediction once, by the time of its event, with its `target` where that was known.
    """

    rows: TableRef
    answers: TableRef
    labels: Labels


@task(name="served", timeout_seconds=3600, **RETRIED)
def served(
    *,
    predictions: Path,
    version: int,
    ws: Workspace,
    contract: Contract,
    start: date,
    end: date,
    as_of: datetime,
) -> Served:
    """Take the rows of [start, end), local days, that were answered before `as_of` by any version, and their labels.

    A row's time is that of what it is about, or, where it has none, that of its answer. Personal columns are left out:
    what the log holds of them is not what a model sees.

    Parameters
    ----------
    version : whose answers are taken.
    """
    first, last = midnight(start, contract.timezone), midnight(end, contract.timezone)
    joined = join(
        predictions,
        model=contract.name,
        as_of=as_of,
        delay=timedelta(days=contract.label_delay_days),
        start=first,
        end=last,
        version=version,
    )
    with ws.writer("answers", joined.rows.schema) as answers:
        answers.add(joined.rows)
    columns = {column.name: ARROW[column.type] for column in contract.request_columns if not column.pii}
    columns |= {c.name: ARROW[c.type] for c in contract.columns if c.name in contract.key and not c.pii}
    schema = pa.schema([(ID, pa.string()), *columns.items()])
    with ws.writer("served", schema) as rows:
        for batch in reading.batches(predictions, until=as_of):
            event = pc.coalesce(batch.column("event_at"), batch.column("received_at"))
            inside = pc.and_(
                pc.greater_equal(event, pa.scalar(first, INSTANT)), pc.less(event, pa.scalar(last, INSTANT))
            )
            inside = pc.and_(inside, pc.equal(batch.column("model"), contract.name))
            if inside.true_count:
                rows.add(as_schema(_as_sent(batch, event, contract).filter(inside), schema))
    log.info("served: %d rows from %s to %s", rows.ref.rows, start, end)
    return Served(rows=rows.ref, answers=answers.ref, labels=joined.labels)


def _as_sent(batch: pa.RecordBatch, event: pa.Array, contract: Contract) -> pa.RecordBatch:
    """Return the contract's columns of logged rows under their own names, and the row's time as its time."""
    names = named_values(columns_in(batch.schema))
    arrays = {ID: batch.column("prediction_id"), **{name: batch.column(logged) for name, logged in names.items()}}
    arrays |= {contract.time: event} if contract.time else {}
    return pa.RecordBatch.from_arrays(list(arrays.values()), names=list(arrays))
