"""Rows made into a profile, in one pass over batches and in memory that rows do not add to."""

from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta

import numpy as np
import pyarrow as pa

from evergreen.decisions.drift.profile.arrays import decoded, filled, microseconds, mismatch
from evergreen.decisions.drift.profile.days import FIRST, LAST, DayNumbers, LocalDays
from evergreen.decisions.drift.profile.profile import ColumnBins, Profile
from evergreen.decisions.drift.profile.tallies import (
    ROWS_AT_A_TIME,
    Ints,
    Ordered,
    Scratch,
    Stretch,
    Tally,
)  # fmt: skip

EPOCH = date(1970, 1, 1)
THREADS = 2


def profile(
    batches: pa.Table | Iterable[pa.RecordBatch],
    bins: Mapping[str, ColumnBins],
    *,
    time: str,
    zone: str,
    threads: int = THREADS,
) -> Profile:
    """Return what rows look like, by local day and cell.

    Counts do not depend on how rows are cut into batches, nor on their order; sums do in their last digits (within
    1e-12 of the sum of absolute values, where measured below 1e-14), as float64 rounds.

    Parameters
    ----------
    batches : of the types that Evergreen's tables have; categories may be dictionaries. Columns without bins are not
        looked at. A column that is absent from any batch, or of another type there, is lost.
    time : the column by whose local day in `zone`, an IANA name, rows are put into blocks. A row without a time, or
        with one outside the years 1 to 9999, is undated; so is every row of a batch without the column.

    Examples
    --------
    >>> rows = pa.table({"at": pa.array([0, 1], pa.timestamp("us", "UTC")), "x": [1.0, None]})
    >>> bins = {"x": ColumnBins("number", edges=np.array([0.0])), "y": ColumnBins("number", edges=np.array([0.0]))}
    >>> seen = profile(rows, bins, time="at", zone="UTC")
    >>> seen.days, seen.rows.tolist(), seen.counts["x"].tolist(), seen.lost
    ((datetime.date(1970, 1, 1),), [2], [[0, 1, 1]], {'y': 'absent'})
    """
    if isinstance(batches, pa.Table):
        batches = batches.to_batches() or [pa.RecordBatch.from_pylist([], schema=batches.schema)]
    calendar, tallies, lost = _Calendar(time, zone), {name: Tally(of) for name, of in bins.items()}, dict[str, str]()
    shares = [(list(bins)[at::threads], Scratch()) for at in range(threads)]
    with ThreadPoolExecutor(threads) as pool:
        for batch in batches:
            ordered = calendar.order(batch)

            def add(share: tuple[list[str], Scratch], batch: pa.RecordBatch = batch, by: Ordered = ordered) -> None:
                names, scratch = share
                for name in names:
                    if name not in lost and (reason := _add(tallies[name], batch, name, by, scratch)):
                        lost[name] = reason

            list(pool.map(add, shares))
    return _profile(bins, calendar, tallies, lost)


def _add(tally: Tally, batch: pa.RecordBatch, name: str, ordered: Ordered, scratch: Scratch) -> str | None:
    """Take in a column of a batch; return why that is not possible."""
    at = batch.schema.get_all_field_indices(name)
    if len(at) != 1:
        return "absent" if not at else "there twice"
    reason = mismatch(batch.schema.types[at[0]], tally.bins.kind)
    if reason is None:
        try:
            tally.add(batch.column(at[0]), ordered, scratch)
        except Exception as error:  # whatever it is, it must not pass for a column without change
            reason = f"failed: {type(error).__name__}: {error}"
    return reason


def _profile(
    bins: Mapping[str, ColumnBins], calendar: "_Calendar", tallies: Mapping[str, Tally], lost: Mapping[str, str]
) -> Profile:
    numbers = np.array(list(calendar.slots), np.int64)
    by_day, found = np.argsort(numbers), [name for name in bins if name not in lost]
    for name in found:
        tallies[name].reach(len(numbers))
    return Profile(
        bins=dict(bins),
        days=tuple(EPOCH + timedelta(days=int(number)) for number in numbers[by_day]),
        rows=np.array(calendar.rows, np.int64)[by_day],
        counts={name: tallies[name].counts[by_day] for name in found},
        moments={name: tallies[name].moments[by_day] for name in found if bins[name].is_numeric},
        lost={name: lost[name] for name in bins if name in lost},
        undated=calendar.undated,
    )


class _Calendar:
    """Which rows of a batch lie on which day; a day has a slot, in the order in which days come."""

    def __init__(self, time: str, zone: str) -> None:
        self._time = time
        self._days = LocalDays(zone)
        self.slots: dict[int, int] = {}
        self.rows: list[int] = []
        self.undated = 0

    def order(self, batch: pa.RecordBatch) -> Ordered:
        """Return the rows of a batch that have a time, by day, and count them."""
        take, days = self._dated(batch)
        self.undated += batch.num_rows - len(days)
        if len(days) == 0:
            return Ordered(None, ())
        if (days[1:] < days[:-1]).any():
            order = np.argsort(days, kind="stable")
            take, days = order if take is None else take[order], days[order]
        begins = np.flatnonzero(np.diff(days, prepend=days[0] - 1))
        slots = np.array([self._slot(int(day)) for day in days[begins]], np.intp)
        for slot, n in zip(slots, np.diff(begins, append=len(days)), strict=True):
            self.rows[slot] += int(n)
        return Ordered(take, tuple(_stretches(begins, slots, len(days))))

    def _slot(self, day: int) -> int:
        if day not in self.slots:
            self.slots[day] = len(self.rows)
            self.rows.append(0)
        return self.slots[day]

    def _dated(self, batch: pa.RecordBatch) -> tuple[Ints | None, DayNumbers]:
        """Return the positions of the rows that have a time, None for all of them, and their days."""
        at = batch.schema.get_all_field_indices(self._time)
        none = np.empty(0, np.int64)
        if len(at) != 1 or mismatch(batch.schema.types[at[0]], "timestamp"):
            return none, none
        values = decoded(batch.column(at[0]))
        if pa.types.is_null(values.type):
            return none, none
        times = filled(microseconds(values), LAST).to_numpy()
        inside = (times >= FIRST) & (times < LAST)
        if inside.all():
            return None, self._days.of(times)
        return np.flatnonzero(inside), self._days.of(times[inside])


def _stretches(begins: Ints, slots: Ints, n: int) -> Iterator[Stretch]:
    """Yield stretches of rows, of days that begin at `begins`, shape (days,)."""
    for begin in range(0, n, ROWS_AT_A_TIME):
        end = min(begin + ROWS_AT_A_TIME, n)
        first, last = np.searchsorted(begins, [begin, end - 1], side="right")
        starts = np.maximum(begins[first - 1 : last] - begin, 0)
        yield Stretch(begin, end, starts, np.diff(starts, append=end - begin), slots[first - 1 : last])
