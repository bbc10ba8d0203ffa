"""A file as one table in memory, with the columns that it has: what batch scoring reads."""

from pathlib import Path

import pandas as pd
import pyarrow as pa

from evergreen.base.errors import DataError
from evergreen.config.contract.contract import Contract
from evergreen.data.ingest import faults, readers
from evergreen.data.ingest.items import check_unchanged, item_of
from evergreen.data.ingest.store import refuse_mixture
from evergreen.data.typed.schema import ROW, UNREADABLE, conform, to_pandas
from evergreen.data.typed.times import Offsets


def read(path: Path, contract: Contract) -> pd.DataFrame:
    """Return the rows of a file in their order: text as it is written, null where the contract says that it is missing.

    Raises
    ------
    DataError if the file is not there, cannot be parsed, has no rows, a row that cannot be split into values, or times
    with and without an offset from UTC.
    """
    if not path.exists():
        raise DataError("DQ000", "the file does not exist", where=str(path), next_step="Name one that does.")
    item = item_of(path, name=str(path))
    times = [column for column in contract.request_columns if column.type == "timestamp"]
    offsets, batches = Offsets(), list[pa.RecordBatch]()
    for batch in readers.read(item, missing=contract.missing):
        unreadable = batch.filter(batch.column(UNREADABLE).is_valid())
        if unreadable.num_rows:
            raise DataError(
                "DQ002",
                f"row {unreadable.column(ROW)[0]} cannot be read: {unreadable.column(UNREADABLE)[0]}",
                where=item.name,
                next_step="Correct the row, or take it out of the file.",
            )
        here = [column for column in times if column.name in batch.schema.names]
        conform(batch, here, zone=contract.timezone, missing=contract.missing, offsets=offsets)
        batches.append(batch)
    check_unchanged(item)
    refuse_mixture(offsets, item)
    tables = [pa.Table.from_batches([batch]) for batch in batches if batch.num_rows]
    if not tables:
        raise faults.empty(item)
    rows = pa.concat_tables(tables, promote_options="permissive")
    return to_pandas(rows.drop_columns([ROW, UNREADABLE]))
