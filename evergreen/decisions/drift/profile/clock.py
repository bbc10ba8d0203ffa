"""The hour of a row's time, as a column of its own, where clocks that are wrong show."""

import pyarrow as pa
import pyarrow.compute as pc

HOURS = tuple(f"{hour:02d}" for hour in range(24))


def hour_of(time: str) -> str:
    """Return the name of the column."""
    return f"hour of {time}"


def with_hour(batch: pa.RecordBatch, time: str, zone: str) -> pa.RecordBatch:
    """Return rows with the local hour of their `time` in `zone`, an IANA name; rows as they are without such a time.

    Examples
    --------
    >>> rows = pa.RecordBatch.from_pydict({"at": pa.array([0, None], pa.timestamp("us", "UTC"))})
    >>> with_hour(rows, "at", "America/New_York").column("hour of at").to_pylist()
    ['19', None]
    """
    at = batch.schema.get_all_field_indices(time)
    if len(at) != 1 or not pa.types.is_timestamp(batch.schema.types[at[0]]) or batch.schema.types[at[0]].tz is None:
        return batch
    hours = pc.hour(batch.column(at[0]).cast(pa.timestamp("us", tz=zone))).cast(pa.int32())
    return batch.append_column(hour_of(time), pa.DictionaryArray.from_arrays(hours, pa.array(HOURS)))
