"""The months that partition a dataset, in the table's own time zone."""

import functools
from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from evergreen.base.months import span
from evergreen.data.typed.times import LAST_RULED


def month_of(instant: datetime, zone: str) -> str:
    return f"{instant.astimezone(ZoneInfo(zone)):%Y-%m}"


def months_of(times: pa.Array, last: datetime, zone: str) -> npt.NDArray[np.int64]:
    """Return the local month of each time, as months since the year 0; -1 for none."""
    if last >= LAST_RULED.replace(tzinfo=UTC):
        local = times.to_pandas().dt.tz_convert(zone).dt
        return np.asarray((local.year * 12 + local.month - 1).fillna(-1), dtype=np.int64)
    local = times.cast(pa.timestamp("us", zone))
    months = pc.add(pc.multiply(pc.year(local), 12), pc.subtract(pc.month(local), 1))
    numbers: npt.NDArray[np.int64] = months.fill_null(-1).to_numpy(zero_copy_only=False)
    return numbers


def crosses(month: str, first: datetime, last: datetime, zone: str) -> bool:
    """Return whether times from `first`, in `month`, to `last` may lie in another month too."""
    begins, ends = span(month)
    return first < midnight(begins, zone, last=True) or last >= midnight(ends, zone)


@functools.cache
def midnight(day: date, zone: str, *, last: bool = False) -> datetime:
    """Return the instant at which a day begins; the last one where clocks are set back over midnight.

    Where they skip midnight, the day begins with the first instant after.
    """
    wall = datetime.combine(day, time.min, tzinfo=ZoneInfo(zone))
    both = [wall.replace(fold=fold).astimezone(UTC) for fold in (0, 1)]
    return max(both) if last else both[0]
